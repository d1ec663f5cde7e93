/**
 * Backups of a running VM and their restore, with the host, the array or the repository lost at
 * every phase and durable step. After each: a backup that counts equals its point in time (checked
 * when it is marked and when it is restored), one that does not is gone, the point in time is given
 * up, and the VM goes on.
 */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  type Envelope,
  fromMs,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import {
  afterEach,
  crash,
  crashFor,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  filesOf,
  intentsOf,
  outcomesOf,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import { type Entries, FULL, keptBackups, lose, withVault } from "../testing/vault.ts";

const documentOf = (timeline: Entries) => withVault(timeline, { workMs: 190 });

const NEXT = { ...FULL, id: "next", atMs: 120, mode: "incremental" } as const;

describe("a backup whose host is lost", () => {
  it("leaves nothing at the repository, though its manifest comes there after all is settled", () => {
    const world = builderOf(documentOf([FULL])).build({ seed: 1 });
    const carry = Object.getPrototypeOf(world).carry as World["carry"];
    const held: Envelope[] = [];
    world.carry = (via, envelope) => {
      const body = (envelope.arg as { readonly body?: { readonly name?: string } }).body;
      const isManifest = envelope.handler === "file-write" && body?.name === "full.backup";
      if (!isManifest || held.length > 0) return carry.call(world, via, envelope);
      held.push(structuredClone(envelope));
    };
    while (held.length === 0) world.run({ untilEvent: world.eventCount + 1 });
    crash(world, "alpha");
    world.run({ untilNs: fromMs(5_000) });
    expectRunning(world, "db", "settled");
    expect(intentsOf(world)).toEqual([]);
    delete (world as { carry?: unknown }).carry;
    for (const envelope of held) world.messenger.arrive(envelope, 0);
    world.run({ untilNs: fromMs(8_000) });
    expect(filesOf(world, "vault")).toEqual([]);
    expect(volumesOf(world, "vault")).toEqual([]);
    expect(violations(world)).toEqual([]);
  });
});

describe("a backup by changed blocks", () => {
  const isMeant = (id: string): boolean => /^next(\.|$)/.test(id);

  function beforeNext(): World {
    const world = builderOf(documentOf([FULL, NEXT])).build({ seed: 1 });
    world.run({ untilNs: fromMs(120) - 1 });
    return world;
  }

  it.each(["alpha", "array", "vault"])(
    "survives the loss of %s at any step",
    (domain) => {
      const world = beforeNext();
      const points = crashPoints(world, fromMs(400), isMeant);
      expect(points.length).toBeGreaterThan(40);
      const seen = new Set<string>();
      const some = sampled(points, domain === "alpha" ? 6 : 17);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        const where = `${domain} lost at ${at}`;
        lose(world, domain, { hostMs: 4_500, arrayMs: 14_000 });
        expectRunning(world, "db", where);
        expect(intentsOf(world), where).toEqual([]);
        seen.add(keptBackups(world).join());
        expect(volumesOf(world).length, where).toBe(2);
      });
      expect([...seen]).toContain("full.backup,next.backup");
      if (domain === "alpha") expect([...seen]).toContain("full.backup");
    },
    CRASHES_MS,
  );

  const LATE = { ...NEXT, id: "late", atMs: 3_000 } as const;

  /** From the end of the full backup on: moments at which something of the disks goes on. */
  function afterFull() {
    const world = builderOf(documentOf([FULL, LATE])).build({ seed: 1 });
    world.run({ untilNs: fromMs(80) });
    expect(filesOf(world).filter((name) => name.endsWith(".changes"))).toHaveLength(2);
    return world;
  }

  /** Whether the late backup is incremental, and how much it copied. */
  function lateBackup(world: World): { incremental?: boolean; copiedSectors?: number } {
    let figures = {};
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end" && data["id"] === "late") figures = data["figures"] as object;
    };
    world.run({ untilNs: fromMs(4_000) });
    world.hooks = {};
    return figures;
  }

  it("is right after a crash at any moment, by what was marked ahead of each write", () => {
    const world = afterFull();
    const image = captureWorld(world);
    const first = world.eventCount;
    world.run({ untilNs: fromMs(190) });
    const last = world.eventCount;
    const every = Math.ceil((last - first) / 25);
    for (let event = first; event <= last; event += every) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      crash(world, "alpha");
      const where = `host lost after event ${event}`;
      const { incremental, copiedSectors } = lateBackup(world);
      expectRunning(world, "db", where);
      expect(incremental, where).toBe(true);
      expect(keptBackups(world).sort(), where).toEqual(["full.backup", "late.backup"]);
      // Two disks of 8 MiB, of which the guest writes 1 MiB each.
      expect(copiedSectors, where).toBeLessThanOrEqual(4 * 2_048 + 1_024);
    }
  }, 120_000);

  it("is full after a restore, whose content nobody tracked", () => {
    const world = builderOf(
      documentOf([
        FULL,
        { id: "off", atMs: 120, do: "power-off", vm: "db" },
        { id: "back", atMs: 130, do: "restore", vm: "db", backup: "full", from: "vault" },
        { id: "on", after: "back.complete", do: "power-on", vm: "db" },
        LATE,
      ]),
    ).build({ seed: 1 });
    world.run({ untilNs: fromMs(2_900) });
    const { incremental } = lateBackup(world);
    expectRunning(world, "db", "");
    expect(incremental).toBe(false);
  });

  it("that relies on marks that came after their writes is noticed (canary)", () => {
    const world = afterFull();
    for (const entity of world.entities()) {
      if (entity.kind !== "virtual-disk") continue;
      const marked = world.contents.get(`${entity.name}#marked`);
      marked?.writeZeros(0, marked.sectors);
    }
    world.run({ untilNs: fromMs(180) });
    crash(world, "alpha");
    lateBackup(world);
    expect(violations(world).join()).toMatch(/differs from its point in time/);
  });

  it("that misses a changed block is noticed (canary)", () => {
    const world = beforeNext();
    for (const entity of world.entities()) {
      if (entity.kind !== "virtual-disk") continue;
      const changed = world.contents.get(`${entity.name}#changed`)!;
      const [first] = changed.allocatedRuns();
      if (first !== undefined) changed.discard(first.sector, first.sectors);
    }
    world.run({ untilNs: fromMs(300) });
    expect(violations(world).join()).toMatch(/differs from its point in time/);
  });
});

