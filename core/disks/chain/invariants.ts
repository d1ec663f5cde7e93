/**
 * What must hold of virtual disks: a point in time never changes once it is one, and the files and
 * volumes of a VM fit together whenever no operation is at work on them.
 */
import { always, type Finding, type Invariant, sometimes, type World } from "../../kernel/index.ts";
import { type ArrayEntity, vvolsOf } from "../../platform/index.ts";
import { backupInvariants } from "../backup/invariants.ts";
import type { Manifest } from "../backup/manifest.ts";
import { consolidationInvariants } from "../consolidation/invariants.ts";
import { cowInvariants } from "../cow/invariants.ts";
import { atomicInvariant } from "./atomic-invariant.ts";
import { chainView } from "./chain-view.ts";
import { soundDescriptor, type VmConfiguration } from "./descriptor.ts";
import { fileTableOf } from "./file-table.ts";
import { pointInTimeInvariant } from "./point-in-time-invariant.ts";
import { viewInvariant } from "./view-invariant.ts";

export const diskInvariants: readonly Invariant[] = [
  pointInTimeInvariant,
  viewInvariant,
  atomicInvariant,
  ...consolidationInvariants,
  ...backupInvariants,
  ...cowInvariants,
  always("every volume belongs to a chain, every chain is whole", {
    mechanism: "disks",
    observes: {
      "operation-end": (_entity, _data, world) => {
        if (world.activeOperations > 0 || anyIntent(world)) return undefined;
        for (const entity of world.entities()) {
          if (entity.kind !== "array") continue;
          const finding = brokenChain(entity as unknown as ArrayEntity, world);
          if (finding) return finding;
        }
        return undefined;
      },
    },
  }),
  sometimes("a write waits for a grain that is being copied", { mechanism: "disks" }),
];

/** An operation that a crash cut short is settled when its VM is next powered on. */
function anyIntent(world: World): boolean {
  for (const entity of world.entities()) {
    if (entity.kind !== "array") continue;
    for (const intent of fileTableOf(entity as unknown as ArrayEntity).intents.values()) {
      if (intent !== undefined) return true;
    }
  }
  return false;
}

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

function brokenChain(array: ArrayEntity, world: World): Finding | undefined {
  const files = Object.entries(array.durable.files).filter(([, file]) => file.value !== undefined);
  const used = new Set<string>();
  for (const [key, { value }] of files) {
    if (!key.endsWith(".vmx")) continue;
    const { running, pointsInTime } = value as unknown as VmConfiguration;
    for (const descriptors of [running, ...pointsInTime.map((point) => point.disks)]) {
      for (const name of Object.values(descriptors)) {
        const layers = chainView(world, array.name, name);
        if (layers === undefined) return { message: `the chain of ${name} is not whole` };
        for (const layer of layers) used.add(layer.descriptor.volume);
      }
    }
  }
  for (const [key, { value }] of files) {
    if (!key.endsWith(".backup")) continue;
    const { backup, complete, disks } = value as unknown as Manifest;
    if (!complete) return { message: `backup ${backup} is neither complete nor dropped` };
    for (const { volume } of Object.values(disks)) used.add(volume);
  }
  // Checkpoints of memory (core/checkpoints) keep their files beside the disks.
  for (const [key, { value }] of files) {
    if (!key.endsWith(".checkpoints")) continue;
    const { checkpoints, merging } = value as unknown as CheckpointVolumes;
    for (const { volume } of checkpoints) used.add(volume);
    if (merging !== undefined) used.add(merging.volume);
  }
  const descriptors = files.filter(([key]) => key.endsWith(".vmdk"));
  const lost = descriptors.find(
    ([, { value }]) => !used.has(soundDescriptor(value as never)?.volume ?? ""),
  );
  if (lost) return { message: `descriptor ${lost[0].slice("file:".length)} belongs to no chain` };
  for (const label of Object.keys(array.durable.volumes)) {
    const volume = label.slice("volume:".length);
    if (isReadFrom(array, volume)) continue;
    if (!used.has(volume)) return { message: `volume ${volume} belongs to no chain` };
  }
  return undefined;
}
