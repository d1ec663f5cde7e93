/**
 * The exhaustive search: equal states are met once, every choice is made, findings are real, and what
 * was merged has the future of what it was merged into.
 */
import { beforeAll, expect, it } from "vitest";
import {
  prepareScenario,
  type ReadyScenario,
  type ResolvedScenario,
} from "../../scenarios/index.ts";
import { behavioursOf, exhaust, type ExhaustiveState } from "./exhaustive.ts";
import { runDocument } from "./run-document.ts";

let whole: ReadyScenario;
beforeAll(async () => {
  const prepared = await prepareScenario("scenarios/small-scope.ts");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  whole = prepared.scenario;
}, 60_000);

function small(change: Partial<ResolvedScenario>): ReadyScenario {
  return { ...whole, document: { ...whole.document, durationMs: 6.2, ...change } };
}

const faulty = (...faults: object[]): readonly ResolvedScenario["faults"][number][] =>
  faults.map((fault) => ({ atStep: 1, probability: 1, delayUs: 0, ...fault })) as never;

const hang = { kind: "filter-hang", host: "beta", filter: 1, durationMs: 0.001 };

it("tries one fault at every durable step, and merges what it changed nothing for", async () => {
  const scenario = small({ timeline: [], faults: faulty(hang) });
  const { document } = scenario;
  const found = await exhaust(scenario, document, { mostRuns: 1_000 });
  let steps = 0;
  const watch = ({ kind }: { readonly kind: string }): void =>
    void (steps += +(kind === "durable"));
  runDocument(scenario, { ...document, faults: [] }, { watch });
  expect(found.isComplete).toBe(true);
  expect(steps).toBeGreaterThan(5);
  expect(found.merged).toBeGreaterThan(0);
  // The run without faults, and one with a fault at each step; each goes on or is merged.
  expect(found.tally.runs).toBe(steps + 1);
  expect(found.behaviours).toBe(steps + 1);
  expect(found.done).toBeCloseTo(1, 9);
}, 60_000);

it("goes on from where it was cut to the same end", async () => {
  const { timeline } = whole.document;
  const scenario = small({ durationMs: 7.1, timeline: timeline.slice(0, 2), faults: faulty(hang) });
  const { document } = scenario;
  const found = await exhaust(scenario, document, { mostRuns: 1_000 });
  let state: ExhaustiveState | undefined;
  const cut = await exhaust(scenario, document, {
    mostRuns: 12,
    onState: (last) => (state = last),
  });
  expect(cut.isComplete).toBe(false);
  const from = JSON.parse(JSON.stringify(state)) as ExhaustiveState;
  const rest = await exhaust(scenario, document, { mostRuns: 1_000, from });
  expect({ ...rest, done: 1 }).toEqual({ ...found, done: 1 });
  expect(found.behaviours).toBeGreaterThan(found.tally.runs / 2);
}, 120_000);

it("says so when it is cut, and finds what a fault breaks, with a document that shows it", async () => {
  // So small that what was written is read again.
  const text = JSON.stringify(whole.document.vms);
  const vms = JSON.parse(text.replaceAll('"regionMiB":1', '"regionMiB":0.0078125')) as never;
  const scenario = small({
    vms,
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

it("counts what runs stand for as one would by hand", () => {
  type Into = readonly [number, number, number, number, number];
  const run = (into: Into | null, ...left: [number, number][]) => ({ into, left });
  // 0 is left for 1 at its first state and for 2 at its second; 1 for 3; 2 is merged into 1 after that.
  const runs = [run(null, [0, 1], [1, 2]), run(null, [4, 3]), run([1, 3, 0, 0, 0]), run(null)];
  expect(behavioursOf(runs)).toBe(1 + 2 + 2);
});
