/**
 * Operations on disks whose array forgets unflushed writes when it loses power: what they repoint
 * and give up must hold through flushes alone. The array is lost at phases of each, by itself, when
 * its hosts write again what it forgot, and together with the host, when nobody does.
 */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  fromMs,
  restoreWorld,
  startOperation,
  type Steer,
  type World,
} from "../../core/kernel/index.ts";
import { consolidate } from "../../core/disks/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  type CrashPoint,
  crashPoints,
  expectRunning,
  onceEach,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];

const BEGIN_MS = 120;
const FORGETS = { writeCacheMiB: 1, writeCacheProtected: false } as const;

function documentOf(
  kind: "redo" | "cow",
  entries: readonly Entry[],
  isBusy = false,
): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const work = { bootMs: 10, durationMs: 170, thinkTimeUs: 1_500, readPercent: 20 };
  const disks = db!.disks!.map((disk) => ({
    ...disk,
    sizeMiB: 8,
    kind,
    cacheMode: "none" as const,
  }));
  return {
    ...small,
    arrays: [
      { ...small.arrays![0]!, ...FORGETS, kind: "cow", chunkKiB: 64 },
      { id: "vault", ...FORGETS, readLatencyUs: 150, writeLatencyUs: 150 },
    ],
    links: ["alpha", "beta"].flatMap((host) =>
      ["array", "vault"].map((to) => ({ between: [host, to] as const })),
    ),
    vms: [{ ...db!, guest: isBusy ? busyWork() : shortWork(work), disks }],
    timeline: [
      { id: "first", atMs: 40, do: "snapshot", vm: "db" },
      { id: "second", atMs: 80, do: "snapshot", vm: "db" },
      ...entries,
    ],
  };
}

/** Every write is flushed, and there is always one on its way. */
function busyWork() {
  const how = { pacing: "closed", outstanding: 4, thinkTimeUs: 20, readPercent: 0 } as const;
  const block = ["data", "log"].map((disk) => ({ ...how, disk, regionMiB: 1, flushEvery: 1 }));
  const rest = { name: "rest", durationMs: 100_000 };
  return {
    kind: "workload",
    bootMs: 10,
    phases: [{ name: "work", durationMs: 130, block }, rest],
  } as const;
}

const OP = { id: "op", atMs: BEGIN_MS, vm: "db" } as const;

const CASES: readonly (readonly ["redo" | "cow", Entry, number])[] = [
  ["cow", { ...OP, do: "snapshot" }, 13],
  ["redo", { ...OP, do: "consolidate", point: "second", copyKiB: 64 }, 9],
  ["redo", { ...OP, do: "backup", to: "vault", copyKiB: 64 }, 25],
  ["redo", { ...OP, do: "migrate-disk-format", to: "cow", copyKiB: 64 }, 17],
];

function before(kind: "redo" | "cow", entries: readonly Entry[]): World {
  const world = builderOf(documentOf(kind, entries)).build({ seed: 1 });
  world.run({ untilNs: fromMs(BEGIN_MS) - 1 });
  return world;
}

/** Of what is not flushed. */
const nothingLasts: Steer = ({ purpose }) => (purpose === "crash-pattern" ? 0 : undefined);

/** Lost at once, and back after a while; a lost host stays away, its VM is started on the other. */
function lose(world: World, domains: readonly string[]): void {
  for (const domain of domains) crash(world, domain);
  world.run({ untilNs: world.timeNs + fromMs(300) });
  for (const domain of domains.filter((each) => each !== "alpha")) {
    world.restart(world.registry.domainNamed(domain)!);
  }
  world.run({ untilNs: world.timeNs + fromMs(6_500) });
}

const phasesOf = (world: World, id: string): readonly CrashPoint[] =>
  onceEach(crashPoints(world, fromMs(400), (each) => each === id));

describe("on an array that forgets what is not flushed", () => {
  it.each(CASES)("%s disks: %j keeps what the guest was promised", (kind, entry, every) => {
    const world = before(kind, [entry]);
    const points = phasesOf(world, "op");
    expect(points.length).toBeGreaterThan(8);
    const image = captureWorld(world);
    [["array"], ["array", "vault", "alpha"]].forEach((domains, from) => {
      afterEach(world, image, sampled(points, every, from), ({ at }) => {
        lose(world, domains);
        expectRunning(world, "db", `${domains.join()} lost at ${at}`);
      });
    });
  });

  it("a merge keeps what its guest flushed while it ended", () => {
    const builder = builderOf(documentOf("redo", [CASES[1]![1]], true));
    const world = builder.build({ seed: 1, steer: nothingLasts });
    world.run({ untilNs: fromMs(BEGIN_MS) - 1 });
    const points = phasesOf(world, "op");
    const switched = points.findLastIndex(({ at }) => at.includes("follow"));
    expect(switched).toBeGreaterThan(0);
    afterEach(world, captureWorld(world), points.slice(switched, switched + 1), ({ at }) => {
      lose(world, ["array", "vault", "alpha"]);
      expectRunning(world, "db", `all lost at ${at}`);
    });
  });

  it("a merge that repoints before it flushes loses it (canary)", () => {
    const world = before("redo", []);
    const instance = vmOf(vmRecordOf(world, "db"))!;
    const [array, alpha] = [world.named("array"), world.named("alpha")];
    const paths = [...world.messenger.carriers(alpha.domain, array.domain)];
    const pool = world.named("alpha/pages").id;
    const access = { array: array.id, paths, cacheMode: "none", pool, writebackNs: 1 };
    const disks = ["data", "log"].map((disk, at) => {
      return { disk, entity: instance.volatile.disks[at]!, access };
    });
    const params = { vm: "db", instance: instance.id, array: array.id, disks };
    const how = { pointInTime: "second", careless: { unflushed: true } };
    startOperation(world, consolidate, alpha, "op", { ...params, ...how });
    const late = phasesOf(world, "op").filter(({ at }) => /removeDelta|closeIntent|end/.test(at));
    const found = new Set<string>();
    afterEach(world, captureWorld(world), late, () => {
      lose(world, ["array", "alpha"]);
      for (const each of violations(world)) found.add(each);
    });
    expect([...found].join()).toMatch(/came back as nobody left it|survives/);
  });
});

