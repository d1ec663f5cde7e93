/**
 * The fingerprint by which the exhaustive search merges runs: what is merged goes on alike, event by
 * event, whatever fault strikes next; and a fingerprint that leaves too much out is noticed.
 */
import { describe, expect, it } from "vitest";
import { canonicalHash, type Plain, type World } from "../../core/kernel/index.ts";
import { prepareScenario, type ReadyScenario } from "../../scenarios/index.ts";
import { documentOf } from "./choice-tree.ts";
import { exhaust, type ExhaustiveState, type RunOfTree } from "./exhaustive.ts";
import { type fingerprint, fingerprintParts } from "./fingerprint.ts";
import { DocumentRun } from "./run-document.ts";

/** All of it by `npm run hunt:merged`: minutes. */
const isThorough = process.env["ORRERY_EXHAUSTIVE"] === "1";
const RUNS = isThorough ? 1_500 : 160;
/** Merged runs that are looked at, and durable steps after the merge at which a fault strikes. */
const PAIRS = isThorough ? 60 : 5;
const STRIKES = isThorough ? [0, 1, 2, 3, 5, 8, 13] : [0, 1, 4];

type Choices = Pick<RunOfTree, "order" | "strikes">;

async function small(): Promise<ReadyScenario> {
  const prepared = await prepareScenario("scenarios/small-scope.ts");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  return prepared.scenario;
}

async function runsOf(scenario: ReadyScenario, print?: typeof fingerprint) {
  let state: ExhaustiveState | undefined;
  const onState = (last: ExhaustiveState): void => void (state = last);
  const options = { mostRuns: RUNS, onState, ...(print && { print }) };
  await exhaust(scenario, scenario.document, options);
  return state!.runs;
}

/** What happens after an event: each with its time from there, and what breaks. */
function futureOf(scenario: ReadyScenario, chosen: Choices, event: number, timeNs: number) {
  const run = new DocumentRun(scenario, documentOf(scenario.document, chosen, true));
  const events: string[] = [];
  run.world.hooks.onEvent = ({ event: at, timeNs: atNs, target, handler }) => {
    if (at > event) events.push(`${atNs - timeNs} ${target.name} ${handler}`);
  };
  const { violations } = run.complete();
  return { events, violations: violations.map(({ invariant }) => invariant), untilNs: run.untilNs };
}

/** The first difference between the futures of runs that were merged; undefined when there is none. */
function firstDifference(scenario: ReadyScenario, runs: readonly RunOfTree[]): string | undefined {
  const merged = runs.filter((run) => run?.into !== null && run !== undefined);
  const every = Math.max(1, Math.floor(merged.length / PAIRS));
  for (const run of merged.filter((_, index) => index % every === 0)) {
    const [into, state, timeNs, event, step] = run.into!;
    const known = runs[into]!;
    const [, knownNs, knownEvent, knownStep] = known.states[state]!;
    for (const after of STRIKES) {
      const strike = ({ order, strikes }: Choices, at: number): Choices => ({
        order,
        strikes: strikes.map((each) => (each === 0 && after > 0 ? at + after : each)),
      });
      const a = futureOf(scenario, strike(run, step), event, timeNs);
      const b = futureOf(scenario, strike(known, knownStep), knownEvent, knownNs);
      // The one that began earlier goes on for longer.
      const length = Math.min(a.events.length, b.events.length);
      const at = a.events.findIndex((each, index) => index < length && each !== b.events[index]);
      if (at >= 0) return `${a.events[at]} and ${b.events[at]}`;
      if (a.violations.join() !== b.violations.join()) return a.violations.join();
    }
  }
  return undefined;
}

describe("runs that are merged", () => {
  it(
    "go on alike, whatever strikes next",
    async () => {
      const scenario = await small();
      const runs = await runsOf(scenario);
      expect(runs.filter((run) => run?.into).length).toBeGreaterThan(PAIRS);
      expect(firstDifference(scenario, runs)).toBeUndefined();
    },
    isThorough ? 3_600_000 : 240_000,
  );

  it(
    "do not when the fingerprint looks at what is to come only (canary)",
    async () => {
      const scenario = await small();
      const blind = (world: World, rest: Plain): bigint => {
        const pending = fingerprintParts(world, rest)["pending"] as readonly Plain[][];
        const events = pending.map(([, target, handler]) => [target!, handler!]);
        return canonicalHash([rest, events] as Plain).hash;
      };
      expect(firstDifference(scenario, await runsOf(scenario, blind))).toBeDefined();
    },
    isThorough ? 3_600_000 : 240_000,
  );
});
