/**
 * Linked clones and their promotion, with the clone's host lost at every phase and durable step, and
 * the next one in the recovery. After each: parent and sibling read as before (checked at every
 * write), the clone is a clone or a full one and reads as it did, and nothing is left over.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  filesOf,
  intentsOf,
  isRunning,
  metadataOf,
  outcomesOf,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const PROMOTE_NS = fromMs(140);
const END_NS = fromMs(3_600);

type Entries = NonNullable<ScenarioDocument["timeline"]>;

function documentOf(timeline: Entries, capacityMiB = 1_024, thinkTimeUs = 2_500): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 5, durationMs: 190, thinkTimeUs, readPercent: 30 });
  const disks = db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8 }));
  return {
    ...small,
    arrays: small.arrays!.map((array) => ({ ...array, capacityMiB })),
    vms: [
      { ...db!, guest, disks },
      { ...db!, guest, disks, id: "twin", host: "beta", restartOn: ["alpha"], poweredOn: false },
    ] as never,
    timeline: [{ id: "first", atMs: 40, do: "snapshot", vm: "db" }, ...timeline],
  };
}

const CLONE: Entries = [
  { id: "clone", atMs: 60, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
];
const ON: Entries = [{ id: "on", atMs: 70, do: "power-on", vm: "twin" }];

const MERGE = { id: "merge", do: "consolidate", vm: "db", point: "first" } as const;

/** Of a clone and the merge of the point that it would stand on. */
function expectOneRefused(document: ScenarioDocument): void {
  const world = builderOf(document).build({ seed: 1 });
  const ended = outcomesOf(world);
  world.run({ untilNs: fromMs(300) });
  world.finish();
  expect(violations(world)).toEqual([]);
  expect([ended["clone"], ended["merge"]]).not.toEqual(["complete", "complete"]);
}

const isMeant = (id: string): boolean => /^(promote|clone)(\.|$)/.test(id);

describe("a linked clone", () => {
  it(
    "cut short by the loss of its host is one or is not, when it is powered on",
    () => {
      const late: Entries = [{ id: "on", atMs: 2_400, do: "power-on", vm: "twin" }];
      const world = builderOf(documentOf([...CLONE, ...late])).build({ seed: 1 });
      world.run({ untilNs: fromMs(60) - 1 });
      const all = crashPoints(world, fromMs(80), isMeant);
      expect(all.length).toBeGreaterThan(8);
      const points = sampled(all, 5);
      const kinds = new Set<number>();
      afterEach(world, captureWorld(world), points, ({ at }) => {
        crash(world, "beta");
        world.restart(world.registry.domainNamed("beta")!);
        world.run({ untilNs: END_NS });
        expectRunning(world, "twin", `host lost at ${at}`);
        expect(intentsOf(world)).toEqual([]);
        kinds.add(filesOf(world).filter((name) => /^twin-.*000001.vmdk/.test(name)).length);
      });
      expect([...kinds].sort((a, b) => a - b)).toEqual([0, 2]);
    },
    CRASHES_MS,
  );

  it("is refused while its point in time is given up, and the other way round", () => {
    for (const delayMs of [59.8, 59.9, 60, 60.1, 60.2, 60.4]) {
      expectOneRefused(documentOf([...CLONE, { ...MERGE, atMs: delayMs }]));
    }
  });

  it("does not get in the way of another one of the same point", () => {
    const document = documentOf(CLONE);
    const twin = document.vms![1]!;
    const world = builderOf({
      ...document,
      vms: [...document.vms!, { ...twin, id: "third", host: "alpha" }] as never,
      timeline: [...document.timeline!, { ...CLONE[0]!, id: "other", clone: "third" } as never],
    }).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(300) });
    world.finish();
    expect(violations(world)).toEqual([]);
    expect([ended["clone"], ended["other"]]).toEqual(["complete", "complete"]);
  });

  it("of a later point is refused while an earlier one below it is given up, or the other", () => {
    const points: Entries = ["second", "third"].map((id, at) => {
      return { id, atMs: 50 + 10 * at, do: "snapshot", vm: "db" };
    });
    const clone = { ...CLONE[0]!, atMs: 80, point: "third" } as Entries[number];
    for (let atMs = 79.4; atMs <= 81; atMs += 0.2) {
      const merge = { ...MERGE, copyKiB: 16, atMs };
      const on = { id: "on", after: "clone.complete", do: "power-on", vm: "twin" } as const;
      expectOneRefused(documentOf([...points, clone, merge, on]));
    }
  });

  it.each([
    ["merges", [1_000, 20]],
    ["clones", [20, 1_000]],
  ])("is refused, or the other, though the host that %s is far from the array", (_who, far) => {
    for (let delayMs = 57; delayMs <= 66; delayMs += 0.6) {
      const document = documentOf([...CLONE, { ...MERGE, atMs: delayMs }]);
      const links = document.links!.map((link, at) => ({ ...link, latencyUs: far[at]! }));
      expectOneRefused({ ...document, links });
    }
  });
});

