/**
 * The disks of a VM as they are before it is first powered on: base volumes, their descriptors, and
 * the configuration. Part of building a world.
 */
import { type ArrayEntity, addVolume, putFile } from "../../platform/index.ts";
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
};

export function provisionDisks(array: ArrayEntity, vm: string, disks: readonly NewDisk[]): void {
  const running: { [disk: string]: string } = {};
  disks.forEach(({ disk, sectors, grainSectors }, i) => {
    const name = descriptorFile(vm, disk, 0);
    const descriptor: DiskDescriptor = {
      cid: (i + 1) * 1_000_000,
      parentCid: 0,
      parent: null,
      volume: volumeOf(name),
      kind: "flat",
      sectors,
      grainSectors,
    };
    addVolume(array, descriptor.volume, sectors);
    putFile(array, name, descriptorFileOf(descriptor));
    running[disk] = name;
  });
  const configuration: VmConfiguration = { vm, running, pointsInTime: [], layersMade: 0 };
  putFile(array, configurationFile(vm), configuration);
}
