/**
 * Each request that an operation makes of an array comes late, or its answer does, or either is lost
 * with its connection. A request times out after five seconds, so the operation learns of none of it
 * in time. It ends all the same, and leaves nothing behind: no intent, no layer that belongs to
 * nobody, and a VM that can be snapshotted, merged and powered on again.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { CRASHES_MS, expectRunning, intentsOf, metadataOf } from "../testing/crash-points.ts";
import { SETTLED_MS, tryEachFate } from "../testing/late-messages.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];

const START_MS = 50;
const AFTER_MS = 20_000;
const END_MS = 22_000;

const IDLE = { cpu: { busyPercent: 0 } } as const;
const BLOCK = { pacing: "closed", outstanding: 2, thinkTimeUs: 4_000, flushEvery: 3 } as const;

/** Writes while the operation begins, then only lives. */
const GUEST = {
  kind: "workload",
  bootMs: 5,
  phases: [
    {
      name: "write",
      durationMs: 60,
      ...IDLE,
      block: [
        { ...BLOCK, disk: "data", readPercent: 20, regionMiB: 1 },
        { ...BLOCK, disk: "log", readPercent: 20, regionMiB: 1 },
      ],
    },
    { name: "rest", durationMs: 100_000, ...IDLE },
  ],
} as const;

/** What comes together after a time is not served in the order in which it came, but where it must. */
const SERVICE_US = { median: 80, p99: 1_200 } as const;

function documentOf({ kind, operation, before = [] }: Tried): ScenarioDocument {
  const small = smallDatacenter();
  const [array] = small.arrays!;
  const [db] = small.vms!;
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const isOff = before.some((entry) => entry.do === "power-off");
  const merge = kind === "redo" ? "consolidate" : "delete-snapshot";
  return {
    ...small,
    durationMs: END_MS,
    arrays: [
      { ...array!, writeLatencyUs: SERVICE_US, ...(kind === "cow" && { kind }) },
      { ...array!, id: "vault" },
    ],
    links: ["alpha", "beta"].flatMap((host) =>
      ["array", "vault"].map((to) => ({ between: [host, to] })),
    ),
    vms: [
      { ...db!, guest: GUEST, disks },
      { ...db!, guest: GUEST, disks, id: "twin", host: "beta", poweredOn: false },
    ],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "second", atMs: 35, do: "snapshot", vm: "db" },
      ...before,
      operation,
      ...(isOff ? [{ id: "on", atMs: SETTLED_MS + 100, do: "power-on", vm: "db" }] : []),
      { id: "after", atMs: AFTER_MS, do: "snapshot", vm: "db" },
      { id: "merged", atMs: AFTER_MS + 400, do: merge, vm: "db", point: "after" },
      { id: "again", atMs: AFTER_MS + 800, do: "restart", vm: "db", host: "beta" },
    ],
  } as ScenarioDocument;
}

const DB = { id: "op", atMs: START_MS, vm: "db" } as const;
const OFF = [{ id: "off", atMs: START_MS - 4, do: "power-off", vm: "db" }] as const;

/** Writes to the configuration while the snapshot waits for what it sent there. */
const BACKUP = [
  { id: "copy", atMs: START_MS - 4, do: "backup", vm: "db", to: "vault", copyKiB: 4 },
] as const;

