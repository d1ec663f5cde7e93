/**
 * Literal bytes of a chunk, in pages of 8 sectors (4 KiB).
 *
 * Must hold: a page never changes once made (a write makes a new one), so copies of a chunk share
 * pages; it holds zeros where its sectors are not of kind bytes; and it exists only while it has a
 * sector of that kind, which, zeros being a kind of their own, is while it is not all zeros.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";
import { SECTOR_BYTES } from "./content-run.ts";

const PAGE_SHIFT = 3;
const PAGE_SECTORS = 1 << PAGE_SHIFT;
const PAGE_BYTES = PAGE_SECTORS * SECTOR_BYTES;
const PAGES_PER_CHUNK = 512;

export interface Page {
  readonly data: Uint8Array;
  /** A cache of the hash of `data`. */
  digest: bigint | null;
}

/** The part of a chunk that this file looks after. */
export interface PageHolder {
  pages: (Page | null)[] | null;
  pageCount: number;
}

export function hashPage(page: Page): bigint {
  page.digest ??= hash64(page.data);
  return page.digest;
}

/**
 * Forgets the bytes of sectors `from` up to `to`. `hasBytes`: whether one of some other sectors is
 * of kind bytes, for the pages at the ends.
 */
export function clearBytes(
  holder: PageHolder,
  pages: (Page | null)[],
  from: number,
  to: number,
  hasBytes: (from: number, to: number) => boolean,
): void {
  for (let index = from >> PAGE_SHIFT; index << PAGE_SHIFT < to; index++) {
    const page = pages[index]!;
    if (page === null) continue;
    const first = index << PAGE_SHIFT;
    const start = Math.max(from - first, 0);
    const end = Math.min(to - first, PAGE_SECTORS);
    let left: Uint8Array | null = null;
    if (end - start < PAGE_SECTORS && hasBytes(first, first + PAGE_SECTORS)) {
      left = page.data.slice();
      left.fill(0, start * SECTOR_BYTES, end * SECTOR_BYTES);
    }
    pages[index] = left && { data: left, digest: null };
    if (left === null) holder.pageCount--;
  }
  if (holder.pageCount === 0) holder.pages = null;
}

/**
 * Keeps the bytes of sectors `from` up to `to`, found in `source` at `at`. With `adopt` whole pages
 * refer to `source`, which must then never change; else they are copied.
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
  holder.pages ??= new Array<Page | null>(PAGES_PER_CHUNK).fill(null);
  const pages = holder.pages;
  for (let index = from >> PAGE_SHIFT; index << PAGE_SHIFT < to; index++) {
    const start = Math.max(from, index << PAGE_SHIFT);
    const end = Math.min(to, (index + 1) << PAGE_SHIFT);
    const offset = at + (start - from) * SECTOR_BYTES;
    const piece = source.subarray(offset, offset + (end - start) * SECTOR_BYTES);
    const before = pages[index]!;
    let data = piece;
    if (piece.length < PAGE_BYTES) {
      data = new Uint8Array(PAGE_BYTES);
      if (before !== null) data.set(before.data);
      data.set(piece, (start & (PAGE_SECTORS - 1)) * SECTOR_BYTES);
    } else if (!adopt) {
      data = piece.slice();
    }
    if (before === null) holder.pageCount++;
    pages[index] = { data, digest: null };
  }
}

/** Copies the bytes of sectors `from` up to `to`, all of kind bytes, to `out` at `at`. */
export function gatherBytes(
  pages: readonly (Page | null)[],
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): void {
  for (let index = from >> PAGE_SHIFT; index << PAGE_SHIFT < to; index++) {
    const start = Math.max(from, index << PAGE_SHIFT);
    const end = Math.min(to, (index + 1) << PAGE_SHIFT);
    const page = pages[index]!;
    assert(page !== null, "a sector of kind bytes without its page");
    const offset = (start & (PAGE_SECTORS - 1)) * SECTOR_BYTES;
    const piece = page.data.subarray(offset, offset + (end - start) * SECTOR_BYTES);
    out.set(piece, at + (start - from) * SECTOR_BYTES);
  }
}

/** Whether one sector of kind bytes, in both, holds the same. */
export function sameBytes(
  a: readonly (Page | null)[],
  b: readonly (Page | null)[],
  sector: number,
): boolean {
  const pageA = a[sector >> PAGE_SHIFT]!;
  const pageB = b[sector >> PAGE_SHIFT]!;
  if (pageA === pageB) return true;
  assert(pageA !== null && pageB !== null, "a sector of kind bytes without its page");
  const start = (sector & (PAGE_SECTORS - 1)) * SECTOR_BYTES;
  for (let index = start; index < start + SECTOR_BYTES; index++) {
    if (pageA.data[index] !== pageB.data[index]) return false;
  }
  return true;
}
