/**
 * A message of an operation comes late, and meanwhile its VM is started, which settles what the
 * operation had begun. The run goes on: it takes a point in time, and gives it up again or does not.
 * What the operation does when it hears of all that must not touch what the VM stands on by then.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { CRASHES_MS, expectRunning, intentsOf } from "../testing/crash-points.ts";
import { tryEachFate } from "../testing/late-messages.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];
type Kind = "redo" | "cow";

const START_MS = 60;
/** What stands on a backup begins. */
const LATER_MS = 260;
const LATE_MS = 60;
/** The operation has looked again as often as it must. */
const SETTLED_MS = 9_000;
const END_MS = 9_400;

interface Tried {
  readonly kind: Kind;
  readonly operation: Entry;
  readonly before?: readonly Entry[];
  /** The VM that is off and started. */
  readonly vm?: "twin";
  /** What its disks are afterwards, where that is another thing. */
  readonly becomes?: Kind;
  readonly every: number;
}

interface Run {
  /** From the begin of the operation to the power-on: its message has not come by then. */
  readonly afterMs: number;
  readonly givesUp?: boolean;
}

function documentOf(tried: Tried, { afterMs, givesUp }: Run): ScenarioDocument {
  const { kind, operation, before = [], vm = "db", becomes = kind } = tried;
  const startMs = operation.atMs!;
  const small = smallDatacenter();
  const [db] = small.vms!;
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const guest = shortWork({ bootMs: 1, durationMs: 100, thinkTimeUs: 4_000, readPercent: 30 });
  const off = { id: "off", atMs: startMs - 6, do: "power-off", vm: "db" } as const;
  const give = becomes === "redo" ? "consolidate" : "delete-snapshot";
  return {
    ...small,
    durationMs: END_MS,
    arrays: [
      ...small.arrays!.map((array) => ({ ...array, kind: "cow", chunkKiB: 64 }) as const),
      { ...small.arrays![0]!, id: "vault" },
    ],
    links: ["alpha", "beta"].flatMap((host) =>
      ["array", "vault"].map((to) => ({ between: [host, to] })),
    ),
    vms: [
      { ...db!, guest, disks },
      { ...db!, guest, disks, id: "twin", host: "beta", poweredOn: false },
    ],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "second", atMs: 35, do: "snapshot", vm: "db" },
      ...before,
      ...(vm === "db" ? [off] : []),
      operation,
      { id: "on", atMs: startMs + afterMs, do: "power-on", vm },
      { id: "above", after: "on.complete", do: "snapshot", vm },
      ...(givesUp === true
        ? [{ id: "merged", after: "above.complete", do: give, vm, point: "above" }]
        : []),
      { id: "again", atMs: SETTLED_MS + 10, do: "restart", vm, host: "beta" },
    ] as readonly Entry[],
  } as ScenarioDocument;
}

const DB = { id: "op", atMs: START_MS, vm: "db" } as const;
const convert = (to: Kind) => ({ ...DB, do: "migrate-disk-format", to }) as const;
const revert = { ...DB, do: "revert", point: "first" } as const;
const link = { ...DB, do: "linked-clone", point: "first", clone: "twin" } as const;
const BACKUP = [
  { id: "copy", atMs: 50, do: "backup", vm: "db", to: "vault", copyKiB: 64 },
] as const;
const RESTORE = { ...DB, atMs: LATER_MS, do: "restore", backup: "copy", from: "vault" } as const;

const OPERATIONS: readonly Tried[] = [
  { kind: "redo", operation: revert, every: 2 },
  { kind: "cow", operation: revert, every: 4 },
  { kind: "redo", operation: convert("cow"), becomes: "cow", every: 7 },
  { kind: "cow", operation: convert("redo"), becomes: "redo", every: 5 },
  { kind: "redo", operation: link, vm: "twin", every: 2 },
  { kind: "cow", operation: link, vm: "twin", every: 2 },
  { kind: "redo", operation: RESTORE, before: BACKUP, every: 5 },
  { kind: "cow", operation: RESTORE, before: BACKUP, every: 5 },
  { kind: "redo", operation: { ...DB, do: "consolidate", point: "first" }, every: 4 },
  { kind: "cow", operation: { ...DB, do: "delete-snapshot", point: "first" }, every: 4 },
];

/** What makes the disks of a VM hold something else, and says so. */
const REPLACE: ReadonlySet<string> = new Set(["revert", "linked-clone", "restore"]);

/** Whether it was told, by the operation or by who settled it. */
function isReplaced(world: World): boolean {
  const { replacedBy = [] } = world.named("driver").durable as { replacedBy?: readonly string[] };
  return replacedBy.some((by) => by.startsWith("op"));
}

describe.each(OPERATIONS.map((tried) => [tried.operation.do, tried.kind, tried] as const))(
  "%s of %s disks, settled by a power-on",
  (_name, _kind, tried) => {
    it.each([
      ["runs on a point in time", { afterMs: 2 }],
      ["gave one up again", { afterMs: 2, givesUp: true }],
      ["is started as the operation begins", { afterMs: 0.5 }],
    ] as const)(
      "leaves alone the VM that %s",
      (_how, run) => {
        const world = builderOf(documentOf(tried, run)).build({ seed: 1 });
        world.run({ untilNs: fromMs(tried.operation.atMs!) - 1 });
        let settledBeside = 0;
        tryEachFate(world, {
          array: "array",
          every: tried.every,
          lateMs: LATE_MS,
          settledMs: SETTLED_MS,
          fates: ["request late", "answer late"],
          settled(outcome, where) {
            expect(intentsOf(world), where).toEqual([]);
            // Superseded: by the time that it looked nothing told any more how it was settled.
            if (REPLACE.has(tried.operation.do) && outcome !== "superseded") {
              expect(outcome === "complete", `${where}: ${outcome}`).toBe(isReplaced(world));
            }
            return `${outcome} ${where}`;
          },
          goOn(outcomes, where) {
            if (outcomes["above"] === "complete") settledBeside++;
            world.run({ untilNs: fromMs(END_MS) });
            expect(outcomes["again"], where).toBe("complete");
            expectRunning(world, tried.vm ?? "db", where);
          },
        });
        expect(settledBeside).toBeGreaterThan(2);
      },
      CRASHES_MS,
    );
  },
);
