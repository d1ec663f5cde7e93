/**
 * The host of an operation that saves, restores or moves memory is lost, and a request that it had sent
 * is still on its way. The VM is started on another host, which settles what the operation had begun;
 * the request comes at any step of that, or after it. Or the host lives, is cut off from the array or
 * from where the VM moves to, and goes on when it is back. It must not change what was decided, nor
 * leave anything behind: the VM runs, its catalog names all files of memory that there are, and it can
 * be saved, merged and gone back to.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  CRASHES_MS,
  expectRunning,
  intentsOf,
  outcomesOf,
  sampled,
} from "../testing/crash-points.ts";
import { type Cut, cutsOf, withCut } from "../testing/cut-off.ts";
import { tryEachOfLost } from "../testing/late-messages.ts";
import {
  catalogOf,
  documentOf,
  type Entries,
  memoryFiles,
  OFF,
  restore,
  SAVE,
  SMALL,
} from "../testing/saved-memory.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** From the begin of the operation to the start elsewhere. */
const TAKEN_MS = 350;
/** What waits for a run that is gone waits a minute. */
const END_MS = 70_000;
const EVERY = 7;
/** All has settled where the host is lost. */
const LOST_MS = 10_000;
const EVERY_LOST = 1;
const EVERY_STEP = 11;
const FEW = 2_000;
const HOSTS = ["alpha", "beta", "gamma"];

type Entry = Entries[number];
type Pair = readonly [string, string];

const ARRAY = { id: "op", vm: "db", on: "array" } as const;
const FROM_ARRAY: readonly Pair[] = [["alpha", "array"]];
const MOVED: readonly Pair[] = [
  ["alpha", "array"],
  ["gamma", "array"],
  ["alpha", "gamma"],
];

const saveAt = (id: string, atMs: number, more: object = {}) =>
  ({ ...SAVE, ...SMALL, id, atMs, ...more }) as Entry;
const suspendAt = (id: string, atMs: number) =>
  ({ ...SMALL, ...ARRAY, id, atMs, do: "suspend" }) as Entry;
const restoreAt = (method: "lazy" | "eager") => ({ ...restore(method), id: "op" }) as Entry;
const WITH_DISKS = saveAt("c1", 30, { withDisks: true });

const MOVE = { id: "op", atMs: 60, do: "migrate", vm: "db", to: "gamma", minMbps: 50 } as const;

/** Name, what is before it, the operation, and what is cut off from what. */
const OPERATIONS: readonly (readonly [string, Entries, Entry, readonly Pair[]])[] = [
  ["a checkpoint", [], saveAt("op", 60), FROM_ARRAY],
  ["a checkpoint with disks", [], saveAt("op", 60, { withDisks: true }), FROM_ARRAY],
  [
    "an incremental checkpoint",
    [saveAt("c1", 30, { base: "last" })],
    saveAt("op", 90, { base: "last" }),
    FROM_ARRAY,
  ],
  [
    "a merge",
    [saveAt("c1", 30, { base: "last" }), saveAt("c2", 90, { base: "last" })],
    { ...ARRAY, atMs: 180, do: "merge-checkpoints" },
    FROM_ARRAY,
  ],
  ["a suspend", [], suspendAt("op", 60), FROM_ARRAY],
  ["a resume", [suspendAt("asleep", 60)], { ...ARRAY, atMs: 200, do: "resume" }, FROM_ARRAY],
  ["a lazy restore", [WITH_DISKS, OFF], restoreAt("lazy"), FROM_ARRAY],
  ["an eager restore", [WITH_DISKS, OFF], restoreAt("eager"), FROM_ARRAY],
  ["a move", [], MOVE, MOVED],
  ["a post-copy move", [], { ...MOVE, algorithm: "post-copy", maxMbps: 100 } as Entry, MOVED],
];