type DiskKind = "redo" | "flat" | "network";

/** With nothing lasting that the guest does not flush. */
function onDisksOf(kind: DiskKind, guest: object, entries: readonly Entry[]): World {
  const small = documentOf("cow", []);
  const vms = small.vms!.map((vm) => {
    const disks = vm.disks!.map((disk) => ({ ...disk, kind }));
    return { ...vm, memoryMiB: 4, guest, disks };
  });
  const links = [...small.links!, { between: ["alpha", "beta"] as const, bandwidthMbps: 1_000 }];
  const document = { ...small, links, vms: vms as never, timeline: entries as never };
  return builderOf(document).build({ seed: 1, steer: nothingLasts });
}

function seldomFlushing(durationMs = 300) {
  const work = shortWork({ bootMs: 10, durationMs, thinkTimeUs: 3_000, readPercent: 40 });
  const [busy, rest] = work.phases;
  const block = busy.block.map((each) => ({ ...each, outstanding: 1, flushEvery: 40 }));
  return { ...work, phases: [{ ...busy, block }, rest] };
}

describe("a guest that mounts its volumes itself, on an array that forgets", () => {
  const everyEvent = (world: World, untilMs: number, every: number): CrashPoint[] => {
    const image = captureWorld(world);
    const from = world.eventCount;
    world.run({ untilNs: fromMs(untilMs) });
    const points: CrashPoint[] = [];
    for (let event = from; event < world.eventCount; event += every) {
      points.push({ event, at: "work" });
    }
    restoreWorld(world, image);
    return points;
  };

  it.each([
    ["works", []],
    ["grows", [{ ...OP, do: "grow-disk", disk: "data", toMiB: 12 }]],
  ] as const)("finds what it flushed, whenever the array was lost while it %s", (_, entries) => {
    const world = onDisksOf("network", seldomFlushing(), entries);
    world.run({ untilNs: fromMs(BEGIN_MS) - 1 });
    const points = everyEvent(world, BEGIN_MS + 40, 31);
    const found = new Set<string>();
    afterEach(world, captureWorld(world), points, ({ event }) => {
      world.hooks.onNotice = ({ kind, data }) => {
        if (kind === "sometimes") found.add(data["name"] as string);
      };
      crash(world, "array");
      world.run({ untilNs: world.timeNs + fromMs(20) });
      world.restart(world.registry.domainNamed("array")!);
      // Once more, while it is being told what it forgot.
      world.run({ untilEvent: world.eventCount + (event % 40) });
      crash(world, "array");
      world.run({ untilNs: world.timeNs + fromMs(1) });
      world.restart(world.registry.domainNamed("array")!);
      world.run({ untilNs: fromMs(BEGIN_MS) + fromMs(400 + (event % 7) * 1_000) });
      lose(world, ["array", "alpha"]);
      expectRunning(world, "db", `array lost at ${event}`);
    });
    expect(found).toContain("writes are sent again to an array that forgot them");
  });
});

describe("a guest that moves, on an array that forgets", () => {
  const KINDS: readonly DiskKind[] = ["redo", "flat", "network"];

  it.each(KINDS)("finds on %s disks what it was answered, whenever the array was lost", (kind) => {
    const move: Entry = { ...OP, do: "migrate", to: "beta" };
    const world = onDisksOf(kind, seldomFlushing(1_200), [move]);
    world.run({ untilNs: fromMs(BEGIN_MS) - 1 });
    const image = captureWorld(world);
    let [first, last, moved] = [0, 0, 0];
    world.hooks.onNotice = ({ kind: what, data, event }) => {
      if (what === "lifecycle" && data["event"] === "stunned") first = event - 12;
      if (what === "operation-end" && data["id"] === "op") last = event + 12;
    };
    world.run({ untilNs: fromMs(1_200) });
    expect(last - first).toBeGreaterThan(30);
    for (let event = first; event < last; event += 5) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      crash(world, "array");
      world.run({ untilNs: world.timeNs + fromMs(1) });
      world.restart(world.registry.domainNamed("array")!);
      world.run({ untilNs: world.timeNs + fromMs(4_000) });
      const { host } = vmRecordOf(world, "db").durable;
      if (host === "beta") moved++;
      lose(world, ["array", host]);
      expectRunning(world, "db", `array lost ${event - first} events from the stop`);
    }
    expect(moved).toBeGreaterThan(5);
  });
});
