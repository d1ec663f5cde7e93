/**
 * A chunk: the content of 4,096 consecutive sectors (2 MiB) as a sorted array of runs.
 *
 * Must hold: runs are sorted, disjoint and never have two neighbours that could be one, so one
 * content has one list of runs, in whatever order and pieces it was written. Sectors in no run were
 * never written. Literal bytes are beside the runs, in pages; a page holds zeros where its sectors
 * are of another kind. A chunk is changed in place by the one store that owns it, else copied first.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";
import { copyBytes, clearBytes, hashPage, type Page } from "./pages.ts";

export const CHUNK_SHIFT = 12;
export const CHUNK_SECTORS = 1 << CHUNK_SHIFT;

/** Kinds of run. ABSENT is in no run; it is how a gap is named. */
export const ABSENT = 0;
export const ZERO = 1;
export const STAMP = 2;
export const BYTES = 3;

/** Stands for a store's right to change what it alone refers to. */
export type Owner = object;

/** A run is two numbers: the head (start, length, kind in bits 0, 12, 25) and its first stamp. */
const LENGTH_BIT = 12;
const KIND_BIT = 25;

export const packHead = (start: number, length: number, kind: number): number =>
  start | (length << LENGTH_BIT) | (kind << KIND_BIT);
export const headStart = (head: number): number => head & (CHUNK_SECTORS - 1);
export const headLength = (head: number): number => (head >> LENGTH_BIT) & 0x1fff;
export const headEnd = (head: number): number => headStart(head) + headLength(head);
export const headKind = (head: number): number => head >> KIND_BIT;

export class Chunk {
  readonly owner: Owner;
  /** Run i is `runs[2 * i]` (head) and `runs[2 * i + 1]` (first stamp, else 0). */
  runs: number[];
  /** Those that hold bytes, in order; null until there are bytes. */
  pages: Page[] | null = null;
  /** A cache: null where it must be computed again. */
  digest: bigint | null = null;

  constructor(owner: Owner, runs: number[] = []) {
    this.owner = owner;
    this.runs = runs;
  }

  /** How many runs there are. */
  get count(): number {
    return this.runs.length >> 1;
  }

  /** A copy that `owner` may change. */
  copyFor(owner: Owner): Chunk {
    const copy = new Chunk(owner, this.runs.slice());
    copy.pages = this.pages === null ? null : this.pages.slice();
    copy.digest = this.digest;
    return copy;
  }
}

/** A chunk of one run that covers it all; `stamp` 0 is written zeros. */
export function wholeChunk(owner: Owner, stamp: number): Chunk {
  return new Chunk(owner, [packHead(0, CHUNK_SECTORS, stamp === 0 ? ZERO : STAMP), stamp]);
}

/** The stamp of the one run that covers the chunk (0: zeros), or -1 if it is not so. */
export function wholeStamp(chunk: Chunk): number {
  if (chunk.count !== 1) return -1;
  const head = chunk.runs[0]!;
  return headLength(head) === CHUNK_SECTORS && headKind(head) !== BYTES ? chunk.runs[1]! : -1;
}

