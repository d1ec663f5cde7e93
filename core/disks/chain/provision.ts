/**
 * The disks of a VM as they are before it is first powered on: base volumes, their descriptors, and
 * the configuration. Part of building a world.
 */
import type { SectorContent } from "../../kernel/index.ts";
import { type ArrayEntity, addVolume, addVvol, loadVolume, putFile } from "../../platform/index.ts";
import { descriptorHolder } from "../cow/cow-intents.ts";
import {
  configurationFile,
  descriptorFile,
  descriptorFileOf,
  type DiskDescriptor,
  type PointInTime,
  redoOn,
  type VmConfiguration,
  volumeOf,
} from "./descriptor.ts";

export type NewDisk = {
  readonly disk: string;
  readonly sectors: number;
  readonly grainSectors: number;
  /** `cow`: a copy-on-write volume of an array that has them. Default: a flat volume. */
  readonly kind?: "flat" | "cow";
  /** What it holds, base first: a base and the redo logs on it. Absent: nothing is written. */
  readonly layers?: readonly ProvisionedLayer[];
};

export type ProvisionedLayer = {
  /** What the layer itself holds; not larger than the disk. */
  readonly content: SectorContent;
  /** The disk up to here is kept as this point in time. */
  readonly pointInTime: string | null;
};

export function provisionDisks(array: ArrayEntity, vm: string, disks: readonly NewDisk[]): void {
  const running: { [disk: string]: string } = {};
  const points = new Map<string, { [disk: string]: string }>();
  let layersMade = 0;
  disks.forEach((each, i) => {
    const { disk, layers = [] } = each;
    let descriptor = baseOf(vm, each, i);
    running[disk] = putLayer(array, vm, disk, 0, descriptor, layers[0]);
    layers.forEach((layer, index) => {
      if (index > 0) {
        const name = descriptorFile(vm, disk, index);
        descriptor = redoOn(name, running[disk]!, descriptor);
        running[disk] = putLayer(array, vm, disk, index, descriptor, layer);
        layersMade = Math.max(layersMade, index);
      }
      if (layer.pointInTime === null) return;
      const point = points.get(layer.pointInTime) ?? {};
      points.set(layer.pointInTime, { ...point, [disk]: running[disk]! });
    });
  });
  const pointsInTime: PointInTime[] = [...points].map(([id, of]) => ({ id, disks: of }));
  const configuration: VmConfiguration = { vm, running, pointsInTime, layersMade };
  putFile(array, configurationFile(vm), configuration);
}

function baseOf(vm: string, disk: NewDisk, i: number): DiskDescriptor {
  const { disk: id, sectors, grainSectors, kind = "flat" } = disk;
  const volume = volumeOf(descriptorFile(vm, id, 0));
  const cid = (i + 1) * 1_000_000;
  return { cid, parentCid: 0, parent: null, volume, kind, sectors, grainSectors };
}

/** Makes one layer's volume and descriptor; the descriptor's name. */
function putLayer(
  array: ArrayEntity,
  vm: string,
  disk: string,
  index: number,
  descriptor: DiskDescriptor,
  layer: ProvisionedLayer | undefined,
): string {
  const name = descriptorFile(vm, disk, index);
  const { volume, sectors, kind } = descriptor;
  if (kind === "cow") addVvol(array, volume, sectors, [descriptorHolder(name)]);
  else addVolume(array, volume, sectors);
  if (layer !== undefined) loadVolume(array, descriptor.volume, layer.content);
  putFile(array, name, descriptorFileOf(descriptor));
  return name;
}
