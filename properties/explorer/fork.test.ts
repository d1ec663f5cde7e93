/** Forks: what goes on from a kept moment is the run of its document from the beginning. */
import { expect, it } from "vitest";
import { prepareScenario, type ResolvedScenario, validateDocument } from "../../scenarios/index.ts";
import { seededChooser } from "../arbitraries/chooser.ts";
import { drawFeatures } from "../arbitraries/variants.ts";
import { createSearcher } from "./block.ts";
import { drawFork, forkPoint, runFork } from "./fork.ts";
import { runDocument, type RunOptions } from "./run-document.ts";

it("a fork is its document's run from the beginning; one of the past is not (canary)", async () => {
  const prepared = await prepareScenario("scenarios/storage-storm.ts");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  const { scenario } = prepared;
  const { base, ground, vocabulary } = createSearcher(scenario);
  const fault = { kind: "crash", domain: "beta", atStep: 90, restartAfterMs: 50 };
  const faults = [{ ...fault, probability: 1, delayUs: 0 }];
  const document = { ...base, faults } as unknown as ResolvedScenario;
  const { kept } = runDocument(scenario, document, { keepEvery: 600 });
  const point = forkPoint(scenario, document, kept[1]!, 700)!;
  const roots = new Set<string>();
  const kinds = { choices: 0, faults: 0 };
  for (let run = 0; run < 16; run++) {
    const chooser = seededChooser(1, run);
    const features = drawFeatures(chooser, vocabulary, base, "all");
    const checked = validateDocument(drawFork(chooser, point, features, ground), { file: "fork" });
    if (!checked.ok) continue;
    const forked = checked.document;
    if (forked.choices !== undefined) kinds.choices++;
    if (forked.faults.length > 1) kinds.faults++;
    const record = runFork(scenario, point, forked);
    const whole = runDocument(scenario, forked);
    expect(record.root).toBe(whole.root);
    expect([...record.coverage.cells]).toEqual([...whole.coverage.cells]);
    expect(record.reached).toEqual(whole.reached);
    expect(record.violations).toEqual(whole.violations);
    roots.add(record.root);
  }
  expect(roots.size).toBeGreaterThan(4);
  expect(Math.min(kinds.choices, kinds.faults)).toBeGreaterThan(0);
  const [{ entity, purpose }] = point.delays as readonly [(typeof point.delays)[number]];
  const past = { ...document, choices: [{ entity, purpose, at: 0, result: 9_000_000 }] };
  expect(runFork(scenario, point, past).root).not.toBe(runDocument(scenario, past).root);
}, 120_000);

it("a run whose handler threw is over, however it is looked at", async () => {
  const prepared = await prepareScenario("scenarios/storage-storm.ts");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  const { scenario } = prepared;
  const base = { ...scenario.document, expect: [] };
  const watch: RunOptions["watch"] = ({ kind }, { eventCount }) => {
    if (eventCount > 500 && kind === "phase") throw new Error("planted");
  };
  const whole = runDocument(scenario, base, { watch });
  expect(whole.violations.map(({ invariant }) => invariant)).toEqual(["handlers do not throw"]);
  for (const keepEvery of [64, 512]) {
    for (const every of [100, Infinity]) {
      const alive = { every, tell: () => undefined };
      const looked = runDocument(scenario, base, { watch, keepEvery, alive });
      expect([looked.events, looked.root]).toEqual([whole.events, whole.root]);
    }
  }
});
