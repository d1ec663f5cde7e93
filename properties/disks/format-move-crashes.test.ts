/**
 * Disks of a running VM on their way to another format, with the VM's host or the array lost at
 * every phase and durable step, and the next host lost at those of the recovery. After each: the VM
 * runs, what the guest was promised is there, its disks are of one format with all points in time,
 * and no volume, descriptor or intent is left over.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  CRASHES_MS,
  crashPoints,
  expectRunning,
  filesOf,
  intentsOf,
  onceEach,
  outcomesOf,
  sampled,
} from "../testing/crash-points.ts";
import { loseArray, loseHosts } from "../testing/lost-at-steps.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const MOVE_NS = fromMs(120);
const END_NS = fromMs(5_500);

type Kind = "cow" | "redo";
type Entries = NonNullable<ScenarioDocument["timeline"]>;

const other = (kind: Kind): Kind => (kind === "cow" ? "redo" : "cow");

function documentOf(kind: Kind, more: Entries = [], thinkTimeUs = 1_500): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const to = other(kind);
  return {
    ...small,
    arrays: small.arrays!.map((array) => ({ ...array, kind: "cow" as const, chunkKiB: 64 })),
    vms: [
      {
        ...db!,
        guest: shortWork({ bootMs: 10, durationMs: 170, thinkTimeUs, readPercent: 20 }),
        disks: db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8, kind })),
      },
    ],
    timeline: [
      { id: "first", atMs: 40, do: "snapshot", vm: "db" },
      { id: "second", atMs: 80, do: "snapshot", vm: "db" },
      { id: "move", atMs: 120, do: "migrate-disk-format", vm: "db", to, copyKiB: 64 },
      ...more,
    ],
  };
}

function beforeMove(kind: Kind): World {
  const world = builderOf(documentOf(kind)).build({ seed: 1 });
  world.run({ untilNs: MOVE_NS - 1 });
  return world;
}

const isMeant = (id: string): boolean => /^move(\.|$)/.test(id);

interface Files {
  readonly files: { readonly [key: string]: { readonly value?: object } };
}

/** Formats of all that the configuration leads to, and the points in time that it lists. */
function layout(world: World): { readonly kinds: ReadonlySet<string>; readonly points: string } {
  const { files } = world.named("array").durable as unknown as Files;
  const { running, pointsInTime } = files["file:db.vmx"]!.value as {
    readonly running: object;
    readonly pointsInTime: readonly { readonly id: string; readonly disks: object }[];
  };
  const names = [running, ...pointsInTime.map(({ disks }) => disks)].flatMap(Object.values);
  const kinds = names.map((name) => {
    const { text } = files[`file:${name as string}`]!.value as { readonly text: string };
    return /orrery.kind = "cow"/.test(text) ? "cow" : "redo";
  });
  return { kinds: new Set(kinds), points: pointsInTime.map(({ id }) => id).join(" ") };
}

/** What must be true however it ended; the format that the disks are of. */
function settled(world: World, where: string): string {
  expectRunning(world, "db", where);
  expect(intentsOf(world), where).toEqual([]);
  expect(world.activeOperations, where).toBe(0);
  const { kinds, points } = layout(world);
  expect(points, where).toBe("first second");
  expect(kinds.size, where).toBe(1);
  expect(
    filesOf(world).filter((name) => name.endsWith(".vmdk")),
    where,
  ).toHaveLength(6);
  return [...kinds][0]!;
}

describe.each(["cow", "redo"] as const)("%s disks that become others under load", (kind) => {
  it(
    "are of one format when the host is lost, at every step, and again in the recovery",
    () => {
      const world = beforeMove(kind);
      const points = crashPoints(world, fromMs(400), isMeant);
      expect(points.length).toBeGreaterThan(40);
      const ends = loseHosts(world, sampled(points, 14), {
        endNs: END_NS,
        isRecovery: (id) => /^db.restart/.test(id),
        everyAgain: 71,
        backMs: 6_500,
        settled,
      });
      expect(ends).toEqual(new Set(["cow", "redo"]));
    },
    CRASHES_MS,
  );

  it(
    "are of one format when the array is lost, at every step",
    () => {
      const world = beforeMove(kind);
      const points = onceEach(crashPoints(world, fromMs(400), isMeant));
      const ends = loseArray(world, sampled(points, 8), { backMs: 30_000, settled });
      expect(ends).toEqual(new Set(["cow", "redo"]));
    },
    CRASHES_MS,
  );

  it("go back to what they were, and the guest goes on, when it is told to stop", () => {
    const stops: Entries = [3, 8, 14, 25].map((delayMs, i) => ({
      id: `stop-${i}`,
      atMs: 120 + delayMs,
      do: "abort",
      vm: "db",
      operation: "move",
    }));
    for (const stop of stops) {
      const world = builderOf(documentOf(kind, [stop])).build({ seed: 1 });
      const ended = outcomesOf(world);
      world.run({ untilNs: fromMs(900) });
      expect(["aborted", "complete"]).toContain(ended["move"]);
      expect(settled(world, stop.id)).toBe(ended["move"] === "aborted" ? kind : other(kind));
    }
  });
});
