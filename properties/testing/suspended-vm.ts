/**
 * A VM that uses memory all the time, is suspended and goes on: for suites of what happens in between.
 * What must hold is checked by the invariants of core/checkpoints.
 */
import { expect } from "vitest";
import { fromMs, type PlainObject, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { filesOf, violations } from "./crash-points.ts";
import { builderOf, smallDatacenter } from "./small-datacenter.ts";

export type Timeline = NonNullable<ScenarioDocument["timeline"]>;
export type Memory = {
  readonly workingSetMiB: number;
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
  readonly distribution?: "uniform" | "zipf" | "sequential";
  readonly fragmentationPercent?: number;
};

/** Few blocks of memory, so that every step of theirs is a step of the suite. */
export const SMALL_BLOCKS = { blockKiB: 16, groupBlocks: 2, stagingBlocks: 6 } as const;

export function suspendedVm(timeline: Timeline, memory: Memory, memoryMiB = 4): ScenarioDocument {
  const small = smallDatacenter({ timeline });
  const block = { pacing: "closed", outstanding: 1, thinkTimeUs: 2_000, readPercent: 40 } as const;
  const stream = { ...block, disk: "data", regionMiB: 1, flushEvery: 4 };
  return {
    ...small,
    durationMs: 6_000,
    vms: small.vms!.map((vm) => ({
      ...vm,
      memoryMiB,
      guest: {
        kind: "workload",
        bootMs: 5,
        phases: [
          { name: "work", durationMs: 600, memory, block: [stream] },
          { name: "rest", durationMs: 100_000 },
        ],
      },
      disks: vm.disks!.map((disk) => ({ ...disk, sizeMiB: 4 })),
    })) as never,
  };
}

export type Ended = {
  readonly outcome: string;
  readonly figures: { readonly [name: string]: number };
};

/** Runs it; `planted` is a bug for the operation `at`. */
export function runSuspended(
  document: ScenarioDocument,
  { planted = {}, untilMs = 1_000, seed = 1 }: RunOptions = {},
) {
  const world = builderOf(document).build({ seed });
  const ended: { [id: string]: Ended } = {};
  world.hooks.onNotice = ({ kind, data, entity }) => {
    const id = data["id"] as string;
    if (kind === "operation" && planted["at"] === id) {
      const { params } = world.named(entity).config as { params: object };
      Object.assign(params, { careless: planted["careless"] });
    }
    if (kind === "operation-end") ended[id] = data as never;
  };
  world.run({ untilNs: fromMs(untilMs) });
  world.finish();
  return { world, ended };
}

export type RunOptions = {
  readonly planted?: PlainObject;
  readonly untilMs?: number;
  readonly seed?: number;
};

/** What must be true whatever was lost: nothing was violated, and the VM runs or can be resumed. */
export function expectRunningOrKept(world: World, where: string): void {
  expect(violations(world), where).toEqual([]);
  const isOn = world.named("db").durable["power"] === "on";
  expect(isOn || filesOf(world).includes("db.checkpoints"), where).toBe(true);
}
