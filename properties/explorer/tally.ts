/** What one run adds to a search. */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import type { RunRecord } from "./run-document.ts";
import type { Tally } from "./search.ts";

const ones = (names: readonly string[], count: number): { [name: string]: number } =>
  Object.fromEntries(names.map((name) => [name, count]));

/**
 * What breaks after the first violation of a run is mostly its consequence: it is not counted. Of a
 * fork the events are counted that were run.
 */
export function tallyOf(
  run: number,
  document: ResolvedScenario,
  record: RunRecord,
  before: number,
): Tally {
  const { events, simulatedNs, cells, outcomes, reached, unreached } = record;
  const [violation] = record.violations;
  return {
    runs: 1,
    forks: before > 0 ? 1 : 0,
    events: events - before,
    simulatedNs,
    reached: { ...ones(unreached, 0), ...ones(Object.keys(reached), 1) },
    cells: ones(cells, 1),
    outcomes: ones(outcomes, 1),
    findings:
      violation === undefined
        ? []
        : [{ violation, run, runs: 1, root: record.root, events, document }],
  };
}
