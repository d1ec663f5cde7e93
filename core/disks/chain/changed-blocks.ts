/**
 * Which blocks changed since a point in time: by sector as long as the disk stays open, by region
 * after that, from what was made durable ahead of each write (change-tracker.ts). Must hold: a sector
 * that was written since is in the answer; some that were not may be.
 */
import type { EntityId, SectorContent } from "../../kernel/index.ts";
import { beginTracking } from "./change-tracker.ts";
import { mapOf } from "./layers.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

/** Sectors written since `point`; undefined when that was not tracked without a gap. */
export function changedSince(disk: VirtualDiskEntity, point: string): SectorContent | undefined {
  if (disk.volatile.changedSince !== point) return undefined;
  return disk.content("changed", disk.config.sectors);
}

/**
 * From here on changes since the point in time under the layers above `descriptor` are tracked: what
 * those layers hold was written since, and so is what is on its way.
 */
export function trackSince(
  disk: VirtualDiskEntity,
  point: string,
  descriptor: string,
  durably: { readonly array: EntityId; readonly tracking: string },
): void {
  const { layers, flights } = disk.volatile;
  const from = layers.findIndex((layer) => layer.descriptor === descriptor);
  if (from < 0) return;
  disk.world.contents.remove(`${disk.name}#changed`);
  const changed = disk.content("changed", disk.config.sectors);
  for (let layer = from + 1; layer < layers.length; layer++) {
    for (const { sector, sectors } of mapOf(disk, layer).allocatedRuns()) {
      changed.writeZeros(sector, sectors);
    }
  }
  for (const { request } of Object.values(flights)) {
    const { body } = request;
    if (body.op !== "write" && body.op !== "discard") continue;
    changed.writeZeros(body.sector, body.sectors);
  }
  disk.edit().changedSince = point;
  beginTracking(disk, durably.array, durably.tracking, point, changed);
}
