/** Flat disks on media of the host itself: how they are opened, and where they are by the record. */
import type { Entity, EntityId } from "../../kernel/index.ts";
import { noteDiskPlace, type VmEntity, type VmRecord } from "../../vmm/index.ts";
import { opened, pushLayer } from "../chain/change-layers.ts";
import { cachedDevice, type VolumeAccess } from "../chain/open-device.ts";
import { virtualDisk } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";

/** A whole device of the host, given to the VM; `cache` null goes round the page cache. */
export type LocalDisk = {
  readonly disk: string;
  readonly device: EntityId;
  readonly sectors: number;
  readonly cache: Pick<VolumeAccess, "cacheMode" | "pool" | "writebackNs">;
  /** It has come here with the run, which it follows in the event in which that gets its disks. */
  readonly moved?: true;
};

/** Where its disks are changes hands with the run: not when another run has begun meanwhile. */
export function notePlaces(run: VmEntity, local: readonly LocalDisk[]): void {
  const { world } = run;
  const record = world.entity(run.config.record) as unknown as VmRecord;
  if (record.durable.instance !== run.id) return;
  for (const { disk, device, moved } of local) {
    if (moved === true) noteDiskPlace(record, disk, world.entity(device).name);
  }
}

export function openLocal(run: Entity, vm: string, local: LocalDisk): VirtualDiskEntity {
  const { disk: id, device, sectors, cache } = local;
  const config = { vm, disk: id, sectors, grainSectors: 1 };
  const disk = run.spawn(virtualDisk, config, id);
  const top = cachedDevice(disk as unknown as Entity, device, cache, sectors);
  pushLayer(disk, { descriptor: "", volume: "", kind: "flat", device: top }, []);
  opened(disk);
  return disk;
}
