/**
 * Clones and linked clones of a VM as it runs, with its host or the array lost at every phase and
 * durable step, and the next host lost at those of the recovery. After each: the VM runs, the clone
 * is whole or there is none, the point in time that was taken for it is given up, and no volume,
 * descriptor or intent is left over.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import { runningView } from "../../core/disks/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
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

const CLONE_NS = fromMs(90);
const END_NS = fromMs(6_500);

type Kind = "cow" | "redo";
type Entries = NonNullable<ScenarioDocument["timeline"]>;

const FIRST: Entries = [{ id: "first", atMs: 40, do: "snapshot", vm: "db" }];
const copyTo = (format: Kind): Entries => [
  { id: "copy", atMs: 90, do: "clone", vm: "db", as: "other", format },
];
const LINK: Entries = [{ id: "copy", atMs: 90, do: "linked-clone", vm: "db", clone: "twin" }];

function documentOf(kind: Kind, timeline: Entries): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 5, durationMs: 190, thinkTimeUs: 1_500, readPercent: 20 });
  const disks = db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8, kind }));
  return {
    ...small,
    arrays: small.arrays!.map((array) => ({ ...array, kind: "cow" as const, chunkKiB: 64 })),
    vms: [
      { ...db!, guest, disks },
      { ...db!, guest, disks, id: "twin", host: "beta", restartOn: ["alpha"], poweredOn: false },
    ] as never,
    timeline: [...FIRST, ...timeline],
  };
}

const isMeant = (id: string): boolean => /^copy(\.|$)/.test(id);

function pointsOf(world: World, vm: string): readonly string[] | undefined {
  const { files } = world.named("array").durable as unknown as {
    readonly files: { readonly [key: string]: { readonly value?: object } };
  };
  const value = files[`file:${vm}.vmx`]?.value as
    { readonly pointsInTime: readonly { readonly id: string }[] } | undefined;
  return value?.pointsInTime.map(({ id }) => id);
}

/** What must be true however it ended; whether there is a clone. */
function settled(world: World, where: string): boolean {
  expectRunning(world, "db", where);
  expect(intentsOf(world), where).toEqual([]);
  expect(world.activeOperations, where).toBe(0);
  expect(pointsOf(world, "db"), where).toEqual(["first"]);
  const points = pointsOf(world, "other");
  if (points !== undefined) expect(points, where).toEqual(["first"]);
  const made = filesOf(world).filter((name) => /^other-.*vmdk$/.test(name));
  expect(made, where).toHaveLength(points === undefined ? 0 : 4);
  return points !== undefined;
}

function before(kind: Kind, timeline: Entries): World {
  const world = builderOf(documentOf(kind, timeline)).build({ seed: 1 });
  world.run({ untilNs: CLONE_NS - 1 });
  return world;
}

describe.each([
  ["cow", "redo"],
  ["redo", "cow"],
] as const)("a clone of %s disks of a running VM, to %s", (kind, format) => {
  it("is of one moment, and leaves no point in time behind", () => {
    const world = before(kind, copyTo(format));
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(900) });
    expect(ended["copy"]).toBe("complete");
    expect(settled(world, "copied")).toBe(true);
    // The guest wrote on; what it wrote after the moment is not in the clone.
    const views = ["db", "other"].map((vm) => runningView(world, "array", vm, "log")!);
    expect(views[0]!.equals(views[1]!)).toBe(false);
  });

  it(
    "is whole or never was when the host is lost, at every step, and again in the recovery",
    () => {
      const world = before(kind, copyTo(format));
      const points = crashPoints(world, fromMs(400), isMeant);
      expect(points.length).toBeGreaterThan(40);
      const ends = loseHosts(world, sampled(points, 25), {
        endNs: END_NS,
        isRecovery: (id) => /^(db.restart|copy)/.test(id),
        everyAgain: 173,
        backMs: 7_500,
        settled,
      });
      expect(ends).toEqual(new Set([false, true]));
    },
    CRASHES_MS,
  );

  it(
    "is whole or never was when the array is lost, at every step",
    () => {
      const world = before(kind, copyTo(format));
      const points = onceEach(crashPoints(world, fromMs(400), isMeant));
      const ends = loseArray(world, sampled(points, 19), { backMs: 40_000, settled });
      expect(ends).toEqual(new Set([false, true]));
    },
    CRASHES_MS,
  );
});

describe("what needs a VM that is off", () => {
  it("is refused while a host has begun to start it", () => {
    const early: Entries = [
      { id: "copy", atMs: 0.2, do: "clone", vm: "db", as: "other", format: "redo" },
      { id: "move", atMs: 0.2, do: "migrate-disk-format", vm: "db", to: "redo" },
      { id: "back", atMs: 0.2, do: "revert", vm: "db", point: "first" },
    ];
    const world = builderOf(documentOf("cow", early)).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(300) });
    expect([ended["copy"], ended["move"], ended["back"]]).toEqual([
      "vm-starting",
      "vm-starting",
      "vm-starting",
    ]);
    expect(settled(world, "refused")).toBe(false);
  });
});

describe("a linked clone of a running VM", () => {
  const on: Entries = [
    { id: "on", after: "copy.complete", do: "power-on", vm: "twin" },
    { id: "full", after: "on.complete", delayMs: 20, do: "promote", vm: "twin" },
  ];

  it.each([
    ["redo", ["first", "copy"]],
    ["cow", ["first"]],
  ] as const)("runs, on %s disks, and is promoted", (kind, points) => {
    const world = before(kind, [...LINK, ...on]);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(900) });
    expectRunning(world, "twin", kind);
    expect([ended["copy"], ended["on"], ended["full"]]).toEqual([
      "complete",
      "complete",
      "complete",
    ]);
    expect(pointsOf(world, "db")).toEqual(points);
    expect(intentsOf(world)).toEqual([]);
  });

  it.each(["redo", "cow"] as const)(
    "is one or is not when the host is lost, %s disks",
    (kind) => {
      const late: Entries = [{ id: "on", atMs: 4_400, do: "power-on", vm: "twin" }];
      const world = before(kind, [...LINK, ...late]);
      const points = crashPoints(world, fromMs(400), isMeant);
      afterEach(world, captureWorld(world), sampled(points, 29), ({ at }) => {
        crash(world, "alpha");
        world.restart(world.registry.domainNamed("alpha")!);
        world.run({ untilNs: END_NS });
        expectRunning(world, "db", `host lost at ${at}`);
        expectRunning(world, "twin", `host lost at ${at}`);
        expect(intentsOf(world), at).toEqual([]);
        expect(world.activeOperations, at).toBe(0);
        expect(
          pointsOf(world, "db")!.filter((id) => id !== "copy"),
          at,
        ).toEqual(["first"]);
        if (kind === "cow") expect(pointsOf(world, "db"), at).toEqual(["first"]);
      });
    },
    CRASHES_MS,
  );
});
