/**
 * Writes that the array itself makes to its volumes: reverts and copies. They are durable at once,
 * and known to observers like a host's.
 *
 * Must hold: like any other write, one to a base keeps first what it comes over.
 */
import type { SectorRange } from "../../../kernel/index.ts";
import { type ArrayEntity, volumeLabel } from "../array-state.ts";
import { releaseSectors, reserveSectors } from "../volumes.ts";
import { mayOverwrite } from "./keep.ts";
import { landPiece, type Piece } from "./land-piece.ts";

/** False when there is no space; then some of the pieces may have been written. */
export function writeVolume(array: ArrayEntity, volume: string, pieces: readonly Piece[]): boolean {
  const medium = volumeLabel(volume);
  for (const piece of pieces) {
    const { sector, sectors, runs } = piece;
    if (!mayOverwrite(array, medium, piece)) return false;
    if (runs === null) releaseSectors(array, medium, sector, sectors);
    else if (!reserveSectors(array, medium, sector, sectors)) return false;
    landPiece(array, medium, piece);
  }
  return true;
}

/** The parts of a range that `held`, in order, leaves out. */
export function gapsOf(range: SectorRange, held: readonly SectorRange[]): SectorRange[] {
  const gaps: SectorRange[] = [];
  let at = range.sector;
  for (const { sector, sectors } of held) {
    if (sector > at) gaps.push({ sector: at, sectors: sector - at });
    at = Math.max(at, sector + sectors);
  }
  const past = range.sector + range.sectors;
  if (at < past) gaps.push({ sector: at, sectors: past - at });
  return gaps;
}
