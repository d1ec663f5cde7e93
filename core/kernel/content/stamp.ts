/**
 * Stamps: integers that stand for the content of one sector.
 *
 * Must hold: a stamp is 16 bits of disk number and 37 bits of counter, never a hash, so two writes
 * share a stamp only if their disk and counter are equal. The counter lives in its owner's state.
 * Stamp 0 is zeros. The top two bits of the disk number say how well the disk's data compresses;
 * being part of the stamp, this too is recognised from bytes alone.
 */
import { assert } from "../assert.ts";

/** Counters per disk: 2^37 sectors, 64 TiB of writes. */
export const STAMPS_PER_DISK = 2 ** 37;
export const STAMP_LIMIT = 2 ** 53;
/** Disks per compressibility. */
export const DISK_ORDINALS = 2 ** 14;

/** How much smaller a compressor makes an expansion (zlib, 64 KiB or more at once), nearly. */
export const COMPRESSION_RATIOS = [2, 1, 4, 16] as const;
export type CompressionRatio = (typeof COMPRESSION_RATIOS)[number];

/** The 16-bit number of a disk: its ordinal in the run and how well its data compresses. */
export function diskNumber(ordinal: number, ratio: CompressionRatio = 2): number {
  assert(
    Number.isInteger(ordinal) && ordinal >= 0 && ordinal < DISK_ORDINALS,
    () => `disk ordinal ${ordinal} outside 0..${DISK_ORDINALS - 1}`,
  );
  const ratioClass = COMPRESSION_RATIOS.indexOf(ratio);
  assert(ratioClass >= 0, () => `no compression ratio ${ratio}`);
  return ratioClass * DISK_ORDINALS + ordinal;
}

/**
 * The first stamp of a write of `sectors` sectors, whose stamps are `counter`, `counter + 1`, ...
 * of this disk. The caller then advances its counter by `sectors`. Counters start at 1: counter 0
 * of disk 0 would be zeros.
 */
export function stampBase(disk: number, counter: number, sectors = 1): number {
  assert(Number.isInteger(disk) && disk >= 0 && disk < 2 ** 16, () => `disk number ${disk}`);
  assert(
    Number.isInteger(counter) && Number.isInteger(sectors) && counter >= 1 && sectors >= 1,
    () => `stamp counter ${counter}, ${sectors} sectors`,
  );
  assert(
    counter + sectors <= STAMPS_PER_DISK,
    () => `disk ${disk} has used up its ${STAMPS_PER_DISK} stamps`,
  );
  return disk * STAMPS_PER_DISK + counter;
}

/** The disk number and counter that a stamp was made of. */
export function stampParts(stamp: number): { readonly disk: number; readonly counter: number } {
  assert(isStamp(stamp), () => `not a stamp: ${stamp}`);
  const disk = Math.floor(stamp / STAMPS_PER_DISK);
  return { disk, counter: stamp - disk * STAMPS_PER_DISK };
}

/** How well the data compresses that a stamp stands for. */
export function stampRatio(stamp: number): CompressionRatio {
  const ratioClass = Math.floor(stampParts(stamp).disk / DISK_ORDINALS);
  return COMPRESSION_RATIOS[ratioClass]!;
}

/** Whether `value` is a stamp that stands for something other than zeros. */
export function isStamp(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < STAMP_LIMIT;
}
