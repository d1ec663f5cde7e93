/**
 * Clones: bases that share chunks with a snapshot of another base. Before a chunk that is shared
 * changes for the first time it is copied up; a split copies up all that is left, and then the
 * snapshot is not needed any more.
 *
 * Must hold: what a clone reads does not change when a chunk becomes its own, nor when the family
 * that it shares with goes on; while it shares anything it holds its origin.
 */
import type { SectorRange } from "../../../kernel/index.ts";
import type { ArrayEntity } from "../array-state.ts";
import { volumeLabel } from "../array-state.ts";
import { reservedGrains } from "../space-reservation.ts";
import { grainsOfRuns, reserveSectors } from "../volumes.ts";
import { landPiece } from "./land-piece.ts";
import { ownPieces, readVvol, vvolAllocation } from "./vvol-content.ts";
import { arrayOf, baseContent, ownedMap, type VvolsEntity, vvolsOf } from "./vvol-state.ts";

/** What it took to keep or copy up; `fits` false: there is no space, and nothing was done. */
export type Kept = { readonly fits: boolean; readonly chunks: number; readonly sectors: number };

export const NOTHING_KEPT: Kept = { fits: true, chunks: 0, sectors: 0 };
const NO_SPACE: Kept = { fits: false, chunks: 0, sectors: 0 };

/** Whether so many more grains fit beside all that is taken and set aside. */
export function hasGrains(array: ArrayEntity, grains: number): boolean {
  const { grainSectors, capacitySectors } = array.config;
  const taken = array.durable.usedGrains + reservedGrains(array);
  const full = (taken + grains) * grainSectors > capacitySectors;
  return grains === 0 || (!full && !array.durable.armed.noSpace);
}

/** Makes the chunks that a range touches the clone's own. */
export function ownChunks(self: VvolsEntity, base: string, range: SectorRange): Kept {
  const { origin } = self.durable.bases[base]!;
  if (origin === undefined) return NOTHING_KEPT;
  const spans = sharedSpans(self, base, range);
  if (spans.length === 0) return NOTHING_KEPT;
  const array = arrayOf(self);
  const allocated = spans.flatMap((span) => vvolAllocation(self, origin, span));
  if (!hasGrains(array, grainsOfRuns(allocated, array.config.grainSectors))) return NO_SPACE;
  const pieces = allocated.map((each) => ({ ...each, runs: readVvol(self, origin, each) }));
  const { chunkSectors } = self.durable.bases[base]!;
  const map = ownedMap(self, base, origin);
  const medium = volumeLabel(base);
  let copied = 0;
  for (const piece of pieces) {
    reserveSectors(array, medium, piece.sector, piece.sectors);
    landPiece(array, medium, piece);
    copied += piece.sectors;
  }
  let chunks = 0;
  for (const { sector, sectors } of spans) {
    const first = sector / chunkSectors;
    const count = Math.ceil((sector + sectors) / chunkSectors) - first;
    map.writeZeros(first, count);
    chunks += count;
  }
  self.measure("clone-copied-sectors", copied);
  self.durableStep(`own ${chunks} chunks of ${base}`);
  return { fits: true, chunks, sectors: copied };
}

/** Whole chunks that a range touches and that are shared, in order. */
function sharedSpans(self: VvolsEntity, base: string, range: SectorRange): SectorRange[] {
  const { chunkSectors } = self.durable.bases[base]!;
  const { sectors: size } = baseContent(self, base);
  const sector = range.sector - (range.sector % chunkSectors);
  const past = Math.ceil((range.sector + range.sectors) / chunkSectors) * chunkSectors;
  const sectors = Math.min(past, size) - sector;
  return ownPieces(self, base, { sector, sectors }).filter(({ shared }) => shared);
}

/** The next shared chunks of a clone, from a sector on, that hold something; null: none is left. */
export function nextShared(
  self: VvolsEntity,
  base: string,
  from: number,
  mostChunks: number,
): SectorRange | null {
  const { origin, chunkSectors } = self.durable.bases[base]!;
  if (origin === undefined) return null;
  const { sectors: size } = self.durable.snapshots[origin]!;
  const left = ownPieces(self, base, { sector: from, sectors: Math.max(0, size - from) });
  for (const { shared, ...piece } of left) {
    const [first] = shared ? vvolAllocation(self, origin, piece) : [];
    if (first === undefined) continue;
    const sector = first.sector - (first.sector % chunkSectors);
    const sectors = Math.min(piece.sector + piece.sectors - sector, mostChunks * chunkSectors);
    return { sector, sectors };
  }
  return null;
}

/** Whether some of a range is read elsewhere. */
function sharesSome(self: VvolsEntity, base: string, range: SectorRange): boolean {
  if (self.durable.bases[base]?.origin === undefined) return false;
  return ownPieces(self, base, range).some(({ shared }) => shared);
}

/** Content of a range of a volume that is a clone and shares some of it; else undefined. */
export function readShared(array: ArrayEntity, medium: string, range: SectorRange) {
  const self = vvolsOf(array);
  const base = medium.slice(volumeLabel("").length);
  if (self === undefined || !sharesSome(self, base, range)) return undefined;
  return readVvol(self, base, range);
}
