/**
 * The host of an operation is lost, and a request that it had sent is still on its way. The VM is
 * started on another host, which settles what the operation had begun; the request comes at any
 * step of that, or after it. Or the host lives, is cut off from the array, and goes on when it is
 * back. It must not change what was decided, nor leave anything behind. The disks have owners:
 * without, nothing tells a late intent of a lost host from one of now.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
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
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];
type Kind = "redo" | "cow";

const START_MS = 60;
/** What stands on a clone or a backup begins. */
const LATER_MS = 260;
/** From the begin of the operation to the start elsewhere: it was lost by then. */
const RECOVERY_MS = 400;
/** From there on until all is settled. */
const SETTLED_MS = 1_700;
/** Of the points at which a host is cut off. */
const EVERY_CUT = 3;
const BACK_MS = 9_000;

interface Tried {
  readonly kind: Kind;
  readonly operation: Entry;
  readonly before?: readonly Entry[];
  /** The VM that is started elsewhere. */
  readonly vm?: "twin";
}

function documentOf({ kind, operation, before = [], ...tried }: Tried): ScenarioDocument {
  const vm: string = tried.vm ?? "db";
  const startMs = operation.atMs!;
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 1, durationMs: 100, thinkTimeUs: 4_000, readPercent: 30 });
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const own = { ...db!, guest, disks, restartOn: [] };
  return {
    ...small,
    durationMs: startMs + RECOVERY_MS + SETTLED_MS,
    arrays: [
      {
        ...small.arrays![0]!,
        kind: "cow",
        chunkKiB: 64,
        ownership: { leaseMs: 100, heartbeatMs: 30 },
      },
      { ...small.arrays![0]!, id: "vault" },
    ],
    hosts: [...small.hosts!, { id: "gamma", cores: 2, memoryMiB: 4_096 }],
    links: ["alpha", "beta", "gamma"].flatMap((host) =>
      ["array", "vault"].map((to) => ({ between: [host, to] })),
    ),
    vms: [own, { ...own, id: "twin", host: "beta", poweredOn: false }],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "second", atMs: 35, do: "snapshot", vm: "db" },
      ...before,
      operation,
      { id: "on", atMs: startMs + RECOVERY_MS, do: "restart", vm, host: "gamma" },
      { id: "above", after: "on.complete", delayMs: 50, do: "snapshot", vm },
      { id: "again", after: "above.complete", delayMs: 200, do: "restart", vm, host: "gamma" },
    ],
  } as ScenarioDocument;
}

