/**
 * LZ4 block format (Yann Collet, lz4_Block_format.md, 2015): fast, no entropy coding, in memory only.
 *
 * Must hold: the same bytes always compress to the same bytes; decompressing trusts nothing, neither
 * lengths nor offsets, and never writes more than it was told to expect.
 */
import { assert } from "../../kernel/index.ts";

const MIN_MATCH = 4;
/** The last five bytes are literals, and the last match begins twelve before the end at the latest. */
const LAST_LITERALS = 5;
const MATCH_LIMIT = 12;
const MAX_OFFSET = 65_535;
const HASH_BITS = 14;
/** After so many tries without a match the step grows by one: noise is passed over quickly. */
const SKIP_SHIFT = 6;

/** The compressed bytes; undefined when they would not fit into `room` bytes. */
export function compress(bytes: Uint8Array, room: number): Uint8Array | undefined {
  const out = new Uint8Array(room);
  const table = new Int32Array(1 << HASH_BITS).fill(-1);
  let at = 0;
  let anchor = 0;
  let length = 0;
  let tries = 1 << SKIP_SHIFT;
  while (at + MATCH_LIMIT <= bytes.length) {
    const word = wordAt(bytes, at);
    const slot = Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS);
    const candidate = table[slot]!;
    table[slot] = at;
    const isNear = candidate >= 0 && at - candidate <= MAX_OFFSET;
    if (!isNear || wordAt(bytes, candidate) !== word) {
      at += tries++ >>> SKIP_SHIFT;
      continue;
    }
    const matched = matchLength(bytes, candidate, at);
    length = putSequence(out, length, bytes.subarray(anchor, at), at - candidate, matched);
    if (length < 0) return undefined;
    at += matched;
    anchor = at;
    tries = 1 << SKIP_SHIFT;
  }
  length = putSequence(out, length, bytes.subarray(anchor), 0, 0);
  return length < 0 ? undefined : out.slice(0, length);
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function matchLength(bytes: Uint8Array, from: number, at: number): number {
  const end = bytes.length - LAST_LITERALS;
  let matched = MIN_MATCH;
  while (at + matched < end && bytes[from + matched] === bytes[at + matched]) matched++;
  return matched;
}

/** Literals, then a match (none: `matched` 0). Where the output ends; -1: no room. */
function putSequence(
  out: Uint8Array,
  start: number,
  literals: Uint8Array,
  offset: number,
  matched: number,
): number {
  const extra = literals.length / 255 + matched / 255 + 6;
  if (start + literals.length + extra > out.length) return -1;
  const matchCode = matched === 0 ? 0 : Math.min(15, matched - MIN_MATCH);
  out[start] = (Math.min(15, literals.length) << 4) | matchCode;
  let at = putRest(out, start + 1, literals.length);
  out.set(literals, at);
  at += literals.length;
  if (matched === 0) return at;
  out[at++] = offset & 0xff;
  out[at++] = offset >>> 8;
  return putRest(out, at, matched - MIN_MATCH);
}

/** What a length has beyond the 15 that its four bits tell. */
function putRest(out: Uint8Array, start: number, length: number): number {
  let at = start;
  if (length < 15) return at;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) out[at++] = 255;
  out[at++] = rest;
  return at;
}

/** The `size` bytes that were compressed; undefined when these are no such block. */
export function decompress(block: Uint8Array, size: number): Uint8Array | undefined {
  assert(Number.isInteger(size) && size >= 0, "a size");
  const out = new Uint8Array(size);
  let at = 0;
  let length = 0;
  /** A length that goes on in bytes of 255; -1: the block ends before. */
  const lengthFrom = (code: number): number => {
    if (code < 15) return code;
    let sum = code;
    for (let byte = 255; byte === 255; sum += byte) {
      if (at >= block.length) return -1;
      byte = block[at++]!;
    }
    return sum;
  };
  for (;;) {
    if (at >= block.length) return undefined;
    const token = block[at++]!;
    const literals = lengthFrom(token >>> 4);
    if (literals < 0 || at + literals > block.length || length + literals > size) return undefined;
    out.set(block.subarray(at, at + literals), length);
    at += literals;
    length += literals;
    if (at === block.length) return length === size ? out : undefined;
    if (at + 2 > block.length) return undefined;
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const rest = lengthFrom(token & 15);
    const matched = rest + MIN_MATCH;
    if (rest < 0 || offset === 0 || offset > length || length + matched > size) return undefined;
    // Byte by byte: a match may reach into what it writes.
    for (let i = 0; i < matched; i++) out[length + i] = out[length - offset + i]!;
    length += matched;
  }
}
