/**
 * Points in time given up while no running disk stands on them: of a VM that is off, and of a branch
 * that a revert left. Hosts and array are lost at every phase and durable step, and the host again
 * in the recovery. After each: the point in time is there or gone but never half, what branches off
 * keeps its content, the VM boots from what it had, and nothing is left over.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  intentsOf,
  metadataOf,
  onceEach,
  outcomesOf,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entries = NonNullable<ScenarioDocument["timeline"]>;

function worldOf(timeline: Entries): World {
  const small = smallDatacenter();
  return builderOf({
    ...small,
    vms: small.vms!.map((vm) => ({
      ...vm,
      guest: shortWork({ bootMs: 5, durationMs: 150, thinkTimeUs: 1_700, readPercent: 20 }),
      disks: vm.disks!.map((disk) => ({ ...disk, sizeMiB: 8 })),
    })),
    timeline,
  }).build({ seed: 1 });
}

const POINTS: Entries = [
  { id: "first", atMs: 40, do: "snapshot", vm: "db" },
  { id: "second", atMs: 80, do: "snapshot", vm: "db" },
  { id: "third", atMs: 120, do: "snapshot", vm: "db" },
  { id: "off", atMs: 160, do: "power-off", vm: "db" },
];
const merge = (point: string) =>
  ({ id: "merge", atMs: 300, do: "consolidate", vm: "db", point, copyKiB: 64 }) as const;
const ON = { id: "on", atMs: 3_000, do: "power-on", vm: "db" } as const;
const isMerge = (id: string): boolean => /^merge(\.|$)/.test(id);

function pointsOf(world: World): string {
  const { files } = world.named("array").durable as unknown as {
    files: { [key: string]: { value: { pointsInTime: { id: string }[] } } };
  };
  return files["file:db.vmx"]!.value.pointsInTime.map(({ id }) => id).join();
}

/** Each point in time has a layer of its own, and so has what runs. */
function expectSettled(world: World, where: string): void {
  expectRunning(world, "db", where);
  expect(intentsOf(world), where).toEqual([]);
  const points = pointsOf(world).split(",").length;
  expect(volumesOf(world), where).toHaveLength(2 * (points + 1));
}

/** Outcomes with a domain lost at points of the merge. */
function lose(timeline: Entries, domain: string, every: number): Set<string> {
  const world = worldOf(timeline);
  world.run({ untilNs: fromMs(300) - 1 });
  const points = crashPoints(world, fromMs(900), isMerge);
  expect(points.length).toBeGreaterThan(25);
  const seen = new Set<string>();
  afterEach(world, captureWorld(world), sampled(points, every), ({ at }) => {
    crash(world, domain);
    world.run({ untilNs: world.timeNs + fromMs(200) });
    world.restart(world.registry.domainNamed(domain)!);
    world.run({ untilNs: fromMs(domain === "array" ? 14_000 : 6_000) });
    expectSettled(world, `${domain} lost at ${at}`);
    seen.add(pointsOf(world));
  });
  return seen;
}

