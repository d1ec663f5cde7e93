/**
 * Backups of a running VM whose disks are copy-on-write volumes, with the host, the array or the
 * repository lost at every phase and durable step, and the host once more in the recovery. After
 * each: a backup that counts equals its point in time, one that does not is gone, at most the newest
 * backup's point in time is kept, nothing is bound, and the VM goes on.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, startOperation, type World } from "../../core/kernel/index.ts";
import { deletePoint } from "../../core/disks/index.ts";
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
import { tellLink } from "../testing/links.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import { type Entries, FULL, keptBackups, lose, withVault } from "../testing/vault.ts";

const COW = { workMs: 390, kind: "cow", disk: { kind: "cow" } } as const;

const worldOf = (timeline: Entries): World =>
  builderOf(withVault(timeline, COW)).build({ seed: 1 });

const NEXT = { ...FULL, id: "next", atMs: 200, mode: "incremental" } as const;
const ids = (id: string) => new RegExp(`^${id}(\\.|$)`);

interface Vvols {
  readonly bindings: object;
  readonly snapshots: object;
}

const vvolsIn = (world: World): Vvols => world.named("array/vvols").durable as unknown as Vvols;

const kept = (world: World): string => keptBackups(world).sort().join();

/** Points in time that the VM has. */
function pointsOf(world: World): string {
  const { files } = world.named("array").durable as unknown as {
    files: { [key: string]: { value: { pointsInTime: { id: string }[] } } };
  };
  return files["file:db.vmx"]!.value.pointsInTime.map(({ id }) => id).join();
}

/** Figures of an operation that ends while the world runs on. */
function figuresOf(world: World, wanted: string, untilMs: number): Record<string, unknown> {
  let figures = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === wanted) figures = data["figures"] as object;
  };
  world.run({ untilNs: fromMs(untilMs) });
  world.hooks = {};
  return figures;
}

/** What must be true after a loss, once all is settled. */
function expectSettled(world: World, where: string): void {
  expectRunning(world, "db", where);
  expect(intentsOf(world), where).toEqual([]);
  const backups = kept(world);
  const newest = backups.includes("next") ? "next" : backups.includes("full") ? "full" : "";
  expect(pointsOf(world), where).toBe(newest);
  expect(volumesOf(world), where).toHaveLength(2);
  expect(vvolsIn(world).bindings, where).toEqual({});
  expect(Object.keys(vvolsIn(world).snapshots), where).toHaveLength(newest === "" ? 0 : 2);
}

describe("a backup of copy-on-write disks", () => {
  it("copies what the array says is allocated, then what differs", () => {
    const world = worldOf([FULL, NEXT]);
    const full = figuresOf(world, "full", 199);
    expect(full).toMatchObject({ incremental: false });
    expect(pointsOf(world)).toBe("full");
    const next = figuresOf(world, "next", 450);
    expect(next).toMatchObject({ incremental: true });
    expect(Number(next["copiedSectors"])).toBeGreaterThan(0);
    expect(Number(next["copiedSectors"])).toBeLessThan(2 * 8 * 2_048);
    expectSettled(world, "");
    expect(kept(world)).toBe("full.backup,next.backup");
  });

  it("is full where the point in time to differ from is gone, or has another base", () => {
    const off = { id: "off", atMs: 120, do: "power-off", vm: "db" } as const;
    const on = { do: "power-on", vm: "db" } as const;
    const gone = worldOf([
      FULL,
      { id: "less", atMs: 150, do: "delete-snapshot", vm: "db", point: "full" },
      NEXT,
    ]);
    expect(figuresOf(gone, "next", 450)).toMatchObject({ incremental: false });
    const elsewhere = worldOf([
      FULL,
      off,
      { id: "back", atMs: 130, do: "restore", vm: "db", backup: "full", from: "vault" },
      { ...on, id: "on", after: "back.complete" },
      { ...NEXT, atMs: 600 },
    ]);
    expect(figuresOf(elsewhere, "next", 900)).toMatchObject({ incremental: false });
    expect(violations(elsewhere)).toEqual([]);
    expect(pointsOf(elsewhere)).toBe("next");
  });

  it("is incremental after a revert to its own point in time, and restores", () => {
    const world = worldOf([
      FULL,
      { id: "off", atMs: 130, do: "power-off", vm: "db" },
      { id: "to", after: "off.complete", do: "revert", vm: "db", point: "full" },
      { id: "on", after: "to.complete", do: "power-on", vm: "db" },
      { ...NEXT, atMs: 600 },
      { id: "stop", atMs: 800, do: "power-off", vm: "db" },
      { id: "back", atMs: 850, do: "restore", vm: "db", backup: "next", from: "vault" },
      { id: "go", after: "back.complete", do: "power-on", vm: "db" },
    ]);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(2_500) });
    expectRunning(world, "db", "");
    const all = ["full", "off", "to", "on", "next", "stop", "back", "go"];
    expect(all.map((id) => [id, ended[id]])).toEqual(all.map((id) => [id, "complete"]));
  });

  it.each(["takeSnapshot", "createVolumes", "bind", "openDevices", "store", "commit", "committed"])(
    "is settled by the next power-on when the VM is powered off at its phase %s",
    (phase) => {
      const world = worldOf([
        FULL,
        { id: "off", after: `full.${phase}`, do: "power-off", vm: "db" },
        { id: "on", after: "off.complete", delayMs: 100, do: "power-on", vm: "db" },
      ]);
      world.run({ untilNs: fromMs(4_000) });
      expectSettled(world, phase);
    },
  );
});

