/**
 * What an image is written of, and how it is gone through in bounded memory.
 */
import { assert, SECTOR_BYTES, type SectorRange } from "../../core/kernel/index.ts";

/** A disk to export: a sector content, or a view through a chain of redo logs. */
export interface ImageSource {
  /** Size in sectors of 512 bytes. */
  readonly sectors: number;
  /** The written sectors within a span, as ranges in order that do not touch. */
  allocatedRuns(sector: number, sectors: number): readonly SectorRange[];
  /** The bytes of a span, written to `out` from its start. */
  readInto(sector: number, sectors: number, out: Uint8Array): void;
}

/** Consecutive units (clusters, grains) and their bytes, which are valid until the next batch. */
export interface UnitBatch {
  /** Index of the first unit on the disk. */
  readonly first: number;
  readonly bytes: Uint8Array;
}

const BATCH_BYTES = 1 << 20;
const ZEROS = new Uint8Array(1 << 16);

/**
 * The units of `unitSectors` sectors with at least one written sector, within sectors `from` up to
 * `to` (both at a unit border, but for the end of the disk), in order, a megabyte at a time. What
 * lies past the end of the disk is zeros.
 */
export function* writtenUnits(
  source: ImageSource,
  from: number,
  to: number,
  unitSectors: number,
): Generator<UnitBatch> {
  assert(from % unitSectors === 0, "not at a unit border");
  const ranges = source.allocatedRuns(from, Math.min(to, source.sectors) - from);
  if (ranges.length === 0) return; // most of a large disk: no buffer for it
  const unitBytes = unitSectors * SECTOR_BYTES;
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / unitBytes));
  const buffer = new Uint8Array(perBatch * unitBytes);
  let next = from / unitSectors; // no unit is handed out twice
  for (const range of ranges) {
    const past = Math.ceil((range.sector + range.sectors) / unitSectors);
    let first = Math.max(next, Math.floor(range.sector / unitSectors));
    for (; first < past; first += perBatch) {
      const bytes = buffer.subarray(0, Math.min(perBatch, past - first) * unitBytes);
      const sector = first * unitSectors;
      const sectors = Math.min(bytes.length / SECTOR_BYTES, source.sectors - sector);
      bytes.fill(0, sectors * SECTOR_BYTES);
      source.readInto(sector, sectors, bytes.subarray(0, sectors * SECTOR_BYTES));
      yield { first, bytes };
    }
    next = Math.max(next, past);
  }
}

/** Whether all of `bytes` are zero. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, bytes.length - at);
    if (Buffer.compare(bytes.subarray(at, at + length), ZEROS.subarray(0, length)) !== 0) {
      return false;
    }
  }
  return true;
}