describe("a restore", () => {
  const isMeant = (id: string): boolean => /^back(\.|$)/.test(id);
  const back = {
    id: "back",
    atMs: 160,
    do: "restore",
    vm: "db",
    backup: "next",
    from: "vault",
  } as const;

  it(
    "cut short by the loss of its host leaves the VM as it was, or restored",
    () => {
      const timeline: Entries = [
        FULL,
        NEXT,
        { id: "off", atMs: 150, do: "power-off", vm: "db" },
        { ...back, copyKiB: 64 },
        { id: "on", atMs: 2_400, do: "power-on", vm: "db" },
      ];
      const world = builderOf(documentOf(timeline)).build({ seed: 1 });
      world.run({ untilNs: fromMs(160) - 1 });
      const points = crashPoints(world, fromMs(400), isMeant);
      expect(points.length).toBeGreaterThan(15);
      const disks = new Set<string>();
      const some = sampled(points, 6);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        crash(world, "alpha");
        world.restart(world.registry.domainNamed("alpha")!);
        world.run({ untilNs: fromMs(3_000) });
        expectRunning(world, "db", `host lost at ${at}`);
        expect(intentsOf(world)).toEqual([]);
        disks.add(filesOf(world).find((name) => /^db-data.*vmdk/.test(name))!);
        expect(volumesOf(world)).toHaveLength(2);
      });
      expect(disks.size).toBe(2);
    },
    CRASHES_MS,
  );

  const onCow = (timeline: Entries): World => {
    const small = documentOf(timeline);
    const arrays = small.arrays!.map((array) => ({ ...array, kind: "cow" as const }));
    return builderOf({ ...small, arrays }).build({ seed: 1 });
  };
  const OFF: Entries = [
    FULL,
    NEXT,
    { id: "off", atMs: 150, do: "power-off", vm: "db" },
    { id: "cow", atMs: 160, do: "migrate-disk-format", vm: "db", to: "cow" },
  ];

  it.each(["alpha", "array", "vault"])(
    "onto copy-on-write disks, with %s lost at any step, is whole or never was",
    (domain) => {
      const world = onCow([
        ...OFF,
        { ...back, atMs: 800, copyKiB: 64 },
        { id: "on", atMs: 2_900, do: "power-on", vm: "db" },
        { id: "point", after: "on.complete", delayMs: 50, do: "snapshot", vm: "db" },
      ]);
      world.run({ untilNs: fromMs(800) - 1 });
      const points = crashPoints(world, fromMs(1_500), isMeant);
      expect(points.length).toBeGreaterThan(20);
      const disks = new Set<string>();
      const some = sampled(points, domain === "alpha" ? 6 : 17);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        crashFor(world, domain, 100);
        world.run({ untilNs: fromMs(domain === "alpha" ? 4_500 : 12_000) });
        const where = `${domain} lost at ${at}`;
        expectRunning(world, "db", where);
        expect(intentsOf(world), where).toEqual([]);
        disks.add(volumesOf(world).sort().join());
        expect(volumesOf(world), where).toHaveLength(2);
      });
      if (domain === "alpha") expect(disks.size).toBe(2);
    },
    600_000,
  );

  it("onto copy-on-write disks that leaves a part out is noticed (canary)", () => {
    const world = onCow([...OFF, { ...back, atMs: 800, copyKiB: 64 }]);
    let isPlanted = false;
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "phase" || data["id"] !== "back" || data["phase"] !== "write") return;
      const op = world.named("back") as unknown as {
        edit(): { state: { left: unknown[] } };
      };
      op.edit().state.left.length = 0;
      isPlanted = true;
    };
    world.run({ untilNs: fromMs(1_500) });
    expect(isPlanted).toBe(true);
    expect(violations(world).join()).toMatch(/db was not restored as backup next was/);
  });

  it("onto copy-on-write disks keeps points in time, to which the VM can be reverted", () => {
    const world = onCow([
      ...OFF,
      { id: "on", after: "cow.complete", do: "power-on", vm: "db" },
      { id: "point", after: "on.complete", delayMs: 50, do: "snapshot", vm: "db" },
      { id: "stop", after: "point.complete", delayMs: 50, do: "power-off", vm: "db" },
      {
        id: "back",
        after: "stop.complete",
        do: "restore",
        vm: "db",
        backup: "full",
        from: "vault",
      },
      { id: "again", after: "back.complete", do: "revert", vm: "db", point: "point" },
      { id: "less", after: "again.complete", do: "delete-snapshot", vm: "db", point: "point" },
      { id: "go", after: "less.complete", do: "power-on", vm: "db" },
    ]);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(4_000) });
    expectRunning(world, "db", "");
    const ids = ["back", "again", "less", "go"];
    expect(ids.map((id) => ended[id])).toEqual(ids.map(() => "complete"));
    // What runs shares chunks with the family of the point that it went back to: that stays for it.
    expect(volumesOf(world).sort()).toEqual(["db-data.v1", "db-data.v7", "db-log.v2", "db-log.v8"]);
  });

  it("of what is no backup, or with the VM on, is refused", () => {
    const timeline: Entries = [
      FULL,
      { ...back, id: "on", backup: "full", atMs: 100 },
      { id: "off", atMs: 150, do: "power-off", vm: "db" },
      { ...back, backup: "off" },
    ];
    const world = builderOf(documentOf(timeline)).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(300) });
    world.finish();
    expect(ended).toMatchObject({ full: "complete", on: "vm-on", back: "no-backup" });
    expect(violations(world)).toEqual([]);
  });
});
