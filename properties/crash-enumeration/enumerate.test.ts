/**
 * Crashes of a small scenario: the same result in this process, with one worker, with two, and when a
 * worker is killed; and a piece that takes its worker down is told of, not lost.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareScenario, type ReadyScenario } from "../../scenarios/index.ts";
import type { CrashResult, CrashTask } from "./crash-task.ts";
import { type CrashExecutor, type Enumerated, enumerateCrashes } from "./enumerate.ts";
import { CrashWorkers } from "./worker-pool.ts";

const FILE = "scenarios/small-scope.ts";
const SETTINGS = ["durationMs=60"];
const limits = { depth: 2, most: 6, mostLosses: 2 };

let scenario: ReadyScenario;
let here: Enumerated;
const pools: CrashWorkers[] = [];
beforeAll(async () => {
  const prepared = await prepareScenario(FILE, { settings: SETTINGS });
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  // What strikes is what is tried here.
  scenario = {
    ...prepared.scenario,
    document: { ...prepared.scenario.document, faults: [] },
  };
  here = await enumerateCrashes(scenario, limits);
}, 120_000);
afterAll(() => pools.forEach((pool) => pool.close()));

function poolOf(workers: number): CrashWorkers {
  const pool = new CrashWorkers(FILE, SETTINGS, workers);
  pools.push(pool);
  return pool;
}

describe("an enumeration of crashes", () => {
  it("tries what there is at both depths", () => {
    expect(here.isWhole).toBe(true);
    expect(here.depths.map(({ depth }) => depth)).toEqual([1, 2]);
    for (const { enumerated, leftOut, exhaustive, sampled } of here.depths) {
      expect(exhaustive + sampled).toBe(enumerated - leftOut);
      expect(enumerated - leftOut).toBeGreaterThan(2);
    }
  });

  it("gives one result with one worker, with two, and when one is killed", async () => {
    expect(await enumerateCrashes(scenario, { ...limits, executor: poolOf(1) })).toEqual(here);
    const two = poolOf(2);
    let isKilled = false;
    const onProgress = (): void => {
      if (isKilled) return;
      isKilled = true;
      process.kill(two.pids[0]!, "SIGKILL");
    };
    const killed = await enumerateCrashes(scenario, { ...limits, executor: two, onProgress });
    expect(two.losses).toBe(1);
    expect(killed).toEqual(here);
  }, 240_000);

  it("tells of a crash over which whoever tries it is lost, and of all others (canary)", async () => {
    const inner = async (task: CrashTask): Promise<CrashResult> => {
      const { doCrashTask } = await import("./crash-task.ts");
      const isAtFault = task.kind === "crashes" && task.crashes.some(({ step }) => step === fatal);
      return isAtFault ? { kind: "lost", how: "SIGKILL" } : doCrashTask(scenario, task);
    };
    let fatal = 0;
    const executor: CrashExecutor = {
      async map(tasks) {
        const first = tasks.find((task) => task.kind === "crashes");
        if (first?.kind === "crashes") fatal ||= first.crashes[0]!.step;
        return Promise.all(tasks.map(inner));
      },
    };
    const found = await enumerateCrashes(scenario, { ...limits, depth: 1, executor });
    expect(found.findings.map(({ violation }) => violation.invariant)).toContain(
      "a run leaves its worker alive",
    );
    const [report] = found.depths;
    expect(report!.exhaustive + report!.sampled).toBeLessThan(report!.enumerated - report!.leftOut);
    expect(report!.exhaustive + report!.sampled).toBeGreaterThan(0);
  }, 120_000);
});
