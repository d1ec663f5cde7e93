/**
 * Searches whose workers fail, again and again, at the same place: what the others find is kept, each
 * block counts once, and what was at fault is named.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { prepareScenario, type ReadyScenario } from "../../scenarios/index.ts";
import { type Explored, explore } from "./explore.ts";
import type { SearchRequest } from "./search.ts";

const FILE = "scenarios/storage-storm.ts";
const PLANT = new URL("../testing/failing-worker.mjs", import.meta.url).href;
const request: SearchRequest = {
  scenario: FILE,
  settings: [],
  seed: 3,
  strategy: "swarm",
  blockRuns: 2,
  auditAll: false,
};

let scenario: ReadyScenario;
beforeAll(async () => {
  const prepared = await prepareScenario(FILE);
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  scenario = prepared.scenario;
}, 60_000);

const { execArgv } = process;
afterEach(() => {
  process.execArgv = execArgv;
  delete process.env["ORRERY_TEST_FAILS"];
});

type Ended = Extract<Explored, { ok: true }>;

async function search(fails: string, runs: number, auditAll = false): Promise<Ended> {
  process.execArgv = [...execArgv, "--import", PLANT];
  process.env["ORRERY_TEST_FAILS"] = fails;
  const limits = { runs, shard: { index: 0, of: 1 }, findings: Infinity };
  const explored = await explore(scenario, {
    request: { ...request, auditAll },
    limits,
    workers: 1,
  });
  if (!explored.ok) throw new Error(explored.message);
  return explored;
}

describe("a search", () => {
  it("passes over a run that takes its workers down, tells of it, and does all others", async () => {
    const { result, trouble, lostWorkers } = await search("run:1", 4);
    expect(trouble).toBeUndefined();
    expect(lostWorkers).toBe(2);
    expect(result.blocks).toEqual([0, 1]);
    expect(result.tally.runs).toBe(4);
    expect(result.tally.findings.map(({ run, violation }) => [run, violation.message])).toEqual([
      [1, "the worker ended with Error: planted in run"],
    ]);
  }, 120_000);

  it("that cannot draw a run ends, keeps what it had, and says where", async () => {
    const { result, trouble } = await search("draw:3", 4);
    expect(trouble).toMatch(
      /^block 1 took \d workers down, .* before run 3: Error: planted in draw/,
    );
    expect(result.blocks).toEqual([0]);
    expect(result.tally.runs).toBe(2);
  }, 120_000);

  it("takes a repetition that nobody survives for a mismatch", async () => {
    const { result, trouble } = await search("audit", 2, true);
    expect(trouble).toBeUndefined();
    expect(result.tally.runs).toBe(2);
    expect(result.audited).toBe(0);
    expect(result.mismatches.map(({ run }) => run)).toEqual([0, 1]);
    expect(result.mismatches[0]!.found).toBe("none (Error: planted in audit)");
  }, 240_000);
});
