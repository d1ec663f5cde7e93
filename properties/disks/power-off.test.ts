/**
 * A VM that is powered off at any event of an operation that stuns it. After each: the operation
 * ends within the time that it waits for an answer, the next power-on settles what it made durable,
 * no layer, descriptor or intent is left over, and a snapshot after that is untouched by what the
 * operation that was cut short still does.
 */
import { describe, expect, it } from "vitest";
import { powerOff } from "../../core/disks/index.ts";
import {
  captureWorld,
  fromMs,
  restoreWorld,
  startOperation,
  type World,
} from "../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  CRASHES_MS,
  expectRunning,
  intentsOf,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];

const isExhaustive = process.env["ORRERY_EXHAUSTIVE"] !== undefined;

const BEGIN_NS = fromMs(60);

/** The small datacenter's, with disks that are copied within some milliseconds. */
function smallVms(work: {
  readonly durationMs: number;
  readonly thinkTimeUs: number;
}): NonNullable<ScenarioDocument["vms"]> {
  return smallDatacenter().vms!.map((vm) => ({
    ...vm,
    guest: shortWork({ bootMs: 5, readPercent: 20, ...work }),
    disks: vm.disks!.map((disk) => ({ ...disk, sizeMiB: 8 })),
  }));
}

function worldOf(entry: Entry): World {
  return builderOf({
    ...smallDatacenter(),
    vms: smallVms({ durationMs: 90, thinkTimeUs: 1_700 }),
    timeline: [
      { id: "before", atMs: 30, do: "snapshot", vm: "db" },
      entry,
      { id: "on", atMs: 400, do: "power-on", vm: "db" },
      { id: "after", after: "on.complete", delayMs: 20, do: "snapshot", vm: "db" },
    ],
  }).build({ seed: 1 });
}

/** First and last event of an operation that nobody disturbs. */
function eventsOf(world: World, id: string): readonly [number, number] {
  const image = captureWorld(world);
  const events: number[] = [];
  world.hooks.onNotice = ({ kind, data, event }) => {
    if (kind.startsWith("operation") && data["id"] === id) events.push(event);
  };
  world.run({ untilNs: fromMs(399) });
  world.hooks = {};
  restoreWorld(world, image);
  expect(events).toHaveLength(2);
  return [events[0]!, events[1]!];
}

function pullThePlug(world: World): void {
  const instance = vmOf(vmRecordOf(world, "db"))!;
  const host = world.named("alpha");
  startOperation(world, powerOff, host, "plug", { vm: "db", instance: instance.id });
}

/** Outcomes of the operation, with the VM powered off after every so many of its events. */
function outcomes(entry: Entry, every: number): Set<string> {
  const world = worldOf(entry);
  world.run({ untilNs: BEGIN_NS - 1 });
  const [first, last] = eventsOf(world, entry.id!);
  const image = captureWorld(world);
  const seen = new Set<string>();
  for (let event = first; event <= last; event += isExhaustive ? 1 : every) {
    restoreWorld(world, image);
    const ended: { [id: string]: string } = {};
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end") ended[String(data["id"])] = String(data["outcome"]);
    };
    world.run({ untilEvent: event });
    pullThePlug(world);
    const where = `powered off after event ${event}`;
    world.run({ untilNs: fromMs(1_500) });
    // What still waits for an answer does so for a minute at most, in which the VM has gone on.
    if (ended[entry.id!] === undefined) world.run({ untilNs: fromMs(61_000) });
    world.hooks = {};
    expect(ended, where).toMatchObject({ plug: "complete", on: "complete", after: "complete" });
    expect(ended[entry.id!], where).toBeDefined();
    seen.add(ended[entry.id!]!);
    expectRunning(world, "db", where);
    expect(intentsOf(world), where).toEqual([]);
    expect(violations(world), where).toEqual([]);
    const { files } = world.named("array").durable as unknown as {
      files: { [key: string]: { value: { pointsInTime: unknown[] } } };
    };
    const points = files["file:db.vmx"]!.value.pointsInTime.length;
    expect(volumesOf(world), where).toHaveLength(2 * (points + 1));
  }
  return seen;
}

/** Of a backup whose repository takes so long over some writes that the VM is off and on meanwhile. */
function backupCutAt(atMs: number, seed: number): World {
  const small = smallDatacenter();
  const [array] = small.arrays!;
  const world = builderOf({
    ...small,
    arrays: [array!, { ...array!, id: "vault", writeLatencyUs: { median: 4_000, p99: 400_000 } }],
    links: [...small.links!, { between: ["alpha", "vault"] }],
    vms: smallVms({ durationMs: 40, thinkTimeUs: 4_000 }),
    timeline: [
      { id: "cut", atMs: 60, do: "backup", vm: "db", to: "vault", copyKiB: 4_096 },
      { id: "off", atMs, do: "power-off", vm: "db" },
      { id: "on", after: "off.complete", delayMs: 0.2, do: "power-on", vm: "db" },
    ],
  }).build({ seed });
  world.run({ untilNs: fromMs(4_000) });
  world.finish();
  return world;
}

