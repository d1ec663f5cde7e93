/** The exhaustive search: equal states are met once, every choice is made, and findings are real. */
import { expect, it } from "vitest";
import {
  prepareScenario,
  type ReadyScenario,
  type ResolvedScenario,
} from "../../scenarios/index.ts";
import { exhaust } from "./exhaustive.ts";
import { runDocument } from "./run-document.ts";

async function small(change: Partial<ResolvedScenario>): Promise<ReadyScenario> {
  const prepared = await prepareScenario("scenarios/small-scope.ts");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  const document = { ...prepared.scenario.document, durationMs: 6.2, ...change };
  return { ...prepared.scenario, document };
}

const faulty = (fault: object): readonly ResolvedScenario["faults"][number][] =>
  [{ atStep: 1, probability: 1, delayUs: 0, ...fault }] as never;

it("tries one fault at every durable step, and merges what it changed nothing for", async () => {
  const scenario = await small({
    timeline: [],
    faults: faulty({ kind: "filter-hang", host: "beta", filter: 1, durationMs: 0.001 }),
  });
  const { document } = scenario;
  const found = await exhaust(scenario, document, { mostRuns: 1_000 });
  let steps = 0;
  const watch = ({ kind }: { readonly kind: string }): void =>
    void (steps += +(kind === "durable"));
  runDocument(scenario, { ...document, faults: [] }, { watch });
  expect(found.isComplete).toBe(true);
  expect(found.orders).toEqual([1, 1]);
  expect(steps).toBeGreaterThan(5);
  expect(found.merged).toBeGreaterThan(0);
  // The run without faults, and one with a fault at each step; each goes on or is merged.
  expect(found.tally.runs + found.merged).toBe(steps + 1);
}, 60_000);

it("says so when it is cut, and finds what a fault breaks, with a document that shows it", async () => {
  const { vms } = (await small({})).document;
  // So small that what was written is read again.
  const text = JSON.stringify(vms).replaceAll('"regionMiB":1', '"regionMiB":0.0078125');
  const scenario = await small({
    vms: JSON.parse(text) as typeof vms,
    durationMs: 40,
    timeline: [],
    faults: faulty({ kind: "lost-write", device: "array", count: 40 }),
  });
  const cut = await exhaust(scenario, scenario.document, { mostRuns: 1 });
  expect(cut.isComplete).toBe(false);
  const found = await exhaust(scenario, scenario.document, { mostRuns: 60 });
  const [finding] = found.tally.findings;
  expect(finding).toBeDefined();
  expect(found.unverified).toBe(0);
  const { violations } = runDocument(scenario, finding!.document);
  expect(violations.map(({ invariant }) => invariant)).toContain(finding!.violation.invariant);
}, 60_000);
