/**
 * Searches: what they find depends on what was asked alone, never on how many workers there were, how
 * the blocks were shared, or what became of a worker; and they find what is wrong.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { component, hash64, hashHex, type World } from "../../core/kernel/index.ts";
import { prepareScenario, type ReadyScenario } from "../../scenarios/index.ts";
import { shrinkDocument } from "../shrinking/shrink.ts";
import { audit } from "./audit.ts";
import { createSearcher, runBlock, type Searcher } from "./block.ts";
import type { SearchProgress } from "./coordinator.ts";
import { explore, type ExploreOptions } from "./explore.ts";
import { mergeResults, type SearchResult } from "./result-file.ts";
import { runDocument } from "./run-document.ts";
import { NOTHING, type SearchRequest } from "./search.ts";
import { mergeTallies } from "./tally-sum.ts";

const FILE = "scenarios/storage-storm.ts";
const request: SearchRequest = {
  scenario: FILE,
  settings: [],
  seed: 3,
  strategy: "swarm",
  blockRuns: 3,
  auditAll: false,
};
const WHOLE = { index: 0, of: 1 };

let scenario: ReadyScenario;
let searcher: Searcher;
beforeAll(async () => {
  const prepared = await prepareScenario(FILE);
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  scenario = prepared.scenario;
  searcher = createSearcher(scenario);
}, 60_000);

/** Writes to its own configuration, now and then. */
const configWriter = component<{ readonly list: number[] }, {}, {}>({
  kind: "config-writer",
  handlers: {
    add(self) {
      self.config.list.push(self.config.list.length);
      self.after(1_000_000, "add");
    },
  },
});

const block = (number: number, runs = 3) =>
  runBlock(searcher, { ...request, block: number, runs, skip: [], findings: Infinity });

async function search(
  shard: { readonly index: number; readonly of: number },
  workers: number,
  more: Partial<ExploreOptions> = {},
  runs = 12,
): Promise<SearchResult & { lostWorkers: number }> {
  const limits = { runs, shard, findings: Infinity };
  const explored = await explore(scenario, { request, limits, workers, ...more });
  if (!explored.ok) throw new Error(explored.message);
  return { ...explored.result, lostWorkers: explored.lostWorkers };
}

const textOf = (result: SearchResult): string => JSON.stringify({ ...result, lostWorkers: 0 });

describe("a block of runs", () => {
  it("gives the same whenever and wherever it is done, and another seed gives another", async () => {
    const [first, again] = [await block(1), await block(1)];
    expect(again).toEqual(first);
    expect(first.tally.runs).toBe(3);
    expect(Object.keys(first.tally.outcomes)).toContain("snapshot complete");
    const other = await runBlock(searcher, {
      ...request,
      seed: 4,
      block: 1,
      runs: 3,
      skip: [],
      findings: Infinity,
    });
    expect(other.tally).not.toEqual(first.tally);
  }, 120_000);

  it("tells how operations of the timelines ended: complete, refused, or not yet", () => {
    const { document } = scenario;
    const refused = { id: "back", atMs: 9, do: "revert", vm: "db", point: "first" };
    const later = { id: "later", atMs: 99, do: "stun", vm: "db" };
    const timeline = [...document.timeline, refused, later] as never;
    const ends = { ...document, expect: [], durationMs: 15, timeline };
    expect(runDocument(scenario, ends).outcomes).toEqual([
      "snapshot complete",
      "snapshot complete",
      "snapshot complete",
      "consolidate complete",
      "delete-snapshot complete",
      "backup running",
      "revert vm-on",
    ]);
  });

  it.each(["uniform", "pct"] as const)(
    "of strategy %s covers something",
    async (strategy) => {
      const options = { ...request, strategy, block: 0, runs: 6, skip: [], findings: Infinity };
      const { tally } = await runBlock(searcher, options);
      expect(tally.runs).toBe(6);
      expect(tally.events).toBeGreaterThan(1_000);
    },
    120_000,
  );

  it("tells that a run goes on, which changes nothing of it", () => {
    let told = 0;
    const plain = runDocument(scenario, searcher.base);
    const alive = { every: 100, tell: () => void told++ };
    const watched = runDocument(scenario, searcher.base, { keepEvery: 96, alive });
    expect([watched.root, watched.events]).toEqual([plain.root, plain.events]);
    expect(told).toBeGreaterThanOrEqual(Math.floor(plain.events / 100) - 1);
  }, 60_000);

  it("is merged with others in any order", async () => {
    const [a, b, c] = [(await block(0)).tally, (await block(1)).tally, (await block(2)).tally];
    const one = mergeTallies(mergeTallies(a, b), c);
    expect(mergeTallies(c, mergeTallies(b, a))).toEqual(one);
    expect(mergeTallies(one, NOTHING)).toEqual(one);
  }, 120_000);
});