/**
 * Of a backup that undoes itself at its host while the VM is at another one, which settles it and is
 * lost at a step of that. Steps of the settling are told to `onStep`.
 */
function backupSettledTwice(
  delayMs: number,
  lostAtStep: number | undefined,
  onStep?: (step: number) => void,
): World {
  const lost = { kind: "crash", domain: "beta", atStep: lostAtStep! } as const;
  const world = builderOf({
    ...smallDatacenter(),
    vms: smallVms({ durationMs: 40, thinkTimeUs: 4_000 }),
    timeline: [
      { id: "other", atMs: 60, do: "snapshot", vm: "db" },
      { id: "cut", after: "other.flush", do: "backup", vm: "db", to: "array" },
      // As long as its intent is there the point is not given up.
      { id: "more", after: "cut.drop", do: "snapshot", vm: "db" },
      { id: "there", after: "cut.giveUpPoint", delayMs, do: "restart", vm: "db", host: "beta" },
      { id: "back", atMs: 2_500, do: "restart", vm: "db", host: "alpha" },
    ],
    faults: lostAtStep === undefined ? [] : [lost],
  }).build({ seed: 1 });
  let isSettling = false;
  world.hooks.onNotice = ({ kind, data }) => {
    const { id, step } = data as { readonly id?: string; readonly step?: number };
    if (id === "cut.finish" && kind !== "phase") isSettling = kind === "operation";
    if (kind === "durable" && isSettling) onStep?.(step!);
  };
  world.run({ untilNs: fromMs(6_000) });
  world.finish();
  return world;
}

/** From when a backup begins to give its point up until its VM is started at another host. */
const DELAYS_MS = [1, 3, 4.4, 5, 5.4, 8];

type Configuration = { readonly pointsInTime: readonly { readonly id: string }[] };

/** Points in time that the VM has. */
function pointsOf(world: World): readonly string[] {
  const { files } = world.named("array").durable as unknown as {
    readonly files: { readonly [key: string]: { readonly value: Configuration } };
  };
  return files["file:db.vmx"]!.value.pointsInTime.map(({ id }) => id);
}

describe("a VM that is powered off", () => {
  it(
    "at any event of a snapshot has it, or never had it",
    () => {
      const entry = { id: "cut", atMs: 60, do: "snapshot", vm: "db" } as const;
      expect([...outcomes(entry, 13)]).toContain("vm-off");
    },
    CRASHES_MS,
  );

  it(
    "at any event of a consolidation loses nothing",
    () => {
      const entry = { id: "cut", atMs: 60, do: "consolidate", vm: "db", point: "before" } as const;
      expect(outcomes(entry, 61).size).toBeGreaterThan(0);
    },
    CRASHES_MS,
  );

  it("while its backup waits for a slow repository leaves nothing there, or a backup", () => {
    const left = new Set<number>();
    const cases = isExhaustive ? 2_000 : 72;
    for (let seed = 1; seed <= cases; seed++) {
      const atMs = 60 + 1.1 ** (seed % 70);
      const world = backupCutAt(atMs, seed);
      const where = `powered off at ${atMs} ms, seed ${seed}`;
      expectRunning(world, "db", where);
      expect(intentsOf(world), where).toEqual([]);
      expect(violations(world), where).toEqual([]);
      const { files, volumes } = world.named("vault").durable as unknown as {
        readonly files: { readonly [key: string]: { readonly value?: { complete: boolean } } };
        readonly volumes: object;
      };
      const there = Object.values(files).filter(({ value }) => value !== undefined);
      expect(
        there.every(({ value }) => value!.complete),
        where,
      ).toBe(true);
      expect(Object.keys(volumes), where).toHaveLength(2 * there.length);
      left.add(there.length);
    }
    expect([...left].sort((a, b) => a - b)).toEqual([0, 1]);
  });

  it("while its backup undoes itself, and on at a host that is lost as it settles that", () => {
    for (const delayMs of DELAYS_MS) {
      const steps: number[] = [];
      backupSettledTwice(delayMs, undefined, (step) => steps.push(step));
      expect(steps.length, `${delayMs} ms`).toBeGreaterThan(1);
      for (const step of steps) {
        const world = backupSettledTwice(delayMs, step);
        const where = `started after ${delayMs} ms, the other host is lost at step ${step}`;
        expect(pointsOf(world), where).not.toContain("cut");
        expectRunning(world, "db", where);
        expect(intentsOf(world), where).toEqual([]);
        expect(violations(world), where).toEqual([]);
      }
    }
  });
});
