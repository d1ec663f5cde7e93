/** Disks that become larger under load, with host or array lost at every step. */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  CRASHES_MS,
  afterEach,
  crash,
  crashPoints,
  expectRunning,
  filesOf,
  intentsOf,
  isRunning,
  outcomesOf,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { runningMiB } from "../testing/disk-size.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

const SECTORS_PER_MIB = 2_048;

function documentOf(timeline: NonNullable<ScenarioDocument["timeline"]>): ScenarioDocument {
  return smallDatacenter({ timeline, durationMs: 6_000 });
}

const grow = (toMiB: number) =>
  ({ id: "grow", atMs: 300, do: "grow-disk", vm: "db", disk: "data", toMiB }) as const;

interface Seen {
  readonly outcome: string;
  readonly events: readonly string[];
  readonly world: World;
}

function seen(document: ScenarioDocument, untilMs = 1_500): Seen {
  const world = builderOf(document).build({ seed: 1 });
  let outcome = "";
  const events: string[] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "grow") outcome = data["outcome"] as string;
    if (kind === "lifecycle") events.push(data["event"] as string);
  };
  world.run({ untilNs: fromMs(untilMs) });
  world.finish();
  return { outcome, events, world };
}

/** A disk of another kind, with a point in time where it can have one. */
function ofKind(
  kind: "redo" | "cow" | "network",
  timeline: NonNullable<ScenarioDocument["timeline"]>,
): ScenarioDocument {
  const snap = { id: "snap", atMs: 150, do: "snapshot", vm: "db" } as const;
  const small = documentOf(kind === "network" ? timeline : [snap, ...timeline]);
  const [array] = small.arrays!;
  return {
    ...small,
    arrays: [{ ...array!, kind: "cow", chunkKiB: 64 }],
    vms: small.vms!.map((vm) => ({
      ...vm,
      disks: vm.disks!.map(({ cacheMode, ...disk }) => ({
        ...disk,
        kind,
        ...(kind !== "network" && { cacheMode }),
      })),
    })) as never,
  };
}

/** Size by the volume, and by what the descriptor says. */
function sizesMiB(world: World): [number, number] {
  const { files, volumes } = world.named("array").durable as unknown as {
    files: { [key: string]: { value: { text: string } } };
    volumes: { [key: string]: { sectors: number } };
  };
  const text = files["file:db-data.vmdk"]!.value.text;
  const described = Number(/RW (\d+) VMFS/.exec(text)![1]);
  return [volumes["volume:db-data"]!.sectors, described].map(
    (sectors) => sectors / SECTORS_PER_MIB,
  ) as [number, number];
}

