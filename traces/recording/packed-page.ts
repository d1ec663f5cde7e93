/**
 * A page of memory without its zeros: 64 bytes of marks, one bit for each of its 512 words of eight
 * bytes, then the words that are not zero. A third of what a booting kernel writes is zeros, and
 * packing costs no more than a copy. Words are as they lie in memory, little-endian.
 */
import { MEMORY_PAGE_BYTES } from "../../core/kernel/index.ts";

const MARKS = MEMORY_PAGE_BYTES / 8 / 32;

/** Packs a page behind what `packed` has; returns where the next one goes, in words of four bytes. */
export function packPage(bytes: Uint8Array, packed: Uint32Array, at: number): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, MEMORY_PAGE_BYTES / 4);
  let to = at + MARKS;
  for (let group = 0, from = 0; group < MARKS; group++) {
    let marks = 0;
    for (let bit = 0; bit < 32; bit++) {
      const low = words[from++]!;
      const high = words[from++]!;
      const isThere = (low | high) === 0 ? 0 : 1;
      // Written in any case, and overwritten by the next one: no branch to guess.
      packed[to] = low;
      packed[to + 1] = high;
      to += 2 * isThere;
      marks |= isThere << bit;
    }
    packed[at + group] = marks;
  }
  return to;
}

/** Pages of a packed chunk one after the other; undefined when it is not what it should be. */
export function unpackPages(packed: Uint8Array, count: number): Uint8Array | undefined {
  if (packed.length % 4 !== 0 || packed.length < 4 * MARKS * count) return undefined;
  const words = new Uint32Array(packed.slice().buffer);
  const pages = new Uint32Array((count * MEMORY_PAGE_BYTES) / 4);
  let from = 0;
  for (let page = 0, to = 0; page < count; page++) {
    const marks = from;
    from += MARKS;
    for (let group = 0; group < MARKS; group++) {
      for (let bits = words[marks + group]!, bit = 0; bit < 32; bit++, to += 2) {
        if (((bits >>> bit) & 1) === 0) continue;
        pages[to] = words[from++]!;
        pages[to + 1] = words[from++]!;
      }
    }
    if (from > words.length) return undefined;
  }
  return from === words.length ? new Uint8Array(pages.buffer) : undefined;
}
