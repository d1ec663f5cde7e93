/**
 * A VM that moves, with either host or the array lost, or the link between the hosts cut, at every
 * phase of the move. After each: nothing was broken, the VM runs in one place, no operation is left,
 * and its guest finds on its disks what it was promised.
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  captureWorld,
  type Entity,
  fromMs,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { clientBitmap, knownMemory, vmOf, vmRecordOf, powerStateOf } from "../../core/vmm/index.ts";
import { type CrashPoint, crashPoints, sampled, violations } from "../testing/crash-points.ts";
import { movingVm, tellLink } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const BEGIN_NS = fromMs(300);
const END_NS = fromMs(7_000);

let world: World;
let image: WorldImage;
let points: readonly CrashPoint[];

beforeAll(() => {
  world = builderOf(movingVm()).build({ seed: 1 });
  world.run({ untilNs: BEGIN_NS - 1 });
  image = captureWorld(world);
  const isPart = (id: string): boolean => /^(move|db.start-run)/.test(id);
  points = crashPoints(world, fromMs(1_500), isPart);
});

const domain = (name: string): number => world.registry.domainNamed(name)!;

/** What is lost, and how long it stays away. */
const LOSSES: readonly [string, number, () => void, () => void][] = [
  [
    "the source",
    600,
    () => world.crash(domain("alpha"), "test"),
    () => world.restart(domain("alpha")),
  ],
  [
    "the destination",
    600,
    () => world.crash(domain("beta"), "test"),
    () => world.restart(domain("beta")),
  ],
  [
    "the array",
    400,
    () => world.crash(domain("array"), "test"),
    () => world.restart(domain("array")),
  ],
  ["the link for a moment", 300, () => tellLink(world, "cut"), () => tellLink(world, "heal")],
  ["the link for long", 3_500, () => tellLink(world, "cut"), () => tellLink(world, "heal")],
];

type Phases = { readonly phases: readonly { readonly block?: readonly object[] }[] };

const seldomFlushing = (guest: Phases): Phases => ({
  ...guest,
  phases: guest.phases.map((phase) => ({
    ...phase,
    ...(phase.block && { block: phase.block.map((each) => ({ ...each, flushEvery: 400 })) }),
  })),
});

describe("a VM that moves", () => {
  it("arrives, and has moved no page wrongly", () => {
    restoreWorld(world, image);
    world.run({ untilNs: fromMs(2_000) });
    world.finish();
    expect(violations(world)).toEqual([]);
    expect(vmRecordOf(world, "db").durable).toMatchObject({ host: "beta", run: 1, power: "on" });
    expect(points.length).toBeGreaterThan(60);
  });

  it.each(LOSSES)(
    "survives the loss of %s, at every phase",
    (name, awayMs, lose, comeBack) => {
      const places = new Set<string>();
      const from = LOSSES.findIndex(([each]) => each === name);
      for (const { event, at } of sampled(points, 9, from)) {
        restoreWorld(world, image);
        world.run({ untilEvent: event });
        lose();
        world.run({ untilNs: world.timeNs + fromMs(awayMs) });
        comeBack();
        world.run({ untilNs: END_NS });
        world.finish();
        const after = `${name} lost at ${at}, after event ${event}`;
        expect(violations(world), after).toEqual([]);
        expect(powerStateOf(vmRecordOf(world, "db")), after).toBe("running");
        expect(world.activeOperations, after).toBe(0);
        const memories = [...world.entities()].filter(({ kind }) => kind === "guest-memory");
        expect(memories, after).toHaveLength(1);
        const { clients } = memories[0]!.volatile as { clients: readonly unknown[] };
        expect(clients, after).toEqual([]);
        places.add(vmRecordOf(world, "db").durable.host);
      }
      expect(places).toContain("beta");
    },
    180_000,
  );

  /** The world right after the source gave the machine away. */
  function afterCommit(): { source: Entity } {
    restoreWorld(world, image);
    const { event } = points.find(({ at }) => at.split(", ").includes("commit"))!;
    world.run({ untilEvent: event });
    return { source: vmOf(vmRecordOf(world, "db")) as unknown as Entity };
  }

  it("takes along what only its host's memory had of its writes", () => {
    const cached = movingVm();
    const vms = cached.vms!.map((vm) => ({
      ...vm,
      guest: seldomFlushing(vm.guest as never),
      disks: vm.disks!.map((disk) => ({ ...disk, cacheMode: "writeback" })),
    }));
    const other = builderOf({ ...cached, vms: vms as never }).build({ seed: 1 });
    const told: unknown[] = [];
    other.hooks.onNotice = ({ kind, data }) => {
      if (kind === "migration") told.push(data["event"]);
    };
    while (!told.includes("given")) {
      other.run({ untilNs: END_NS, untilEvent: other.eventCount + 1 });
    }
    const given = captureWorld(other);
    const runs = new Set<number>();
    for (let later = 0; later < 60; later += 5) {
      restoreWorld(other, given);
      other.run({ untilEvent: other.eventCount + later });
      other.crash(other.registry.domainNamed("alpha")!, "test");
      other.run({ untilNs: other.timeNs + fromMs(600) });
      other.restart(other.registry.domainNamed("alpha")!);
      other.run({ untilNs: END_NS });
      other.finish();
      expect(violations(other), `${later} events later`).toEqual([]);
      runs.add(vmRecordOf(other, "db").durable.run);
    }
    // The host was lost so early that it was started again, and so late that it had moved.
    expect(runs).toEqual(new Set([1, 2]));
  });

  it("canary: going on where it was given away is noticed", () => {
    const { source } = afterCommit();
    world.call(source, "unstun", { from: 0, askId: 0, delivery: "stream", via: -1, body: {} });
    world.run({ untilNs: world.timeNs + fromMs(100) });
    expect(violations(world).join()).toMatch(/runs although it was given away/);
  });

  it("canary: a page that was not sent is noticed", () => {
    const { source } = afterCommit();
    const memory = knownMemory(source as never)!;
    const arriving = world.named("db/run-1-on-beta/memory");
    const stamps = world.arrays.get(`${arriving.name}#pages`)!;
    stamps.set(5, world.arrays.get(`${memory.name}#pages`)!.get(6));
    expect(clientBitmap(memory, "migration", "dirty").bits).toBe(memory.config.pages);
    world.run({ untilNs: world.timeNs + fromMs(200) });
    expect(violations(world).join()).toMatch(/1 pages of db are not what they were/);
  });
});