describe.each(["merge", "carry"] as const)("a promotion that has to %s", (mode) => {
  function beforePromotion(): World {
    const own = { id: "own", atMs: 110, do: "snapshot", vm: "twin" } as const;
    const promote = { id: "promote", atMs: 140, do: "promote", vm: "twin", copyKiB: 64 } as const;
    const timeline: Entries =
      mode === "merge"
        ? [...CLONE, ...ON, promote]
        : [...CLONE, ...ON, own, { ...promote, snapshots: "carry" }];
    const world = builderOf(documentOf(timeline)).build({ seed: 1 });
    world.run({ untilNs: PROMOTE_NS - 1 });
    return world;
  }

  const base = mode === "merge" ? "twin-data-000002" : "twin-data-000003";
  const isFull = (world: World): boolean => volumesOf(world).includes(base);

  it(
    "cut short by the loss of its host, at every step, and again in its recovery",
    () => {
      const world = beforePromotion();
      const points = crashPoints(world, fromMs(400), isMeant);
      expect(points.length).toBeGreaterThan(20);
      const tried = new Set<string>();
      const full = new Set<boolean>();
      const first = sampled(points, mode === "merge" ? 3 : 7);
      afterEach(world, captureWorld(world), first, ({ at }) => {
        crash(world, "beta");
        const state = metadataOf(world);
        const lost = captureWorld(world);
        world.run({ untilNs: END_NS });
        expectRunning(world, "twin", `host lost at ${at}`);
        expect(intentsOf(world)).toEqual([]);
        full.add(isFull(world));
        if (tried.has(state)) return;
        tried.add(state);
        restoreWorld(world, lost);
        world.run({ untilNs: world.timeNs + fromMs(1_999) });
        const again = crashPoints(world, END_NS, (id) => /^twin.restart/.test(id));
        const some = sampled(again, 61, 7 * tried.size);
        afterEach(world, captureWorld(world), some, (second) => {
          crash(world, "alpha");
          world.restart(world.registry.domainNamed("alpha")!);
          world.run({ untilNs: world.timeNs + fromMs(6_500) });
          world.finish();
          const where = `host lost at ${at}, the next at ${second.at}`;
          expect(violations(world), where).toEqual([]);
          expect(isRunning(world, "twin"), where).toBe(true);
        });
      });
      expect(full).toEqual(new Set([false, true]));
    },
    CRASHES_MS,
  );
});

describe("a promotion", () => {
  const promote = { id: "promote", atMs: 140, do: "promote", vm: "twin" } as const;

  function outcomeOf(document: ScenarioDocument): { world: World; outcome: string } {
    const world = builderOf(document).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(400) });
    world.finish();
    expect(violations(world)).toEqual([]);
    return { world, outcome: ended["promote"] ?? "" };
  }

  it("is refused with snapshots above, and for what is no clone", () => {
    const own = { id: "own", atMs: 110, do: "snapshot", vm: "twin" } as const;
    expect(outcomeOf(documentOf([...CLONE, ...ON, own, promote])).outcome).toBe("snapshots-above");
    expect(outcomeOf(documentOf([...ON, promote])).outcome).toBe("not-a-linked-clone");
  });

  it("gives its space back when the second disk finds none", () => {
    const before = outcomeOf(documentOf([...CLONE, ...ON], 1_024, 1_500)).world;
    const { grainSectors } = before.named("array").config as unknown as { grainSectors: number };
    const { usedGrains } = before.named("array").durable as unknown as { usedGrains: number };
    expect(usedGrains * grainSectors).toBeLessThan(8 * 2_048);
    // The guests' writes fit, the second of the two new bases does not.
    const capacityMiB = 8;
    const { world, outcome } = outcomeOf(
      documentOf([...CLONE, ...ON, promote], capacityMiB, 1_500),
    );
    expect(outcome).toBe("no-space");
    expect(volumesOf(world).filter((name) => name.startsWith("twin"))).toHaveLength(2);
    expect(isRunning(world, "twin")).toBe(true);
  });

  it("keeps thin: the new base holds no more than was written", () => {
    const { world, outcome } = outcomeOf(documentOf([...CLONE, ...ON, promote]));
    expect(outcome).toBe("complete");
    const { volumes } = world.named("array").durable as unknown as {
      volumes: { [label: string]: { sectors: number; reserved?: number } };
    };
    for (const disk of ["data", "log"]) {
      const label = `volume:twin-${disk}-000002`;
      const content = world.contents.get(`array#${label}`)!;
      expect(volumes[label]!.reserved ?? 0).toBe(0);
      expect(content.allocatedSectors).toBeLessThan(volumes[label]!.sectors / 4);
    }
  });
});
