/**
 * Consolidations of a running VM, with its host or the array lost at every phase and durable step,
 * and the next host lost at every one of the recovery. After each: the VM comes back, what the guest
 * was promised is there, the point in time is kept or gone but never half, the merge is carried
 * through, and no volume, descriptor or intent is left over.
 */
import { describe, expect, it } from "vitest";
import { consolidate } from "../../core/disks/index.ts";
import {
  captureWorld,
  fromMs,
  type PlainObject,
  restoreWorld,
  startOperation,
  type World,
} from "../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  filesOf,
  isRunning,
  metadataOf,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const MERGE_NS = fromMs(120);
const END_NS = fromMs(3_500);

type Method = "mirror" | "iterative" | "block-merge";

function documentOf(point: "first" | "second", method: Method): ScenarioDocument {
  const small = smallDatacenter();
  return {
    ...small,
    vms: small.vms!.map((vm) => ({
      ...vm,
      guest: shortWork({ bootMs: 10, durationMs: 170, thinkTimeUs: 1_500, readPercent: 20 }),
      disks: vm.disks!.map((disk) => ({ ...disk, sizeMiB: 8 })),
    })),
    timeline: [
      { id: "first", atMs: 40, do: "snapshot", vm: "db" },
      { id: "second", atMs: 80, do: "snapshot", vm: "db" },
      { id: "merge", atMs: 120, do: "consolidate", vm: "db", point, method, ...SMALL },
    ],
  };
}

const SMALL = { copyKiB: 64, enoughKiB: 4, maxRounds: 3 } as const;

function beforeMerge(point: "first" | "second", method: Method = "mirror"): World {
  const world = builderOf(documentOf(point, method)).build({ seed: 1 });
  world.run({ untilNs: MERGE_NS - 1 });
  return world;
}

/** Of the steps of each recovery every so many are crashed, others for each state. */
const EVERY = 29;

/** What the driver would start the operation with. */
function mergeParams(world: World): PlainObject {
  const instance = vmOf(vmRecordOf(world, "db"))!;
  const [array, alpha] = [world.named("array"), world.named("alpha")];
  const paths = world.messenger.carriers(alpha.domain, array.domain);
  const pool = world.named("alpha/pages").id;
  const access = { array: array.id, paths: [...paths], cacheMode: "none", pool, writebackNs: 1 };
  const disks = ["data", "log"].map((disk, at) => {
    return { disk, entity: instance.volatile.disks[at]!, access };
  });
  const pointInTime = "second";
  return { vm: "db", instance: instance.id, array: array.id, disks, pointInTime };
}

const isMerge = (id: string) => id === "merge" || id.startsWith("merge.");

/** How many layers are left, and whether the point in time is. */
function outcome(world: World): string {
  expect(filesOf(world)).not.toContain("db.intent");
  const layers = volumesOf(world).length;
  expect(layers === 6 || layers === 4).toBe(true);
  return layers === 6 ? "kept" : "merged";
}