/** Taken over while it is cut off, or handed over when it is back; then saved, merged, off and back. */
function cutOffDocument(before: Entries, operation: Entry, how: "take-over" | "restart") {
  const timeline = [
    ...before,
    operation,
    { id: "on", atMs: operation.atMs! + TAKEN_MS, do: how, vm: "db", host: "beta" },
    { id: "on-again", atMs: 5_000, do: "power-on", vm: "db" },
    saveAt("after", 6_000, { base: "last", withDisks: true }),
    { ...ARRAY, id: "merged", atMs: 7_000, do: "merge-checkpoints" },
    { ...OFF, id: "off-again", atMs: 9_000 },
    { ...restore("eager"), atMs: 9_100 },
  ] as Entries;
  const small = documentOf(timeline, FEW);
  return {
    ...small,
    durationMs: END_MS,
    arrays: [{ ...small.arrays![0]!, ownership: { leaseMs: 100, heartbeatMs: 30 } }],
    hosts: HOSTS.map((id) => ({ id, cores: 2, memoryMiB: 4_096 })),
    links: [
      ...HOSTS.map((host) => ({ between: [host, "array"] })),
      { between: ["alpha", "beta"] },
      { between: ["alpha", "gamma"] },
      { between: ["beta", "gamma"] },
    ],
    vms: small.vms!.map((vm) => ({ ...vm, restartOn: [] })),
  } as unknown as ScenarioDocument;
}

describe.each(OPERATIONS)("%s", (_name, before, operation, pairs) => {
  it.runIf(pairs === FROM_ARRAY)(
    "is settled for good, whatever its lost host had sent and whenever that comes",
    () => {
      const { arrays, ...rest } = cutOffDocument(before, operation, "restart");
      // Without owners the intents alone keep apart what is of now from what is late.
      const free = arrays!.map(({ ownership: _, ...array }) => array);
      const document = { ...rest, arrays: free, durationMs: LOST_MS };
      const world = builderOf(document).build({ seed: 1 });
      world.run({ untilNs: fromMs(operation.atMs!) - 1 });
      const trials = tryEachOfLost(world, {
        array: "array",
        every: EVERY_LOST,
        everyStep: EVERY_STEP,
        endMs: LOST_MS,
        isRecovery: (id) => id.startsWith("on") || id.startsWith("db.settle"),
        settled: (ended, where) => expectWhole(world, ended, where),
      });
      expect(trials).toBeGreaterThan(3);
    },
    CRASHES_MS,
  );

  it(
    "ends, and leaves nothing behind, whenever its host is cut off until another one runs the VM",
    () => {
      const ends = new Set<string>();
      const whole = cutOffDocument(before, operation, "take-over");
      const cuts = cutsOf(whole, "op", operation.atMs! + TAKEN_MS);
      expect(cuts.length).toBeGreaterThan(8);
      for (const pair of pairs) {
        for (const how of ["take-over", "restart"] as const) {
          const document = cutOffDocument(before, operation, how);
          const from = how === "restart" ? 2 : 0;
          for (const cut of sampled(cuts, EVERY, from)) ends.add(cutOff(document, cut, pair));
        }
      }
      expect(ends).toContain("complete");
      expect(ends.size).toBeGreaterThan(1);
    },
    CRASHES_MS,
  );
});

/** How the operation ends. */
function cutOff(document: ScenarioDocument, cut: Cut, pair: Pair): string {
  const world = builderOf(withCut(document, "op", cut, pair)).build({ seed: 1 });
  const ended = outcomesOf(world);
  world.run({ untilNs: fromMs(END_MS) });
  const where = `${pair.join(" without ")}, ${cut.delayUs} us after ${cut.phase}: ${ended["op"]}`;
  expect(ended["op"], where).toBeDefined();
  expectWhole(world, ended, where);
  return ended["op"]!;
}

function expectWhole(world: World, ended: ReturnType<typeof outcomesOf>, where: string): void {
  const { after, back } = ended;
  expect({ after, back }, where).toEqual({ after: "complete", back: "complete" });
  expect(intentsOf(world), where).toEqual([]);
  const named = catalogOf(world).checkpoints.map(({ volume }) => volume);
  expect(memoryFiles(world).sort(), where).toEqual(named.sort());
  expectRunning(world, "db", where);
}
