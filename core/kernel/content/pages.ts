/**
 * Literal bytes of a chunk, in pages of 8 sectors (4 KiB), of which only those are kept that hold any.
 *
 * Must hold: a page never changes once made (a write makes a new one), so copies of a chunk share
 * pages; it keeps the sectors from its first to its last of kind bytes, with zeros where another kind
 * lies between them, and may keep more; and it exists only while it has a sector of that kind, which,
 * zeros being a kind of their own, is while it is not all zeros. Pages are in order. What is kept of a
 * page says nothing: its hash is that of all its 4 KiB.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";
import { SECTOR_BYTES } from "./content-run.ts";

const PAGE_SHIFT = 3;
const PAGE_SECTORS = 1 << PAGE_SHIFT;
const PAGE_BYTES = PAGE_SECTORS * SECTOR_BYTES;

export interface Page {
  /** Its place in the chunk. */
  readonly index: number;
  /** Sector of the page at which `data` begins; what is not in it is zeros. */
  readonly first: number;
  readonly data: Uint8Array;
  /** A cache of the hash of the page. */
  digest: bigint | null;
}

/** The part of a chunk that this file looks after. */
export interface PageHolder {
  /** Null: there are none. */
  pages: Page[] | null;
}

export function hashPage(page: Page): bigint {
  page.digest ??= hash64(wholePage(page));
  return page.digest;
}

function wholePage({ first, data }: Page): Uint8Array {
  if (data.length === PAGE_BYTES) return data;
  const whole = new Uint8Array(PAGE_BYTES);
  whole.set(data, first * SECTOR_BYTES);
  return whole;
}

const makePage = (index: number, first: number, data: Uint8Array): Page => ({
  index,
  first,
  data,
  digest: null,
});

/** Sector of the page at which what is kept of it ends. */
const endOf = ({ first, data }: Page): number => first + data.length / SECTOR_BYTES;

/** Place of the first page of this index, or behind it; the number of pages if there is none. */
function placeOf(pages: readonly Page[], index: number): number {
  // Full chunks, and those that are written from front to back.
  if (pages[index]?.index === index) return index;
  if (pages.length === 0 || pages.at(-1)!.index < index) return pages.length;
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pages[middle]!.index >= index) high = middle;
    else low = middle + 1;
  }
  return low;
}

const pageAt = (pages: readonly Page[], place: number, index: number): Page | undefined =>
  pages[place]?.index === index ? pages[place] : undefined;

/** Forgets the bytes of sectors `from` up to `to`. */
export function clearBytes(holder: PageHolder, pages: Page[], from: number, to: number): void {
  let place = placeOf(pages, from >> PAGE_SHIFT);
  let gone = 0;
  for (; place < pages.length; place++) {
    const page = pages[place]!;
    const origin = page.index << PAGE_SHIFT;
    if (origin >= to) break;
    const left = without(page, from - origin, to - origin);
    if (left === null) gone++;
    else pages[place - gone] = left;
  }
  if (gone > 0) pages.splice(place - gone, gone);
  if (pages.length === 0) holder.pages = null;
}

/** A page with zeros from sector `start` up to `end` of it, either of which may be outside; null: all. */
function without(page: Page, start: number, end: number): Page | null {
  const { index, first, data } = page;
  const past = endOf(page);
  if (end <= first || start >= past) return page;
  if (start <= first && end >= past) return null;
  const low = Math.max(start, first) - first;
  const high = Math.min(end, past) - first;
  let left = page;
  if (low === 0) left = makePage(index, end, data.slice(high * SECTOR_BYTES));
  else if (end >= past) left = makePage(index, first, data.slice(0, low * SECTOR_BYTES));
  else {
    left = makePage(index, first, data.slice());
    left.data.fill(0, low * SECTOR_BYTES, high * SECTOR_BYTES);
  }
  return left.data.every((byte) => byte === 0) ? null : left;
}