describe("a disk grows", () => {
  it("while the guest writes, which uses the new end at once", () => {
    const { outcome, events, world } = seen(documentOf([grow(96)]));
    expect(violations(world)).toEqual([]);
    expect(outcome).toBe("complete");
    expect(sizesMiB(world)).toEqual([96, 96]);
    expect(events).toContain("disk-grown");
  });

  it("and a crash afterwards loses nothing of the new part", () => {
    const document = {
      ...documentOf([grow(96)]),
      faults: [{ kind: "crash" as const, domain: "alpha", atMs: 900 }],
    };
    const { events, world } = seen(document, 4_500);
    expect(violations(world)).toEqual([]);
    expect(events.slice(events.indexOf("crash"))).toContain("verified");
    expect(vmRecordOf(world, "db").durable.host).toBe("beta");
  });

  it("not smaller, not beyond the array", () => {
    expect(seen(documentOf([grow(64)])).outcome).toBe("not-larger");
    expect(seen(documentOf([grow(67_108_864)])).outcome).toBe("no-space");
  });

  it(
    "or stays as it is, when host or array is lost at any step; never in between",
    () => {
      const world = builderOf(documentOf([grow(96)])).build({ seed: 1 });
      world.run({ untilNs: fromMs(300) - 1 });
      const image = captureWorld(world);
      const points = crashPoints(world, fromMs(500), (id) => id.startsWith("grow"));
      expect(points.length).toBeGreaterThan(12);
      const sizes = new Set<number>();
      for (const domain of ["alpha", "array"]) {
        afterEach(world, image, sampled(points, 3), ({ event, at }) => {
          world.crash(world.registry.domainNamed(domain)!, "test");
          world.run({ untilNs: world.timeNs + fromMs(200) });
          world.restart(world.registry.domainNamed(domain)!);
          world.run({ untilNs: fromMs(domain === "array" ? 6_000 : 4_000) });
          world.finish();
          const place = `${domain} lost at ${event} (${at})`;
          expect(violations(world), place).toEqual([]);
          expect(isRunning(world, "db"), place).toBe(true);
          expect(world.activeOperations, place).toBe(0);
          expect(filesOf(world), place).not.toContain("db.intent");
          const [volume, described] = sizesMiB(world);
          expect(volume, place).toBe(described);
          sizes.add(described);
        });
      }
      expect([...sizes].sort((a, b) => a - b)).toEqual([64, 96]);
    },
    CRASHES_MS,
  );

  it.each(["redo", "cow", "network"] as const)(
    "of kind %s, with points in time where it has them, or stays as it is when host or array is lost",
    (kind) => {
      const world = builderOf(ofKind(kind, [grow(96)])).build({ seed: 1 });
      world.run({ untilNs: fromMs(300) - 1 });
      const image = captureWorld(world);
      const points = crashPoints(world, fromMs(500), (id) => id.startsWith("grow"));
      expect(points.length).toBeGreaterThan(12);
      const sizes = new Set<number>();
      for (const domain of ["alpha", "array"]) {
        const some = sampled(points, domain === "alpha" ? 4 : 11);
        afterEach(world, image, some, ({ event, at }) => {
          crash(world, domain);
          world.run({ untilNs: world.timeNs + fromMs(200) });
          world.restart(world.registry.domainNamed(domain)!);
          world.run({ untilNs: fromMs(domain === "array" ? 6_000 : 4_000) });
          const place = `${domain} lost at ${event} (${at})`;
          expectRunning(world, "db", place);
          expect(world.activeOperations, place).toBe(0);
          expect(intentsOf(world), place).toEqual([]);
          sizes.add(runningMiB(world));
        });
      }
      expect([...sizes].sort((x, y) => x - y)).toEqual([64, 96]);
    },
    120_000,
  );

  it.each(["redo", "cow"] as const)("of kind %s, and goes back to a point of before", (kind) => {
    const document = ofKind(kind, [
      grow(96),
      { id: "later", atMs: 500, do: "snapshot", vm: "db" },
      { id: "back", atMs: 700, do: "revert", vm: "db", point: "snap", restart: true },
      { id: "off", after: "back.complete", delayMs: 300, do: "power-off", vm: "db" },
      { id: "copy", after: "off.complete", do: "clone", vm: "db", as: "copy", format: "cow" },
      { id: "on", after: "copy.complete", do: "power-on", vm: "db" },
      {
        id: "again",
        after: "on.complete",
        delayMs: 300,
        do: "grow-disk",
        vm: "db",
        disk: "data",
        toMiB: 80,
      },
    ]);
    const world = builderOf(document).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(900) });
    const sizeAfterRevert = runningMiB(world);
    world.run({ untilNs: fromMs(4_000) });
    expectRunning(world, "db", kind);
    const ids = ["grow", "later", "back", "copy", "again"];
    expect(ids.map((id) => ended[id])).toEqual(ids.map(() => "complete"));
    expect([sizeAfterRevert, runningMiB(world)]).toEqual([64, 80]);
  });

  it("not while a backup reads through its layers", () => {
    const backup = { id: "copy", atMs: 280, do: "backup", vm: "db", to: "vault" } as const;
    const small = documentOf([backup, grow(96)]);
    const more = ["alpha", "beta"].map((host) => ({ between: [host, "vault"] }));
    const arrays = [...small.arrays!, { ...small.arrays![0]!, id: "vault", writeLatencyUs: 9_000 }];
    const { outcome } = seen({ ...small, arrays, links: [...small.links!, ...more] as never });
    expect(outcome).toBe("backup-runs");
  });

  it("canary: a descriptor that says more than its volume has is noticed", () => {
    const world = builderOf(documentOf([])).build({ seed: 1 });
    world.run({ untilNs: fromMs(300) });
    const array = world.named("array");
    const { files } = array.editDurable() as unknown as {
      files: { [key: string]: { value: { text: string } } };
    };
    const file = files["file:db-data.vmdk"]!;
    file.value.text = file.value.text.replace(/RW \d+ VMFS/, `RW ${96 * SECTORS_PER_MIB} VMFS`);
    array.durableStep("file db-data.vmdk");
    expect(violations(world).join()).toMatch(/says 196608 sectors/);
  });
});