/** When what stands on a clone or a backup begins. */
const LATER_MS = 200;
const LINKED = [
  { id: "link", atMs: 60, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
  { id: "twin-on", atMs: 100, do: "power-on", vm: "twin" },
] as const;
const OWN = { id: "own", atMs: 150, do: "snapshot", vm: "twin" } as const;
const BACKED_UP_OFF = [
  { id: "copy", atMs: START_MS, do: "backup", vm: "db", to: "vault", copyKiB: 64 },
  { id: "off", atMs: LATER_MS - 4, do: "power-off", vm: "db" },
] as const;
const RESTORE = { ...DB, atMs: LATER_MS, do: "restore", backup: "copy", from: "vault" } as const;

/** An operation, and what is before it; which array's messages fare badly, and every how manieth. */
interface Tried {
  readonly kind: "redo" | "cow";
  readonly operation: Entry;
  readonly before?: readonly Entry[];
  readonly array?: "array" | "vault";
  readonly every: number;
}

const consolidate = { ...DB, do: "consolidate", point: "first" } as const;
const remove = { ...DB, do: "delete-snapshot", point: "first" } as const;
const revert = { ...DB, do: "revert", point: "first" } as const;
const grow = { ...DB, do: "grow-disk", disk: "data", toMiB: 16 } as const;
const backup = { ...DB, do: "backup", to: "vault", copyKiB: 64 } as const;
const link = { ...DB, do: "linked-clone", clone: "twin" } as const;
const promote = { ...DB, atMs: LATER_MS, do: "promote", vm: "twin", copyKiB: 64 } as const;
const carry = { ...promote, snapshots: "carry" } as const;
const clone = (format: "redo" | "cow") => ({ ...DB, do: "clone", as: "other", format }) as const;

const OPERATIONS: readonly Tried[] = [
  { kind: "redo", operation: { ...DB, do: "snapshot" }, every: 1 },
  { kind: "redo", operation: { ...DB, do: "snapshot" }, before: BACKUP, every: 5 },
  { kind: "redo", operation: consolidate, every: 5 },
  { kind: "redo", operation: consolidate, before: OFF, every: 1 },
  { kind: "redo", operation: revert, before: OFF, every: 5 },
  { kind: "cow", operation: { ...DB, do: "snapshot" }, every: 3 },
  { kind: "cow", operation: remove, every: 5 },
  { kind: "cow", operation: remove, before: OFF, every: 1 },
  { kind: "cow", operation: revert, before: OFF, every: 5 },
  { kind: "redo", operation: grow, every: 1 },
  { kind: "cow", operation: grow, every: 1 },
  { kind: "redo", operation: link, every: 5 },
  { kind: "cow", operation: link, every: 5 },
  { kind: "redo", operation: clone("redo"), every: 5 },
  { kind: "cow", operation: clone("cow"), every: 5 },
  { kind: "redo", operation: promote, before: LINKED, every: 1 },
  { kind: "cow", operation: promote, before: LINKED, every: 1 },
  { kind: "redo", operation: carry, before: [...LINKED, OWN], every: 1 },
  { kind: "cow", operation: carry, before: [...LINKED, OWN], every: 1 },
  { kind: "redo", operation: backup, every: 5 },
  { kind: "redo", operation: backup, array: "vault", every: 1 },
  { kind: "cow", operation: backup, array: "vault", every: 1 },
  { kind: "redo", operation: RESTORE, before: BACKED_UP_OFF, every: 1 },
  { kind: "redo", operation: RESTORE, before: BACKED_UP_OFF, array: "vault", every: 1 },
];

const nameOf = ({ kind, operation, before = [], array = "array" }: Tried): string => {
  const after = before.map(({ do: what }) => `, after ${what}`).join("");
  return `${operation.do} of ${kind} disks, messages to ${array}${after}`;
};

/** Right before the operation. */
function worldOf(tried: Tried): World {
  const world = builderOf(documentOf(tried)).build({ seed: 1 });
  world.run({ untilNs: fromMs(tried.operation.atMs!) - 1 });
  return world;
}

/** What follows is the same where these are. */
function stateOf(world: World, outcome: string): string {
  const open: unknown[] = [];
  for (const { kind, volatile } of world.entities()) {
    if (kind === "virtual-disk") open.push((volatile as { layers: unknown }).layers);
  }
  return JSON.stringify([outcome, open, metadataOf(world)]);
}

describe.each(OPERATIONS.map((tried) => [nameOf(tried), tried] as const))("%s", (_name, tried) => {
  it(
    "ends, and leaves nothing behind, whatever message is late or lost",
    () => {
      const { every, array = "array" } = tried;
      const world = worldOf(tried);
      tryEachFate(world, {
        array,
        every,
        settled(outcome, where) {
          expect(intentsOf(world), where).toEqual([]);
          return stateOf(world, outcome);
        },
        goOn(outcomes, where) {
          world.run({ untilNs: fromMs(END_MS) });
          const { after, merged, again } = outcomes;
          const complete = { after: "complete", merged: "complete", again: "complete" };
          expect({ after, merged, again }, where).toEqual(complete);
          expectRunning(world, "db", where);
        },
      });
    },
    CRASHES_MS,
  );
});
