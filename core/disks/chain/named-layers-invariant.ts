/**
 * A VM's configuration and what there is fit together. Each chain that it names is whole in every
 * moment, not only once all is over: whoever opens the disk then finds it. And whenever no operation
 * is at work, a VM that runs runs on the layers that its configuration names: what it writes to any
 * other is lost at its next power-on, or lands in a point in time.
 */
import {
  always,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  type World,
} from "../../kernel/index.ts";
import { type ArrayEntity, arraysOf, type DiskOwnership } from "../../platform/index.ts";
import { vmOf, vmRecordOf } from "../../vmm/index.ts";
import { chainOn } from "./chain-view.ts";
import { configurationFile, namedDisks, type VmConfiguration } from "./descriptor.ts";
import { anyIntent, fileTableOf } from "./file-table.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

const NAMES_OTHERS = /^file .*\.vmx$/;
const TAKES_AWAY = /^delete (volume|file .*\.vmdk$)/;

function onDurable(entity: Entity, data: PlainObject, world: World): Finding | undefined {
  if (entity.kind !== "array") return undefined;
  const label = data["label"] as string;
  const isNamed = NAMES_OTHERS.test(label);
  if (!isNamed && !TAKES_AWAY.test(label)) return undefined;
  const array = entity as unknown as ArrayEntity;
  const gone = layerGone(array);
  return gone ?? (isNamed ? onOtherLayers(world) : undefined);
}

function layerGone(array: ArrayEntity): Finding | undefined {
  for (const [file, configuration] of fileTableOf(array).configurations) {
    if (configuration === undefined) continue;
    for (const disks of namedDisks(configuration)) {
      for (const disk in disks) {
        const descriptor = disks[disk]!;
        if (chainOn(array, descriptor) !== undefined) continue;
        const message = `${file} names ${descriptor}, whose chain is not whole`;
        return { message, fields: { disk, descriptor } };
      }
    }
  }
  return undefined;
}

/** Of VMs that run, once nobody works on anything. */
function onOtherLayers(world: World): Finding | undefined {
  if (world.activeOperations > 0 || anyIntent(world)) return undefined;
  for (const array of arraysOf(world)) {
    for (const configuration of fileTableOf(array).configurations.values()) {
      if (configuration === undefined || !hasRecord(world, configuration.vm)) continue;
      const finding = runsElsewhere(world, array, configuration);
      if (finding !== undefined) return finding;
    }
  }
  return undefined;
}

/** Not so where disks are looked at without a machine. */
const hasRecord = (world: World, vm: string): boolean =>
  world.registry.idOf(vm) !== undefined && world.named(vm).kind === "vm-record";

const epochOf = ({ durable }: ArrayEntity, file: string): number =>
  (durable.files[`file:${file}`]?.value as DiskOwnership | undefined)?.epoch ?? 0;

/** One that its host has lost, and may not know, is nobody's. */
function runsElsewhere(
  world: World,
  array: ArrayEntity,
  { vm, running }: VmConfiguration,
): Finding | undefined {
  for (const id of vmOf(vmRecordOf(world, vm))?.volatile.disks ?? []) {
    const open = world.entityOrNone(id) as VirtualDiskEntity | undefined;
    const descriptor = running[open?.config.disk ?? ""];
    if (open?.kind !== "virtual-disk" || descriptor === undefined) continue;
    const named = chainOn(array, descriptor)?.map(({ name }) => name);
    const used = open.volatile.layers.map((layer) => layer.descriptor);
    if (named === undefined || named.join() === used.join()) continue;
    const { disk, stamp } = open.config;
    if (stamp !== undefined && epochOf(array, stamp.file) > stamp.epoch) continue;
    return {
      message: `disk ${disk} of ${vm} runs on ${used.at(-1)}, ${configurationFile(vm)} names ${descriptor}`,
      fields: { vm, disk, used, named },
    };
  }
  return undefined;
}

export const namedLayersInvariant: Invariant = always(
  "a VM runs on the layers that its configuration names, and they are there",
  {
    mechanism: "disks",
    observes: {
      durable: onDurable,
      "operation-end": (_entity, _data, world) => onOtherLayers(world),
    },
  },
);