/**
 * Keeps the bytes of sectors `from` up to `to`, found in `source` at `at`. With `adopt` pages may refer
 * to `source`, which must then never change; else they are copied.
 */
export function copyBytes(
  holder: PageHolder,
  from: number,
  to: number,
  source: Uint8Array,
  at: number,
  adopt: boolean,
): void {
  assert(at + (to - from) * SECTOR_BYTES <= source.length, "fewer bytes than sectors");
  const pages = (holder.pages ??= []);
  let place = placeOf(pages, from >> PAGE_SHIFT);
  for (let index = from >> PAGE_SHIFT; index << PAGE_SHIFT < to; index++, place++) {
    const origin = index << PAGE_SHIFT;
    const start = Math.max(from, origin);
    const end = Math.min(to, origin + PAGE_SECTORS);
    const offset = at + (start - from) * SECTOR_BYTES;
    const piece = source.subarray(offset, offset + (end - start) * SECTOR_BYTES);
    const before = pageAt(pages, place, index);
    if (before === undefined) {
      const page = makePage(index, start - origin, adopt ? piece : piece.slice());
      if (place === pages.length) pages.push(page);
      else pages.splice(place, 0, page);
    } else {
      pages[place] = over(before, start - origin, piece, adopt);
    }
  }
}

/** The page with these bytes from sector `start` of it on. */
function over(page: Page, start: number, piece: Uint8Array, adopt: boolean): Page {
  const { index } = page;
  const end = start + piece.length / SECTOR_BYTES;
  const first = Math.min(page.first, start);
  const past = Math.max(endOf(page), end);
  if (first === start && past === end) {
    return makePage(index, start, adopt ? piece : piece.slice());
  }
  const data = new Uint8Array((past - first) * SECTOR_BYTES);
  data.set(page.data, (page.first - first) * SECTOR_BYTES);
  data.set(piece, (start - first) * SECTOR_BYTES);
  return makePage(index, first, data);
}

/** Copies the bytes of sectors `from` up to `to`, all of kind bytes, to `out` at `at`. */
export function gatherBytes(
  pages: readonly Page[],
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): void {
  let place = placeOf(pages, from >> PAGE_SHIFT);
  for (let index = from >> PAGE_SHIFT; index << PAGE_SHIFT < to; index++, place++) {
    const origin = index << PAGE_SHIFT;
    const start = Math.max(from, origin);
    const end = Math.min(to, origin + PAGE_SECTORS);
    const page = pageAt(pages, place, index);
    assert(page !== undefined, "a sector of kind bytes without its page");
    const piece = sectorsOf(page, start - origin, end - origin);
    out.set(piece, at + (start - from) * SECTOR_BYTES);
  }
}

/** Sectors `start` up to `end` of a page that keeps them. */
function sectorsOf({ first, data }: Page, start: number, end: number): Uint8Array {
  const isKept = start >= first && (end - first) * SECTOR_BYTES <= data.length;
  assert(isKept, "a sector of kind bytes that its page does not keep");
  return data.subarray((start - first) * SECTOR_BYTES, (end - first) * SECTOR_BYTES);
}

/** Whether one sector of kind bytes, in both, holds the same. */
export function sameBytes(a: readonly Page[], b: readonly Page[], sector: number): boolean {
  const index = sector >> PAGE_SHIFT;
  const pageA = pageAt(a, placeOf(a, index), index);
  const pageB = pageAt(b, placeOf(b, index), index);
  if (pageA !== undefined && pageA === pageB) return true;
  assert(pageA !== undefined && pageB !== undefined, "a sector of kind bytes without its page");
  const start = sector & (PAGE_SECTORS - 1);
  const bytesA = sectorsOf(pageA, start, start + 1);
  const bytesB = sectorsOf(pageB, start, start + 1);
  for (let at = 0; at < SECTOR_BYTES; at++) if (bytesA[at] !== bytesB[at]) return false;
  return true;
}
