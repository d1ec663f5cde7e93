// Where everything lies in the linear memory. Below TABLES: fixed; from there on sized by RAM. Only the hart blocks and
// RAM are state; all the rest is caches, or settings of the host.

import { HART_BYTES, MAX_HARTS, PAGE_SHIFT } from "../layout";

/** Working copy of the hart that runs; its home is written back when the run returns. */
export const ACTIVE: usize = 0x1000;
const HOMES: usize = 0x2000;

/** A decoded page of 2048 entries and two sentinels, 8 bytes each. */
export const CODE_ENTRIES: usize = 2048;
export const CODE_STRIDE: usize = 0x4080;
/** Where a decoded page says when it was last entered: behind its sentinels. */
export const CODE_STAMP: usize = 0x4010;
/** A decoded page of nothing but "look up where you are". */
export const NOWHERE: usize = 0x8000;
/** A decoded page that holds at most one instruction that cannot be kept. */
export const SCRATCH: usize = 0xd000;

export const BREAKPOINTS: usize = 0x12000;
export const MAX_BREAKPOINTS: u32 = 128;
export const WATCHES: usize = 0x12400;
export const MAX_WATCHES: u32 = 16;

// The compiler's own data starts at 0x14000 (--memoryBase).

export const TLBS: usize = 0x20000;
/** Per hart: 4 contexts of loads, 4 of stores, 512 entries each; 3 contexts of fetches, 256 entries each. */
export const TLB_STRIDE: usize = 0x14000;

const TABLES: usize = 0x100000;

export let hartCount: i32 = 1;
export let ramBytes: u64 = 0;
export let ramPages: u32 = 0;
/** One byte a page of RAM: PAGE_ flags. */
export let pageFlags: usize = TABLES;
/** Four bytes a page of RAM: address of its decoded page, or 0. */
export let codeOfPage: usize = 0;
/** Four bytes a page of RAM: what it translates, when it is a page table; see page-tables.ts. */
export let tableNotes: usize = 0;
/** One byte a page of RAM: stores into it that took the slow path because caches depend on it. */
export let slowStores: usize = 0;
/** Four bytes a decoded page: number of the page of RAM it came from, plus 1; or 0. */
export let pageOfCode: usize = 0;
export let ramStart: usize = 0;
export let codePool: usize = 0;
export let codeSlots: u32 = 0;

@inline export function homeOf(hart: i32): usize {
  return HOMES + <usize>hart * HART_BYTES;
}

function align(address: usize): usize {
  return (address + 0xffff) & ~0xffff;
}

/** Lays the memory out and grows it. Called once. Returns false when there is not enough. */
export function layOut(bytes: u64, harts: i32, slots: u32): bool {
  if (harts < 1 || harts > MAX_HARTS) return false;
  hartCount = harts;
  ramBytes = bytes;
  ramPages = <u32>(bytes >> PAGE_SHIFT);
  codeSlots = slots;
  const pages = <usize>ramPages;
  codeOfPage = align(pageFlags + pages);
  tableNotes = align(codeOfPage + pages * 4);
  slowStores = align(tableNotes + pages * 4);
  pageOfCode = align(slowStores + pages);
  ramStart = align(pageOfCode + <usize>slots * 4);
  codePool = align(ramStart + <usize>bytes);
  const end = <u64>codePool + <u64>slots * CODE_STRIDE;
  const wanted = <i32>((end + 0xffff) >> 16);
  const missing = wanted - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}
