/**
 * What a stamp looks like as 512 bytes, and how such bytes are recognised.
 *
 * Layout: magic (8 bytes), stamp (8, little-endian), a sequence keyed by the stamp, zeros. How far
 * the sequence reaches decides how well the sector compresses. Must hold: `recognise` of an
 * expansion is its stamp and of anything else `undefined`, so bytes and stamps never both stand for
 * one content. Changing one byte of the layout changes every root: bump the trace format.
 */
import { assert } from "../assert.ts";
import { SECTOR_BYTES } from "./content-run.ts";
import { isStamp, STAMPS_PER_DISK, DISK_ORDINALS } from "./stamp.ts";

/** "Orrery\0\x01", as two little-endian words. */
const MAGIC_LOW = 0x6572724f;
const MAGIC_HIGH = 0x01007972;
const HEADER_BYTES = 16;
const TWO_32 = 2 ** 32;
const CLASS_STAMPS = DISK_ORDINALS * STAMPS_PER_DISK;

/** Where the keyed sequence ends, per ratio class: 2, 1, 4, 16. Fitted to zlib; see the test. */
const KEYED_END = [260, 512, 132, 40] as const;

/** Spreads the bits of a 32-bit word (the finaliser of MurmurHash3; a permutation). */
function spread(word: number): number {
  let x = word ^ (word >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/**
 * Calls nothing and keeps nothing: either writes the expansion of `stamp` at `at`, or compares it
 * with what is there and says whether all of it is equal.
 */
function keyedSequence(stamp: number, view: DataView, at: number, write: boolean): boolean {
  const low = stamp | 0;
  const high = Math.floor(stamp / TWO_32);
  const keyedEnd = at + KEYED_END[Math.floor(stamp / CLASS_STAMPS)]!;
  // sfc32 (Chris Doty-Humphrey, PractRand), seeded by the two words of the stamp.
  let a = spread(low ^ 0x2545f491);
  let b = spread(high ^ 0x6c078965);
  let c = spread((low + Math.imul(high, 0x9e3779b9)) | 0);
  let counter = 1;
  for (let position = at + HEADER_BYTES - 32; position < keyedEnd; position += 4) {
    const word = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + word;
    c |= 0;
    if (position < at + HEADER_BYTES) continue; // eight rounds to mix the seed in
    if (write) view.setInt32(position, word, true);
    else if (view.getInt32(position, true) !== word) return false;
  }
  for (let position = keyedEnd; position < at + SECTOR_BYTES; position += 4) {
    if (write) view.setInt32(position, 0, true);
    else if (view.getInt32(position, true) !== 0) return false;
  }
  return true;
}

/** Writes the 512 bytes of `stamp` into `view` at `at`; stamp 0 is zeros. */
export function expandStamp(stamp: number, view: DataView, at: number): void {
  if (stamp === 0) {
    for (let position = at; position < at + SECTOR_BYTES; position += 4) {
      view.setInt32(position, 0);
    }
    return;
  }
  assert(isStamp(stamp), () => `not a stamp: ${stamp}`);
  view.setInt32(at, MAGIC_LOW, true);
  view.setInt32(at + 4, MAGIC_HIGH, true);
  view.setInt32(at + 8, stamp | 0, true);
  view.setInt32(at + 12, Math.floor(stamp / TWO_32), true);
  keyedSequence(stamp, view, at, true);
}

/** The stamp of which the 512 bytes at `at` are the expansion (0: all zeros), else undefined. */
export function recognise(view: DataView, at: number): number | undefined {
  const first = view.getInt32(at, true);
  if (first === 0) {
    for (let position = at + 4; position < at + SECTOR_BYTES; position += 4) {
      if (view.getInt32(position, true) !== 0) return undefined;
    }
    return 0;
  }
  if (first !== MAGIC_LOW || view.getInt32(at + 4, true) !== MAGIC_HIGH) return undefined;
  const stamp = view.getUint32(at + 12, true) * TWO_32 + view.getUint32(at + 8, true);
  if (!isStamp(stamp)) return undefined;
  return keyedSequence(stamp, view, at, false) ? stamp : undefined;
}

/** A view on exactly these bytes, for the functions above. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