describe("a search", () => {
  it("gives one result with one worker, with two, and in two shards", async () => {
    const whole = await search(WHOLE, 1);
    expect(whole.tally.runs).toBe(12);
    expect(whole.blocks).toEqual([0, 1, 2, 3]);
    expect(textOf(await search(WHOLE, 2))).toBe(textOf(whole));
    const halves = [await search({ index: 0, of: 2 }, 1), await search({ index: 1, of: 2 }, 1)];
    const merged = mergeResults(halves[0]!, halves[1]!) as SearchResult;
    expect(textOf(merged)).toBe(textOf(whole));
    expect(mergeResults(whole, halves[0]!)).toBe("both hold block 0 (expected each shard once)");
  }, 300_000);

  it("gives the same when a worker is killed at its work", async () => {
    // More than is done between two times at which progress is told.
    const runs = 120;
    const whole = await search(WHOLE, 2, {}, runs);
    let pids: readonly (number | undefined)[] = [];
    const kill = {
      onWorkers: (all: typeof pids) => void (pids = all),
      onProgress({ tally, lostWorkers }: SearchProgress) {
        if (tally.runs > 0 && lostWorkers === 0) process.kill(pids[0]!, "SIGKILL");
      },
    };
    const killed = await search(WHOLE, 1, kill, runs);
    expect(killed.lostWorkers).toBeGreaterThan(0);
    expect(textOf(killed)).toBe(textOf(whole));
  }, 300_000);

  it("tells of each run, and keeps what it has when it is stopped within a block", async () => {
    const controller = new AbortController();
    let told = 0;
    const { tally } = await search(WHOLE, 1, {
      request: { ...request, blockRuns: 128 },
      limits: { runs: 128, shard: WHOLE, findings: Infinity },
      signal: controller.signal,
      onProgress: ({ runs }) => {
        told = runs;
        if (runs > 0) controller.abort();
      },
    });
    expect(told).toBeGreaterThan(0);
    expect(tally.runs).toBeGreaterThanOrEqual(told);
    expect(tally.runs).toBeLessThan(128);
  }, 120_000);
});

describe("the audit", () => {
  it("finds equal roots, and notices another one (canary)", async () => {
    const document = searcher.base;
    const { root } = runDocument(scenario, document);
    expect(audit(scenario, { run: 1, document, root })).toBeNull();
    const other = hashHex(hash64(new Uint8Array([1])));
    expect(audit(scenario, { run: 1, document, root: other })?.found).toBe(root);
  }, 60_000);

  it("notices a configuration that is written to, which no root tells", () => {
    const build = (world: World): void => {
      const writer = world.spawn(
        configWriter,
        { list: [] },
        { creator: world.named("alpha"), name: "writer" },
      );
      writer.after(1_000_000, "add");
    };
    const own = { ...scenario, own: { ...scenario.own, build } };
    const document = searcher.base;
    const { root } = runDocument(own, document);
    const noticed = audit(own, { run: 1, document, root })?.conditions;
    expect(noticed).toMatch(/^writer \(configuration\) changed in place by event \d+$/);
  }, 60_000);
});

describe("a finding", () => {
  it("is shrunk to what is needed: a canary that no mechanism can survive", async () => {
    const faults = [
      { kind: "slow", component: "array", factor: 2, atMs: 5, durationMs: 20 },
      { kind: "lost-write", device: "array", count: 30, atMs: 4 },
      { kind: "clock-step", host: "beta", stepUs: 10, atMs: 20 },
    ];
    const document = { ...searcher.base, faults } as unknown as Searcher["base"];
    const [violation] = runDocument(scenario, document).violations;
    expect(violation).toBeDefined();
    const options = { ...violation!, mostRuns: 400 };
    const shrunk = await shrinkDocument(scenario, document, options);
    const left = shrunk!.resolved;
    expect(left.faults.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["lost-write"]));
    expect(left.faults.length + left.timeline.length).toBeLessThan(5);
    const again = runDocument(scenario, left).violations.map(({ invariant }) => invariant);
    expect(again).toContain(violation!.invariant);
  }, 300_000);
});
