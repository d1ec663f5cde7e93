/** Scenarios in which the memory of one small VM is saved and brought back, and how they came out. */
import { fromMs, type PlainObject, type World } from "../../core/kernel/index.ts";
import type { ArrayEntity } from "../../core/platform/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { volumesOf } from "./crash-points.ts";
import { builderOf, smallDatacenter } from "./small-datacenter.ts";

export type Entries = NonNullable<ScenarioDocument["timeline"]>;
const MIB = 4;

/** A guest that writes and reads memory all the time, with few blocks of memory to save. */
export function documentOf(timeline: Entries, writesPerSecond = 40_000): ScenarioDocument {
  const small = smallDatacenter({ timeline });
  const block = { pacing: "closed", outstanding: 1, thinkTimeUs: 2_000, readPercent: 40 } as const;
  const memory = { workingSetMiB: 3, writesPerSecond, readsPerSecond: 20_000 };
  return {
    ...small,
    durationMs: 1_200,
    vms: small.vms!.map((vm) => ({
      ...vm,
      memoryMiB: MIB,
      guest: {
        kind: "workload",
        bootMs: 5,
        phases: [
          {
            name: "work",
            durationMs: 280,
            memory,
            block: [{ ...block, disk: "data", regionMiB: 1, flushEvery: 4 }],
          },
          { name: "rest", durationMs: 100_000 },
        ],
      },
      disks: vm.disks!.map((disk) => ({ ...disk, sizeMiB: 4 })),
    })) as never,
  };
}

export const SAVE = { id: "ck", atMs: 60, do: "checkpoint", vm: "db", on: "array" } as const;
export const SMALL = { blockKiB: 16, groupBlocks: 2, stagingBlocks: 6 } as const;
type Ended = { readonly outcome: string; readonly figures: { readonly [name: string]: number } };

/** `planted`: a bug in the operation `at`. */
export function run(document: ScenarioDocument, planted: PlainObject = {}, untilMs = 1_000) {
  const world = builderOf(document).build({ seed: 1 });
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

export const OFF = { id: "off", atMs: 200, do: "power-off", vm: "db" } as const;
export const restore = (method: "lazy" | "eager", readsAtOnce = 2) =>
  ({
    id: "back",
    atMs: 220,
    do: "restore-checkpoint",
    vm: "db",
    on: "array",
    method,
    readsAtOnce,
  }) as const;

/** Files of saved memory on the array, in the order in which they were made. */
export const memoryFiles = (world: World): string[] =>
  volumesOf(world).filter((name) => name.endsWith(".memory"));

type Saved = { readonly checkpoint: string; readonly volume: string } & PlainObject;
type Catalog = { readonly checkpoints: readonly Saved[]; readonly merging?: object };

/** What says which checkpoints of the VM count. */
export function catalogOf(world: World): Catalog {
  const { files } = (world.named("array") as unknown as ArrayEntity).durable;
  return files["file:db.checkpoints"]!.value as unknown as Catalog;
}