const DB = { id: "op", atMs: START_MS, vm: "db" } as const;
const OFF = [{ id: "off", atMs: START_MS - 6, do: "power-off", vm: "db" }] as const;
const LINKED = [
  { id: "link", atMs: 60, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
  { id: "twin-on", atMs: 100, do: "power-on", vm: "twin" },
] as const;
const OWN = { id: "own", atMs: 150, do: "snapshot", vm: "twin" } as const;
const BACKED_UP_OFF = [
  { id: "copy", atMs: START_MS, do: "backup", vm: "db", to: "vault", copyKiB: 64 },
  { id: "off", atMs: LATER_MS - 6, do: "power-off", vm: "db" },
] as const;

const snapshot = { ...DB, do: "snapshot" } as const;
const consolidate = { ...DB, do: "consolidate", point: "first" } as const;
const remove = { ...DB, do: "delete-snapshot", point: "first" } as const;
const revert = { ...DB, do: "revert", point: "first" } as const;
const grow = { ...DB, do: "grow-disk", disk: "data", toMiB: 16 } as const;
const convert = (to: Kind) => ({ ...DB, do: "migrate-disk-format", to }) as const;
const link = { ...DB, do: "linked-clone", point: "first", clone: "twin" } as const;
const promote = { ...DB, atMs: LATER_MS, do: "promote", vm: "twin", copyKiB: 64 } as const;
const carry = { ...promote, snapshots: "carry" } as const;
const backup = { ...DB, do: "backup", to: "vault", copyKiB: 64 } as const;
const RESTORE = { ...DB, atMs: LATER_MS, do: "restore", backup: "copy", from: "vault" } as const;

const OPERATIONS: readonly Tried[] = [
  { kind: "redo", operation: snapshot },
  { kind: "redo", operation: consolidate },
  { kind: "redo", operation: consolidate, before: OFF },
  { kind: "redo", operation: revert, before: OFF },
  { kind: "redo", operation: convert("cow"), before: OFF },
  { kind: "redo", operation: grow },
  { kind: "redo", operation: link, vm: "twin" },
  { kind: "redo", operation: promote, before: LINKED, vm: "twin" },
  { kind: "redo", operation: carry, before: [...LINKED, OWN], vm: "twin" },
  { kind: "redo", operation: backup },
  { kind: "redo", operation: RESTORE, before: BACKED_UP_OFF },
  { kind: "cow", operation: snapshot },
  { kind: "cow", operation: remove },
  { kind: "cow", operation: remove, before: OFF },
  { kind: "cow", operation: revert, before: OFF },
  { kind: "cow", operation: convert("redo"), before: OFF },
  { kind: "cow", operation: link, vm: "twin" },
  { kind: "cow", operation: backup },
  { kind: "cow", operation: RESTORE, before: BACKED_UP_OFF },
];

const nameOf = ({ kind, operation, before = [] }: Tried): string => {
  const after = before.map(({ do: what }) => `, after ${what}`).join("");
  return `${operation.do} of ${kind} disks${after}`;
};

describe.each(OPERATIONS.map((tried) => [nameOf(tried), tried] as const))("%s", (_name, tried) => {
  it(
    "is settled for good, whatever its lost host had sent and whenever that comes",
    () => {
      const { operation, vm = "db" } = tried;
      const builder = builderOf(documentOf(tried));
      const world = builder.build({ seed: 1 });
      world.run({ untilNs: fromMs(operation.atMs!) - 1 });
      const trials = tryEachOfLost(world, {
        array: "array",
        every: 2,
        everyStep: 17,
        endMs: operation.atMs! + RECOVERY_MS + SETTLED_MS,
        isRecovery: (id) => id.startsWith("on"),
        settled({ above, again }, where) {
          const complete = { above: "complete", again: "complete" };
          expect({ above, again }, where).toEqual(complete);
          expect(intentsOf(world), where).toEqual([]);
          expectRunning(world, vm, where);
        },
      });
      expect(trials).toBeGreaterThan(3);
    },
    CRASHES_MS,
  );

  it(
    "ends, and is settled for good, whenever its host is cut off until another one has the disks",
    () => {
      const ends = new Set<string>();
      const cuts = cutsOf(documentOf(tried), "op", tried.operation.atMs! + RECOVERY_MS);
      expect(cuts.length).toBeGreaterThan(8);
      for (const cut of sampled(cuts, EVERY_CUT)) ends.add(cutOff(tried, cut));
      expect(ends).toContain("complete");
    },
    CRASHES_MS,
  );
});

/** How the operation ends whose host is cut off then. */
function cutOff(tried: Tried, cut: Cut): string {
  const { operation, vm = "db" } = tried;
  const small = documentOf(tried);
  const timeline = small.timeline!.map((entry) =>
    entry.id === "on" ? { ...entry, do: "take-over" } : entry,
  );
  const host = operation.do === "promote" ? "beta" : "alpha";
  const durationMs = operation.atMs! + BACK_MS;
  const longer = { ...small, durationMs, timeline } as ScenarioDocument;
  const world = builderOf(withCut(longer, "op", cut, [host, "array"])).build({ seed: 1 });
  const ended = outcomesOf(world);
  world.run({ untilNs: fromMs(durationMs) });
  const where = `cut off ${cut.delayUs} us after ${cut.phase}`;
  const { op, above, again } = ended;
  expect({ above, again }, where).toEqual({ above: "complete", again: "complete" });
  expect(op, where).toBeDefined();
  expect(intentsOf(world), where).toEqual([]);
  expectRunning(world, vm, where);
  return op!;
}
