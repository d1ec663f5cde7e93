/**
 * Operations that need a VM to be off, begun just before it is powered on, with any of their messages
 * late: either the power-on finds their intent and undoes them, or they are refused. What the guest
 * finds is what its disks held.
 */
import { describe, expect, it } from "vitest";
import { copyHierarchy, type VirtualDiskEntity } from "../../core/disks/index.ts";
import {
  captureWorld,
  fromMs,
  restoreWorld,
  startOperation,
  type Steer,
  type World,
} from "../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { isRunning, outcomesOf, violations } from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];

const OFF_MS = 79.5;
/** How late one is, and of how many each is once. */
const LATE_NS = 2_500_000;
const MESSAGES = 5;

function documentOf(kind: "redo" | "cow", entry: Entry | null): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const links = ["alpha", "beta"].flatMap((host) =>
    ["array", "vault"].map((to) => ({ between: [host, to] as const, jitterUs: 1 })),
  );
  return {
    ...small,
    arrays: [
      { ...small.arrays![0]!, kind: "cow", chunkKiB: 64 },
      { id: "vault", readLatencyUs: 100, writeLatencyUs: 100 },
    ],
    links,
    vms: [
      {
        ...db!,
        guest: shortWork({ bootMs: 4, durationMs: 30, thinkTimeUs: 1_500, readPercent: 40 }),
        disks: db!.disks!.map((disk) => ({ ...disk, sizeMiB: 2, kind, cacheMode: "none" })),
      },
    ],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "full", atMs: 25, do: "backup", vm: "db", to: "vault" },
      { id: "off", atMs: OFF_MS, do: "power-off", vm: "db" },
      ...(entry === null ? [] : [entry]),
      { id: "on", atMs: 80.05, do: "power-on", vm: "db" },
    ],
  };
}

/** Of the messages between host and array from the operation's begin on, number `late` is late. */
class Late {
  #seen = -1;
  #late = -1;

  readonly steer: Steer = ({ entity, purpose }) => {
    if (this.#seen < 0 || entity !== "alpha--array" || purpose !== "jitter") return undefined;
    return this.#seen++ === this.#late ? LATE_NS : undefined;
  };

  from(late: number): void {
    this.#seen = 0;
    this.#late = late;
  }
}

const BEGIN = { id: "op", atMs: 80 } as const;

const CASES: readonly (readonly ["redo" | "cow", Entry])[] = [
  ["redo", { ...BEGIN, do: "revert", vm: "db", point: "first" }],
  ["cow", { ...BEGIN, do: "revert", vm: "db", point: "first" }],
  ["redo", { ...BEGIN, do: "consolidate", vm: "db", point: "first" }],
  ["redo", { ...BEGIN, do: "restore", vm: "db", backup: "full", from: "vault" }],
  ["redo", { ...BEGIN, do: "migrate-disk-format", vm: "db", to: "cow" }],
  ["redo", { ...BEGIN, do: "clone", vm: "db", as: "copy", format: "redo" }],
];

/** The configuration names other disks than those that the run has open. */
function runsElsewhere(world: World): boolean {
  const { files } = world.named("array").durable as unknown as {
    readonly files: { readonly [key: string]: { readonly value?: unknown } };
  };
  const { running } = files["file:db.vmx"]!.value as { readonly running: object };
  return vmOf(vmRecordOf(world, "db"))!.volatile.disks.some((id) => {
    const { config, volatile } = world.entity(id) as unknown as VirtualDiskEntity;
    return (running as never)[config.disk] !== volatile.layers.at(-1)!.descriptor;
  });
}

interface Found {
  readonly outcomes: ReadonlySet<string>;
  readonly violations: readonly string[];
}

/** Each message of the operation and of the power-on late in turn. */
function tryAll(kind: "redo" | "cow", entry: Entry | null, begin?: (world: World) => void): Found {
  const late = new Late();
  const world = builderOf(documentOf(kind, entry)).build({ seed: 1, steer: late.steer });
  world.run({ untilNs: fromMs(80) - 1 });
  const image = captureWorld(world);
  const outcomes = new Set<string>();
  const found = new Set<string>();
  for (let number = 0; number < MESSAGES; number++) {
    restoreWorld(world, image);
    late.from(number);
    const ended = outcomesOf(world);
    begin?.(world);
    world.run({ untilNs: fromMs(1_500) });
    world.finish();
    world.hooks = {};
    outcomes.add(ended["op"] ?? "none");
    for (const each of violations(world)) found.add(each);
    if (!isRunning(world, "db")) found.add(`not on, message ${number}`);
    else if (runsElsewhere(world)) found.add("runs on what its configuration does not name");
  }
  return { outcomes, violations: [...found] };
}

describe("begun just before a power-on, with any message late", () => {
  it.each(CASES)("on %s disks, $do leaves the guest its disks", (kind, entry) => {
    const { outcomes, violations: found } = tryAll(kind, entry);
    expect(found).toEqual([]);
    expect(outcomes.size).toBeGreaterThan(1);
  });

  it("a copy that is not held against the disks' epochs takes them from under it (canary)", () => {
    const { violations: found } = tryAll("redo", null, (world) => {
      const params = { vm: "db", array: world.named("array").id, target: "db" };
      const how = { format: "cow", upTo: null } as const;
      startOperation(world, copyHierarchy, world.named("alpha"), "op", { ...params, ...how });
    });
    expect(found).not.toEqual([]);
  });
});
