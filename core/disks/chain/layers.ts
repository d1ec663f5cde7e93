/**
 * Which layer holds which sector. A redo log answers for the sectors that were written to it; what
 * it does not hold is looked for below; the base answers for everything. Allocation is kept by
 * sector although copies go by grain: a grain torn by a crash then still reads right, because what
 * is missing of it is in the parent.
 *
 * Beside the map of each redo log there is one index over all of them, `where`: for each sector the
 * slot of the highest that holds it. A read of a deep chain then looks in one place.
 */
import type { SectorContent, SectorRange } from "../../kernel/index.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

/** A piece of a read and the layer (0 is the base) that answers for it. */
export interface LayerPiece extends SectorRange {
  readonly layer: number;
}

/** Sectors of one slot have consecutive stamps, so they join; slots are further apart than disks. */
const SECTORS_PER_SLOT = 2 ** 41;

/** Splits a range into pieces, in order, by the layer that answers for it. */
export function locate(disk: VirtualDiskEntity, sector: number, sectors: number): LayerPiece[] {
  const { layers } = disk.volatile;
  if (layers.length === 1) return [{ layer: 0, sector, sectors }];
  const pieces: LayerPiece[] = [];
  let at = sector;
  for (const run of whereOf(disk).read(sector, sectors)) {
    const slot = run.kind === "stamp" ? Math.floor(run.stamp / SECTORS_PER_SLOT) : 0;
    pieces.push({ layer: layerOfSlot(disk, slot), sector: at, sectors: run.sectors });
    at += run.sectors;
  }
  return pieces;
}

/** The same for the point in time under layer `top`: what lies above is left out. */
export function locateUpTo(
  disk: VirtualDiskEntity,
  top: number,
  sector: number,
  sectors: number,
): LayerPiece[] {
  const pieces: LayerPiece[] = [];
  split(disk, top, sector, sectors, pieces);
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

/** What a redo log holds. */
export function mapOf(disk: VirtualDiskEntity, layer: number): SectorContent {
  const { slot } = disk.volatile.layers[layer]!;
  return disk.content(`map-${slot}`, disk.config.sectors);
}

/** Marks a range as held by a layer; the base holds everything anyway. */
export function markHeld(
  disk: VirtualDiskEntity,
  layer: number,
  sector: number,
  sectors: number,
): void {
  if (layer <= 0) return;
  mapOf(disk, layer).writeZeros(sector, sectors);
  const { slot } = disk.volatile.layers[layer]!;
  const isTop = layer === disk.volatile.layers.length - 1;
  const pieces = isTop ? [{ layer: -1, sector, sectors }] : locate(disk, sector, sectors);
  for (const piece of pieces) {
    if (piece.layer > layer) continue;
    const first = slot * SECTORS_PER_SLOT + piece.sector + 1;
    whereOf(disk).writeStamps(piece.sector, piece.sectors, first);
  }
}

/** Makes the index anew from the maps, after a layer went. */
export function reindex(disk: VirtualDiskEntity): void {
  disk.world.contents.remove(`${disk.name}#where`);
  const where = whereOf(disk);
  disk.volatile.layers.forEach(({ slot }, layer) => {
    if (layer === 0) return;
    for (const { sector, sectors } of mapOf(disk, layer).allocatedRuns()) {
      where.writeStamps(sector, sectors, slot * SECTORS_PER_SLOT + sector + 1);
    }
  });
}

/** Forgets the map of a slot. */
export function dropMap(disk: VirtualDiskEntity, slot: number): void {
  disk.world.contents.remove(`${disk.name}#map-${slot}`);
}

/** The maps are memory of the host. */
export function dropAllMaps(disk: VirtualDiskEntity): void {
  for (const { slot } of disk.volatile.layers) dropMap(disk, slot);
  disk.world.contents.remove(`${disk.name}#where`);
  for (const name of ["changed", "wanted", "marked"]) {
    disk.world.contents.remove(`${disk.name}#${name}`);
  }
}

const whereOf = (disk: VirtualDiskEntity): SectorContent =>
  disk.content("where", disk.config.sectors);

function layerOfSlot(disk: VirtualDiskEntity, slot: number): number {
  const { layers } = disk.volatile;
  if (layers[slot]?.slot === slot) return slot;
  for (let layer = 0; layer < layers.length; layer++) {
    if (layers[layer]!.slot === slot) return layer;
  }
  return 0;
}

function split(
  disk: VirtualDiskEntity,
  layer: number,
  sector: number,
  sectors: number,
  pieces: LayerPiece[],
): void {
  if (layer === 0) {
    pieces.push({ layer, sector, sectors });
    return;
  }
  let at = sector;
  for (const held of mapOf(disk, layer).allocatedRuns(sector, sectors)) {
    if (held.sector > at) split(disk, layer - 1, at, held.sector - at, pieces);
    pieces.push({ layer, sector: held.sector, sectors: held.sectors });
    at = held.sector + held.sectors;
  }
  const end = sector + sectors;
  if (at < end) split(disk, layer - 1, at, end - at, pieces);
}
