/**
 * What the host sees of private pages. A stand-in for memory encryption: it hides content from every
 * mechanism of the host, deterministically, by machine and page, and nothing in the host undoes it.
 */
import { MEMORY_PAGE_BYTES, stampBase } from "../../kernel/index.ts";
import { Scatter } from "./placing.ts";

/** Counters of stamps have 37 bits; those of ciphertext have the highest one set. */
const CIPHER = 2 ** 36;

/** Ciphertext of the page whose first sector has this stamp (0: zeros) of the machine's number. */
export function cipherStamp(number: number, stamp: number): number {
  const counter = stamp === 0 ? 0 : stamp - stampBase(number, 1) + 1;
  return stampBase(number, counter + CIPHER);
}

export function plainStamp(number: number, stamp: number): number {
  const counter = stamp - stampBase(number, CIPHER);
  return counter === 0 ? 0 : stampBase(number, counter);
}

/** Ciphertext of a page's bytes, or what they are the ciphertext of. */
export function cipherBytes(number: number, page: number, bytes: Uint8Array): Uint8Array {
  const key = new Scatter(Math.imul(number + 1, 0x9e37_79b1) ^ page);
  const out = bytes.slice();
  const view = new DataView(out.buffer, out.byteOffset, MEMORY_PAGE_BYTES);
  for (let at = 0; at < MEMORY_PAGE_BYTES; at += 4) {
    view.setUint32(at, view.getUint32(at, true) ^ key.nextUint32(), true);
  }
  return out;
}
