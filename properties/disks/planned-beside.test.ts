/**
 * An operation looks at the disks while another one is at work on them, plans, and opens its intent
 * when the other has ended. What it planned on may have become something else meanwhile: then it is
 * refused, and never works on layers that are others by now, or gone.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { CRASHES_MS, expectRunning, intentsOf, sampled } from "../testing/crash-points.ts";
import { requestAfter } from "../testing/late-messages.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];
type Kind = "redo" | "cow";

const START_MS = 80;
const AGAIN_MS = 600;
const END_MS = 1_000;

const POINTS = [
  { id: "first", atMs: 20, do: "snapshot", vm: "db" },
  { id: "second", atMs: 35, do: "snapshot", vm: "db" },
  { id: "third", atMs: 50, do: "snapshot", vm: "db" },
] as const;

/** As many points in time as there are. */
type Points = 1 | 3;

function documentOf(kind: Kind, points: Points, entries: readonly Entry[]): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const guest = shortWork({ bootMs: 1, durationMs: 200, thinkTimeUs: 3_000, readPercent: 30 });
  return {
    ...small,
    durationMs: END_MS,
    arrays: [{ ...small.arrays![0]!, kind: "cow", chunkKiB: 64 }],
    vms: [{ ...db!, guest, disks }],
    timeline: [
      ...POINTS.slice(0, points),
      ...entries,
      { id: "again", atMs: AGAIN_MS, do: "restart", vm: "db", host: "beta" },
    ],
  };
}

const DB = { vm: "db" } as const;
const merge = (kind: Kind, point: string) =>
  ({ ...DB, do: kind === "redo" ? "consolidate" : "delete-snapshot", point }) as const;
const grow = { ...DB, do: "grow-disk", disk: "data", toMiB: 16 } as const;
const snapshot = { ...DB, do: "snapshot" } as const;
const convert = (kind: Kind) =>
  ({ ...DB, do: "migrate-disk-format", to: kind === "redo" ? "cow" : "redo" }) as const;

const KINDS: readonly Kind[] = ["redo", "cow"];
const CASES = KINDS.flatMap((kind) => {
  const anywhere = [snapshot, convert(kind), grow];
  const among = [...anywhere, merge(kind, "first"), merge(kind, "third")];
  const planned = { 1: anywhere, 3: among } as const;
  const atWork = [
    [1, merge(kind, "first")],
    [3, merge(kind, "second")],
    [3, merge(kind, "third")],
    [3, grow],
  ] as const;
  return atWork.flatMap(([points, first]) =>
    planned[points].map(
      (then) => [nameOf(then), nameOf(first), points, kind, first, then] as const,
    ),
  );
});

/** What it may be told: anything else it finds out when it has begun to change something. */
const TOLD = [
  "complete",
  "version-conflict",
  "no-point-in-time",
  "not-larger",
  // By the intent of the one at work, which it saw.
  "shared",
  "target-shared",
];

function nameOf(entry: { readonly do: string; readonly point?: string }): string {
  return entry.point === undefined ? entry.do : `${entry.do} ${entry.point}`;
}

type Begun = (typeof CASES)[number][4 | 5];

/** Moments of the operation that is at work: those at which anything happens. */
function momentsOf(kind: Kind, points: Points, first: Begun): readonly number[] {
  const builder = builderOf(
    documentOf(kind, points, [{ id: "work", atMs: START_MS, ...first } as Entry]),
  );
  const world = builder.build({ seed: 1 });
  const moments = new Set<number>();
  world.hooks.onNotice = ({ kind: what, data }) => {
    const [id] = String(data["id"]).split(".");
    if (what === "phase" && id === "work") moments.add(world.timeNs);
  };
  world.run({ untilNs: builder.durationNs });
  return [...moments];
}

/** How the second one ended that began at that moment. */
function planAt(kind: Kind, points: Points, first: Begun, then: Begun, atNs: number): string {
  const builder = builderOf(
    documentOf(kind, points, [
      { id: "work", atMs: START_MS, ...first } as Entry,
      { id: "plan", atMs: atNs / fromMs(1), ...then } as Entry,
    ]),
  );
  const world = builder.build({ seed: 1 });
  const asked = { of: "plan", verb: "file-write", file: "db.intent" } as const;
  const held = { array: "array", ...asked, after: "work" };
  const outcomes = requestAfter(world, { ...held, untilNs: builder.durationNs });
  const where = `${nameOf(then)} at ${atNs} ns: ${outcomes["plan"]}`;
  expect(outcomes["work"], where).toBe("complete");
  expect(outcomes["again"], where).toBe("complete");
  expect(intentsOf(world), where).toEqual([]);
  expectRunning(world, "db", where);
  return outcomes["plan"]!;
}

describe("what is planned beside another operation, and begun after it", () => {
  it.each(CASES)(
    "%s, beside %s of %d on %s disks",
    (_then, _first, points, kind, first, then) => {
      const moments = sampled(momentsOf(kind, points, first), 5);
      const ends = moments.map((at) => planAt(kind, points, first, then, at));
      expect(TOLD).toEqual(expect.arrayContaining(ends));
      expect(ends).toContain("version-conflict");
      expect(ends.length).toBeGreaterThan(2);
    },
    CRASHES_MS,
  );
});
