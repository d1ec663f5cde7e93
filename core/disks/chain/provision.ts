/**
 * The disks of a VM as they are before it is first powered on: base volumes, their descriptors, and
 * the configuration. Part of building a world.
 */
import { type ArrayEntity, addVolume, addVvol, putFile } from "../../platform/index.ts";
import { descriptorHolder } from "../cow/cow-intents.ts";
import {
  configurationFile,
  descriptorFile,
  descriptorFileOf,
  type DiskDescriptor,
  type VmConfiguration,
  volumeOf,
} from "./descriptor.ts";

export type NewDisk = {
  readonly disk: string;
  readonly sectors: number;
  readonly grainSectors: number;
  /** `cow`: a copy-on-write volume of an array that has them. Default: a flat volume. */
  readonly kind?: "flat" | "cow";
};

export function provisionDisks(array: ArrayEntity, vm: string, disks: readonly NewDisk[]): void {
  const running: { [disk: string]: string } = {};
  disks.forEach(({ disk, sectors, grainSectors, kind = "flat" }, i) => {
    const name = descriptorFile(vm, disk, 0);
    const descriptor: DiskDescriptor = {
      cid: (i + 1) * 1_000_000,
      parentCid: 0,
      parent: null,
      volume: volumeOf(name),
      kind,
      sectors,
      grainSectors,
    };
    if (kind === "flat") addVolume(array, descriptor.volume, sectors);
    else addVvol(array, descriptor.volume, sectors, [descriptorHolder(name)]);
    putFile(array, name, descriptorFileOf(descriptor));
    running[disk] = name;
  });
  const configuration: VmConfiguration = { vm, running, pointsInTime: [], layersMade: 0 };
  putFile(array, configurationFile(vm), configuration);
}
