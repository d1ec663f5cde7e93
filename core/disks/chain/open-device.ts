/**
 * The way from a virtual disk to a volume: an initiator with the paths to the array, and on it a
 * page cache unless the disk goes round it.
 */
import type { Entity, EntityId, World } from "../../kernel/index.ts";
import {
  closePageCache,
  type OwnerStamp,
  type PageCacheEntity,
  type PagePoolEntity,
  spawnInitiator,
  spawnPageCache,
} from "../../platform/index.ts";

export type VolumeAccess = {
  readonly array: EntityId;
  /** Carriers to the array, the preferred one first. */
  readonly paths: readonly EntityId[];
  readonly cacheMode: "none" | "writethrough" | "writeback";
  /** The host's memory for cached pages. */
  readonly pool: EntityId;
  readonly writebackNs: number;
};

/**
 * Opens a volume for `disk`; the block device that leads to it. Requests bear the right to the disk
 * under which it was opened, so that they are refused once somebody else has it; what is no part of
 * the disk (`isOwned` false) is open to all.
 */
export function openDevice(
  disk: Entity,
  access: VolumeAccess,
  volume: string,
  sectors: number,
  isOwned = true,
): EntityId {
  const { array, paths } = access;
  const { stamp: own = null } = disk.config as { readonly stamp?: OwnerStamp };
  const stamp = isOwned ? own : null;
  const initiator = spawnInitiator(disk.world, disk, { array, volume, paths, stamp });
  return cachedDevice(disk, initiator.id, access, sectors);
}

/** `lower` itself, or a page cache on it. */
export function cachedDevice(
  disk: Entity,
  lower: EntityId,
  cache: Pick<VolumeAccess, "cacheMode" | "pool" | "writebackNs">,
  sectors: number,
): EntityId {
  const { cacheMode: mode, writebackNs } = cache;
  if (mode === "none") return lower;
  const pool = disk.world.entity(cache.pool) as unknown as PagePoolEntity;
  return spawnPageCache(disk.world, disk, { lower, mode, pool, sectors, writebackNs }).id;
}

/** Closes what `openDevice` opened: what is on its way, and what memory holds of it, is dropped. */
export function closeDevice(world: World, device: EntityId): void {
  const entity = world.entity(device);
  if (entity.kind === "page-cache") {
    const cache = entity as unknown as PageCacheEntity;
    const { lower } = cache.config;
    closePageCache(cache);
    return closeDevice(world, lower);
  }
  if (entity.kind === "initiator" || entity.kind === "network-volume") world.remove(entity);
}