/** Index of the first run that ends after `offset`; `count` if there is none. */
export function firstRunAfter(chunk: Chunk, offset: number): number {
  const runs = chunk.runs;
  let low = 0;
  let high = chunk.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (headEnd(runs[2 * middle]!) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Makes sectors `from` up to `to` one run of `kind` (ABSENT: none), joined with equal neighbours.
 * Bytes are set apart, by `writeBytes`. Returns by how many sectors the allocated grew.
 */
export function replaceRange(
  chunk: Chunk,
  from: number,
  to: number,
  kind: number,
  stamp: number,
): number {
  assert(from >= 0 && from < to && to <= CHUNK_SECTORS, "range outside of its chunk");
  const runs = chunk.runs;
  const first = firstRunAfter(chunk, from);
  let past = first; // the first run that starts at `to` or later
  let covered = 0;
  while (past < chunk.count && headStart(runs[2 * past]!) < to) {
    const head = runs[2 * past]!;
    covered += Math.min(headEnd(head), to) - Math.max(headStart(head), from);
    past++;
  }
  // The run that a border cuts, else the neighbour beyond it; read before `splice` moves them.
  const cutLeft = first < past && headStart(runs[2 * first]!) < from;
  const cutRight = first < past && headEnd(runs[2 * past - 2]!) > to;
  const left = cutLeft ? first : first - 1;
  const right = cutRight ? past - 1 : past;
  const leftHead = left >= 0 ? runs[2 * left]! : 0;
  const leftStamp = left >= 0 ? runs[2 * left + 1]! : 0;
  const rightHead = right < chunk.count ? runs[2 * right]! : 0;
  const rightStamp = right < chunk.count ? stampAt(rightHead, runs[2 * right + 1]!, to) : 0;
  const joinLeft = reaches(leftHead, from) && continues(leftHead, leftStamp, from, kind, stamp);
  const middleHead = packHead(from, to - from, kind);
  const joinRight =
    reaches(rightHead, to) && continues(middleHead, stamp, to, headKind(rightHead), rightStamp);

  const start = joinLeft ? headStart(leftHead) : from;
  const end = joinRight ? headEnd(rightHead) : to;
  const keepLeft = cutLeft && !joinLeft;
  const keepRight = cutRight && !joinRight;
  const low = joinLeft ? left : first;
  const high = joinRight ? right + 1 : past;
  splice(chunk, low, high, (keepLeft ? 1 : 0) + (kind === ABSENT ? 0 : 1) + (keepRight ? 1 : 0));
  const after = chunk.runs;
  let at = low;
  if (keepLeft) at = setRun(after, at, trimHead(leftHead, headStart(leftHead), from), leftStamp);
  if (kind !== ABSENT) {
    at = setRun(after, at, packHead(start, end - start, kind), joinLeft ? leftStamp : stamp);
  }
  if (keepRight) setRun(after, at, trimHead(rightHead, to, headEnd(rightHead)), rightStamp);
  chunk.digest = null;
  if (chunk.pages !== null && kind !== BYTES) clearBytes(chunk, chunk.pages, from, to);
  return (kind === ABSENT ? 0 : to - from) - covered;
}

/** Whether the run covers `border` or has an end there; false for no run (0). */
const reaches = (head: number, border: number): boolean =>
  head !== 0 && headStart(head) <= border && headEnd(head) >= border;

/** Stamp of the run at `offset`. */
const stampAt = (head: number, stamp: number, offset: number): number =>
  headKind(head) === STAMP ? stamp + offset - headStart(head) : stamp;

const trimHead = (head: number, start: number, end: number): number =>
  packHead(start, end - start, headKind(head));

/** Whether content of `kind` that has `stamp` at `offset` goes on with the run up to there. */
const continues = (
  head: number,
  firstStamp: number,
  offset: number,
  kind: number,
  stamp: number,
): boolean =>
  kind === headKind(head) &&
  kind !== ABSENT &&
  (kind !== STAMP || stampAt(head, firstStamp, offset) === stamp);

/** Makes sectors `from` up to `to` literal bytes, read from `source` at `at`. */
export function writeBytes(
  chunk: Chunk,
  from: number,
  to: number,
  source: Uint8Array,
  at: number,
  adopt: boolean,
): number {
  const grown = replaceRange(chunk, from, to, BYTES, 0);
  copyBytes(chunk, from, to, source, at, adopt);
  return grown;
}

/**
 * Up to so many numbers an array is made anew of the exact size: an array that grows keeps room for
 * 17 more, and a large thin disk has a run or two in each of a million chunks.
 */
const EXACT_NUMBERS = 8;
const ROOM: readonly (readonly number[])[] = [[], [0, 0], [0, 0, 0, 0], [0, 0, 0, 0, 0, 0]];

/** Makes room for `inserted` runs, 0 to 3, in the place of runs `low` up to `high`. */
function splice(chunk: Chunk, low: number, high: number, inserted: number): void {
  const { runs } = chunk;
  const more = inserted - (high - low);
  if (more < 0) runs.splice(2 * low, -2 * more);
  else if (more === 0) return;
  else if (high === runs.length >> 1 && runs.length < EXACT_NUMBERS) {
    chunk.runs = runs.concat(ROOM[more]!);
  } else if (high === runs.length >> 1) for (let i = 0; i < more; i++) runs.push(0, 0);
  else if (more === 1) runs.splice(2 * high, 0, 0, 0);
  else runs.splice(2 * high, 0, 0, 0, 0, 0);
}

function setRun(runs: number[], index: number, head: number, stamp: number): number {
  runs[2 * index] = head;
  runs[2 * index + 1] = stamp;
  return index + 1;
}

/** 64-bit hash of runs and bytes; cached until the chunk is changed. */
export function chunkDigest(chunk: Chunk): bigint {
  if (chunk.digest !== null) return chunk.digest;
  const bytes = new Uint8Array(12 * (chunk.count + (chunk.pages?.length ?? 0)));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let index = 0; index < chunk.count; index++, at += 12) {
    const stamp = chunk.runs[2 * index + 1]!;
    view.setUint32(at, chunk.runs[2 * index]!, true);
    view.setUint32(at + 4, stamp | 0, true);
    view.setUint32(at + 8, Math.floor(stamp / 2 ** 32), true);
  }
  chunk.pages?.forEach((page) => {
    view.setUint32(at, page.index, true);
    view.setBigUint64(at + 4, hashPage(page), true);
    at += 12;
  });
  assert(at === bytes.length, "pages and their count differ");
  chunk.digest = hash64(bytes, BigInt(chunk.count));
  return chunk.digest;
}