describe("a point in time that a backup reads the differences since", () => {
  it("is not given up beneath it while its host does not reach the array, whenever that is", () => {
    const world = worldOf([FULL, NEXT]);
    world.run({ untilNs: fromMs(200) - 1 });
    const points = onceEach(crashPoints(world, fromMs(500), (each) => ids("next").test(each)));
    expect(points.length).toBeGreaterThan(20);
    const deletions = new Set<string>();
    const array = world.named("array").id;
    afterEach(world, captureWorld(world), sampled(points.slice(0, -1), 6), ({ at }) => {
      const params = { vm: "db", array, pointInTime: "full" };
      const ended = outcomesOf(world);
      tellLink(world, "alpha--array", "cut");
      startOperation(world, deletePoint, world.named("beta"), "less", params);
      world.run({ untilNs: world.timeNs + fromMs(8) });
      tellLink(world, "alpha--array", "heal");
      world.run({ untilNs: fromMs(700) });
      world.hooks = {};
      expectRunning(world, "db", at);
      deletions.add(ended["less"]!);
      // Of two that meet one is refused, if not both; it is not cut short half way.
      expect(["complete", "version-conflict"], at).toContain(ended["next"] ?? "complete");
    });
    expect(deletions).toContain("shared");
  });
});

describe("a loss at any step of a backup of copy-on-write disks", () => {
  function loseAt(timeline: Entries, id: string, domain: string, every: number): Set<string> {
    const world = worldOf(timeline);
    const from = timeline.at(-1) as { atMs: number };
    world.run({ untilNs: fromMs(from.atMs) - 1 });
    const points = crashPoints(world, fromMs(500), (each) => ids(id).test(each));
    expect(points.length).toBeGreaterThan(40);
    const seen = new Set<string>();
    afterEach(world, captureWorld(world), sampled(points, every), ({ at }) => {
      lose(world, domain, { hostMs: 5_500, arrayMs: 16_000 });
      expectSettled(world, `${domain} lost at ${at}`);
      seen.add(kept(world));
    });
    return seen;
  }

  it.each([
    ["alpha", 12],
    ["array", 40],
    ["vault", 40],
  ])(
    "%s, of a full one",
    (domain, every) => {
      const seen = loseAt([FULL], "full", domain, every);
      expect([...seen]).toContain("full.backup");
      if (domain === "alpha") expect([...seen]).toContain("");
    },
    CRASHES_MS,
  );

  it.each([
    ["alpha", 12],
    ["array", 40],
    ["vault", 40],
  ])(
    "%s, of one by differences",
    (domain, every) => {
      const seen = loseAt([FULL, NEXT], "next", domain, every);
      expect([...seen]).toContain("full.backup,next.backup");
      if (domain === "alpha") expect([...seen]).toContain("full.backup");
    },
    CRASHES_MS,
  );

  it(
    "and again in the recovery ends the same",
    () => {
      const world = worldOf([FULL, NEXT]);
      world.run({ untilNs: fromMs(200) - 1 });
      const points = crashPoints(world, fromMs(500), (id) => ids("next").test(id));
      const states = new Set<string>();
      let second = 0;
      afterEach(world, captureWorld(world), sampled(onceEach(points), 4), ({ at }) => {
        crash(world, "alpha");
        const state = metadataOf(world) + metadataOf(world, "vault");
        if (states.has(state)) return;
        states.add(state);
        world.restart(world.registry.domainNamed("alpha")!);
        const isRecovery = (id: string): boolean => /^db\/restart-|\.finish/.test(id);
        const again = onceEach(crashPoints(world, fromMs(5_500), isRecovery));
        second += again.length;
        afterEach(world, captureWorld(world), sampled(again, 30), (point) => {
          crash(world, "beta");
          world.restart(world.registry.domainNamed("beta")!);
          world.run({ untilNs: fromMs(12_000) });
          expectSettled(world, `alpha lost at ${at}, beta at ${point.at}`);
        });
      });
      expect(states.size).toBeGreaterThan(2);
      expect(second).toBeGreaterThan(20);
    },
    CRASHES_MS,
  );

  it("of a backup that leaves a difference out is noticed (canary)", () => {
    const world = worldOf([FULL, NEXT]);
    let isPlanted = false;
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "phase" || data["id"] !== "next" || data["phase"] !== "copy" || isPlanted)
        return;
      const op = world.named("next") as unknown as {
        edit(): { state: { left: { [disk: string]: unknown[] } } };
      };
      op.edit().state.left["data"]!.shift();
      isPlanted = true;
    };
    world.run({ untilNs: fromMs(450) });
    expect(isPlanted).toBe(true);
    expect(violations(world).join()).toMatch(/next differs from its point in time/);
  });
});
