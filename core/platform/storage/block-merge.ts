/**
 * What a volume holds becomes part of another by metadata alone (US 9,116,726): the array points the
 * target's blocks at the source's, without moving data. Must hold: to do it again changes nothing,
 * so that it can be begun anew after a crash; the source stays as it is until it is deleted.
 */
import { type ArrayEntity, device, volumeLabel } from "./array-state.ts";
import { type BlockOutcome, refused } from "./block.ts";
import { ACKNOWLEDGED, currentContent, tell } from "./device-state.ts";
import { reserveSectors } from "./volumes.ts";
import { takeWrite } from "./write-cache.ts";

export type MergeBlocks = {
  readonly from: string;
  readonly to: string;
  readonly sector: number;
  readonly sectors: number;
};

/** Answers {extents}; refuses with "gone", "out-of-range" or "no-space". */
export function mergeBlocks(self: ArrayEntity, body: MergeBlocks): BlockOutcome {
  const { from, to, sector, sectors } = body;
  const [source, target] = [volumeLabel(from), volumeLabel(to)];
  const { volumes } = self.durable;
  if (volumes[source] === undefined) return refused("gone", from);
  if (volumes[target] === undefined) return refused("gone", to);
  const end = Math.min(volumes[source].sectors, volumes[target].sectors);
  if (sector < 0 || sector + sectors > end) return refused("out-of-range");
  const content = currentContent(device(self), source);
  const extents = content.allocatedRuns(sector, sectors);
  for (const extent of extents) {
    if (!reserveSectors(self, target, extent.sector, extent.sectors)) return refused("no-space");
    const runs = content.read(extent.sector, extent.sectors);
    const id = self.volatile.cache.next;
    takeWrite(device(self), target, { ...extent, runs }, { fua: true });
    tell(device(self), ACKNOWLEDGED, () => {
      return { medium: target, op: "write", id, ...extent, runs, durable: true, barrier: false };
    });
  }
  self.durableStep(`merge blocks of volume ${from}`);
  return { ok: true, value: { extents: extents.length } };
}
