/**
 * What must hold of virtual disks: a point in time never changes once it is one, and the files and
 * volumes of a VM fit together whenever no operation is at work on them.
 */
import { always, type Finding, type Invariant, sometimes } from "../../kernel/index.ts";
import { type ArrayEntity, arraysOf, vvolsOf } from "../../platform/index.ts";
import { backupInvariants } from "../backup/invariants.ts";
import type { Manifest } from "../backup/manifest.ts";
import { consolidationInvariants } from "../consolidation/invariants.ts";
import { cowInvariants } from "../cow/invariants.ts";
import { atomicInvariant } from "./atomic-invariant.ts";
import { chainOn } from "./chain-view.ts";
import { closedIntentInvariant } from "./closed-intent-invariant.ts";
import { namedDisks, type VmConfiguration } from "./descriptor.ts";
import { anyIntent, fileTableOf } from "./file-table.ts";
import { namedLayersInvariant } from "./named-layers-invariant.ts";
import { pointInTimeInvariant } from "./point-in-time-invariant.ts";
import { viewInvariant } from "./view-invariant.ts";

export const diskInvariants: readonly Invariant[] = [
  pointInTimeInvariant,
  viewInvariant,
  atomicInvariant,
  namedLayersInvariant,
  closedIntentInvariant,
  ...consolidationInvariants,
  ...backupInvariants,
  ...cowInvariants,
  always("every volume belongs to a chain, every chain is whole", {
    mechanism: "disks",
    observes: {
      "operation-end": (_entity, _data, world) => {
        if (world.activeOperations > 0 || anyIntent(world)) return undefined;
        for (const array of arraysOf(world)) {
          const finding = brokenChain(array);
          if (finding) return finding;
        }
        return undefined;
      },
    },
  }),
  sometimes("a write waits for a grain that is being copied", { mechanism: "disks" }),
];

/** A base that runs no more, and that snapshots still read from: of older points, or of clones. */
function isReadFrom(array: ArrayEntity, volume: string): boolean {
  const base = vvolsOf(array)?.durable.bases[volume];
  return base !== undefined && base.holders.length === 0 && base.snapshots.length > 0;
}

type CheckpointVolumes = {
  readonly checkpoints: readonly { readonly volume: string }[];
  /** What several of them are becoming. */
  readonly merging?: { readonly volume: string };
};

function brokenChain(array: ArrayEntity): Finding | undefined {
  const { files, volumes } = array.durable;
  const { configurations, descriptors } = fileTableOf(array);
  const used = new Set<string>();
  for (const configuration of configurations.values()) {
    if (configuration === undefined) continue;
    for (const disks of namedDisks(configuration)) {
      const broken = chainNotWhole(array, disks, used);
      if (broken !== undefined) return { message: `the chain of ${broken} is not whole` };
    }
  }
  for (const key in files) {
    const { value } = files[key]!;
    if (value === undefined) continue;
    if (key.endsWith(".backup")) {
      const { backup, complete, disks } = value as unknown as Manifest;
      if (!complete) return { message: `backup ${backup} is neither complete nor dropped` };
      for (const { volume } of Object.values(disks)) used.add(volume);
    } else if (key.endsWith(".checkpoints")) {
      // Checkpoints of memory (core/checkpoints) keep their files beside the disks.
      const { checkpoints, merging } = value as unknown as CheckpointVolumes;
      for (const { volume } of checkpoints) used.add(volume);
      if (merging !== undefined) used.add(merging.volume);
    }
  }
  for (const [name, descriptor] of descriptors) {
    if (descriptor === undefined && files[`file:${name}`]?.value === undefined) continue;
    if (!used.has(descriptor?.volume ?? "")) {
      return { message: `descriptor ${name} belongs to no chain` };
    }
  }
  for (const label in volumes) {
    const volume = label.slice("volume:".length);
    if (used.has(volume) || isReadFrom(array, volume)) continue;
    return { message: `volume ${volume} belongs to no chain` };
  }
  return undefined;
}

/** Name of a descriptor whose chain is not whole; volumes of those that are go to `used`. */
function chainNotWhole(
  array: ArrayEntity,
  disks: VmConfiguration["running"],
  used: Set<string>,
): string | undefined {
  for (const disk in disks) {
    const layers = chainOn(array, disks[disk]!);
    if (layers === undefined) return disks[disk];
    for (const { descriptor } of layers) used.add(descriptor.volume);
  }
  return undefined;
}