describe("a point in time of a VM that is off", () => {
  it.each(["first", "second", "third"])("%s goes, and the VM boots from what it had", (point) => {
    const world = worldOf([...POINTS, merge(point), { ...ON, atMs: 900 }]);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(1_500) });
    expect(ended).toMatchObject({ merge: "complete", on: "complete" });
    expectSettled(world, point);
    expect(pointsOf(world)).toBe(["first", "second", "third"].filter((id) => id !== point).join());
  });

  it.each([
    ["alpha", "third", 9],
    ["array", "first", 19],
  ])(
    "with %s lost at any step of giving up %s",
    (domain, point, every) => {
      const seen = lose([...POINTS, merge(point), ON], domain, every);
      const left = ["first", "second", "third"].filter((id) => id !== point).join();
      expect([...seen].sort()).toEqual([left, "first,second,third"].sort());
    },
    CRASHES_MS,
  );

  it.each(["createVolumes", "copy", "commit", "settle"])(
    "with the VM powered on at phase %s is undone or finished",
    (phase) => {
      const world = worldOf([
        ...POINTS,
        merge("third"),
        { id: "on", after: `merge.${phase}`, do: "power-on", vm: "db" },
      ]);
      world.run({ untilNs: fromMs(3_000) });
      expectSettled(world, phase);
    },
  );

  it(
    "with its host lost, and the next one in the recovery",
    () => {
      const once = { ...ON, id: "once-more", atMs: 4_400 };
      const world = worldOf([...POINTS, merge("second"), ON, once]);
      world.run({ untilNs: fromMs(300) - 1 });
      const points = onceEach(crashPoints(world, fromMs(900), isMerge));
      const states = new Set<string>();
      afterEach(world, captureWorld(world), points, ({ at }) => {
        crash(world, "alpha");
        const state = metadataOf(world);
        if (states.has(state)) return;
        states.add(state);
        world.restart(world.registry.domainNamed("alpha")!);
        const again = onceEach(crashPoints(world, fromMs(4_300), (id) => /^on(\.|$)/.test(id)));
        afterEach(world, captureWorld(world), sampled(again, 47, states.size), (second) => {
          crash(world, "alpha");
          world.restart(world.registry.domainNamed("alpha")!);
          world.run({ untilNs: fromMs(9_000) });
          expectSettled(world, `alpha lost at ${at} and at ${second.at}`);
        });
      });
      expect(states.size).toBeGreaterThan(8);
    },
    CRASHES_MS,
  );

  it("is refused where a linked clone shares its layer", () => {
    const small = smallDatacenter();
    const [db] = small.vms!;
    const disks = db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8 }));
    const world = builderOf({
      ...small,
      vms: [
        { ...db!, disks },
        { ...db!, disks, id: "twin", poweredOn: false },
      ],
      timeline: [
        ...POINTS,
        { id: "clone", atMs: 200, do: "linked-clone", vm: "db", point: "second", clone: "twin" },
        merge("second"),
      ],
    }).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(900) });
    world.finish();
    expect(ended).toMatchObject({ clone: "complete", merge: "target-shared" });
    expect(violations(world)).toEqual([]);
  });
});

describe("a point in time off the running chain", () => {
  const BRANCHED: Entries = [
    ...POINTS,
    { id: "back", after: "off.complete", do: "revert", vm: "db", point: "first" },
    { id: "go", after: "back.complete", do: "power-on", vm: "db" },
  ];

  it("goes while the VM runs; the branch above it can be reverted to", () => {
    const world = worldOf([
      ...BRANCHED,
      merge("second"),
      { id: "stop", atMs: 600, do: "power-off", vm: "db" },
      { id: "to", after: "stop.complete", do: "revert", vm: "db", point: "third" },
      { ...ON, after: "to.complete", atMs: undefined } as never,
    ]);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(2_000) });
    const ids = ["back", "merge", "to", "on"];
    expect(ids.map((id) => ended[id])).toEqual(ids.map(() => "complete"));
    expectSettled(world, "");
    expect(pointsOf(world)).toBe("first,third");
  });

  it("goes without a copy where nothing stands on it", () => {
    const world = worldOf([...BRANCHED, merge("third")]);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(1_500) });
    expect(ended["merge"]).toBe("complete");
    expectSettled(world, "");
    expect(pointsOf(world)).toBe("first,second");
  });

  it.each([
    ["alpha", 9],
    ["array", 19],
  ])(
    "with %s lost at any step",
    (domain, every) => {
      const seen = lose([...BRANCHED, merge("second")], domain, every);
      expect([...seen].sort()).toEqual(["first,second,third", "first,third"]);
    },
    CRASHES_MS,
  );

  it("that loses a range on its way is noticed (canary)", () => {
    const world = worldOf([...BRANCHED, merge("second")]);
    let isPlanted = false;
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "phase" || data["id"] !== "merge" || data["phase"] !== "store") return;
      const op = world.named("merge") as unknown as {
        edit(): { state: { parts: { left: unknown[] }[] } };
      };
      for (const part of op.edit().state.parts) part.left.length = 0;
      isPlanted = true;
    };
    world.run({ untilNs: fromMs(900) });
    expect(isPlanted).toBe(true);
    expect(violations(world).join()).toMatch(/point in time db.*third changed/);
  });
});
