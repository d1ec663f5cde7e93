/**
 * Which layer holds which sector. A redo log answers for the sectors that were written to it; what
 * it does not hold is looked for below; the base answers for everything. Allocation is kept by
 * sector although copies go by grain: a grain torn by a crash then still reads right, because what
 * is missing of it is in the parent.
 */
import { type SectorContent, type SectorRange } from "../../kernel/index.ts";

/** A piece of a read and the layer (0 is the base) that answers for it. */
export interface LayerPiece extends SectorRange {
  readonly layer: number;
}

/** Splits a range into pieces, in order; `maps[i]` holds what layer `i + 1` has allocated. */
export function locate(
  maps: readonly SectorContent[],
  sector: number,
  sectors: number,
): LayerPiece[] {
  const pieces: LayerPiece[] = [];
  split(maps, maps.length, sector, sectors, pieces);
  return pieces;
}

/** Sectors of the range that `map` does not hold, in order. */
export function absentRanges(map: SectorContent, sector: number, sectors: number): SectorRange[] {
  const absent: SectorRange[] = [];
  let at = sector;
  for (const held of map.allocatedRuns(sector, sectors)) {
    if (held.sector > at) absent.push({ sector: at, sectors: held.sector - at });
    at = held.sector + held.sectors;
  }
  const end = sector + sectors;
  if (at < end) absent.push({ sector: at, sectors: end - at });
  return absent;
}

/** Marks a range as held by a layer. */
export function markAllocated(map: SectorContent, sector: number, sectors: number): void {
  map.writeZeros(sector, sectors);
}

function split(
  maps: readonly SectorContent[],
  layer: number,
  sector: number,
  sectors: number,
  pieces: LayerPiece[],
): void {
  if (layer === 0) {
    pieces.push({ layer, sector, sectors });
    return;
  }
  const map = maps[layer - 1]!;
  let at = sector;
  for (const held of map.allocatedRuns(sector, sectors)) {
    if (held.sector > at) split(maps, layer - 1, at, held.sector - at, pieces);
    pieces.push({ layer, sector: held.sector, sectors: held.sectors });
    at = held.sector + held.sectors;
  }
  const end = sector + sectors;
  if (at < end) split(maps, layer - 1, at, end - at, pieces);
}