describe.each(["second", "first"] as const)("a consolidation of the %s snapshot", (point) => {
  it(
    "cut short by the loss of its host, at every step",
    () => {
      const world = beforeMerge(point);
      const points = crashPoints(world, fromMs(400), isMerge);
      expect(points.length).toBeGreaterThan(30);
      const outcomes = new Set<string>();
      const some = sampled(points, point === "second" ? 2 : 4);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        crash(world, "alpha");
        world.run({ untilNs: END_NS });
        expectRunning(world, "db", `host lost at ${at}`);
        outcomes.add(outcome(world));
      });
      expect([...outcomes].sort()).toEqual(["kept", "merged"]);
    },
    CRASHES_MS,
  );

  it(
    "and its recovery too, once for each state that the first crash leaves",
    () => {
      const world = beforeMerge(point);
      const points = crashPoints(world, fromMs(400), isMerge);
      const tried = new Set<string>();
      let crashes = 0;
      afterEach(world, captureWorld(world), points, ({ at }) => {
        crash(world, "alpha");
        const state = metadataOf(world);
        if (tried.has(state)) return;
        tried.add(state);
        world.restart(world.registry.domainNamed("alpha")!);
        world.run({ untilNs: world.timeNs + fromMs(1_999) });
        const again = crashPoints(world, END_NS, (id) => /restart|merge/.test(id));
        const some = sampled(again, EVERY, tried.size);
        afterEach(world, captureWorld(world), some, (second) => {
          crash(world, "beta");
          world.restart(world.registry.domainNamed("beta")!);
          world.run({ untilNs: world.timeNs + fromMs(4_500) });
          world.finish();
          const where = `host lost at ${at}, the next at ${second.at}`;
          expect(violations(world), where).toEqual([]);
          expect(isRunning(world, "db"), where).toBe(true);
          outcome(world);
          crashes++;
        });
      });
      expect(tried.size).toBeGreaterThan(6);
      expect(crashes).toBeGreaterThan(10);
    },
    CRASHES_MS,
  );

  it(
    "cut short by the loss of the array, at every step; it comes back and the merge ends",
    () => {
      const world = beforeMerge(point);
      const points = crashPoints(world, fromMs(400), isMerge);
      const array = world.registry.domainNamed("array")!;
      const some = sampled(points, 8);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        world.crash(array, "test");
        world.run({ untilNs: world.timeNs + fromMs(300) });
        world.restart(array);
        world.run({ untilNs: END_NS + fromMs(8_000) });
        expectRunning(world, "db", `array lost at ${at}`);
        expect(world.activeOperations, `array lost at ${at}`).toBe(0);
        expect(filesOf(world)).not.toContain("db.intent");
      });
    },
    CRASHES_MS,
  );
});

describe.each(["iterative", "block-merge"] as const)("the baseline %s", (method) => {
  it(
    "cut short by the loss of its host, at any step, is carried through with the mirror",
    () => {
      const world = beforeMerge("second", method);
      const points = crashPoints(world, fromMs(700), isMerge);
      const some = sampled(points, Math.ceil(points.length / 12));
      afterEach(world, captureWorld(world), some, ({ at }) => {
        crash(world, "alpha");
        world.run({ untilNs: END_NS });
        expectRunning(world, "db", `host lost at ${at}`);
        outcome(world);
      });
    },
    CRASHES_MS,
  );
});

describe("a consolidation", () => {
  it("that repoints before it flushes loses what the guest had flushed (canary)", () => {
    const world = beforeMerge("second");
    const params = { ...mergeParams(world), careless: { unflushed: true } };
    startOperation(world, consolidate, world.named("alpha"), "merge-unflushed", params);
    const points = crashPoints(world, MERGE_NS + fromMs(40), (id) => id === "merge-unflushed");
    const late = points.filter(({ at }) => /removeDelta|closeIntent|end/.test(at));
    const found = new Set<string>();
    afterEach(world, captureWorld(world), late, () => {
      crash(world, "alpha");
      world.run({ untilNs: END_NS });
      for (const each of violations(world)) found.add(each);
    });
    expect([...found].join()).toMatch(/came back as nobody left it|survives/);
  });

  it("is forgotten when its intent is lost, and that is noticed (canary)", () => {
    const world = beforeMerge("second");
    const points = crashPoints(world, fromMs(400), isMerge);
    const last = points.findLast(({ at }) => at === "adopt")!;
    world.run({ untilEvent: last.event });
    crash(world, "alpha");
    const { files } = world.named("array").editDurable() as unknown as {
      files: { [key: string]: object };
    };
    files["file:db.intent"] = { version: 99 };
    world.run({ untilNs: END_NS });
    world.finish();
    expect(violations(world).join()).toMatch(/belongs to no chain/);
  });

  it("restored at any of its steps goes on in the same way", () => {
    const world = beforeMerge("second");
    const points = crashPoints(world, fromMs(400), isMerge);
    const image = captureWorld(world);
    world.run({ untilNs: fromMs(400) });
    const root = world.root();
    afterEach(world, image, points.slice(0, 30), () => {
      restoreWorld(world, captureWorld(world));
      world.run({ untilNs: fromMs(400) });
      expect(world.root()).toBe(root);
    });
  }, 30_000);
});
