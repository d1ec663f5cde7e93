// Decoded pages: one entry of 8 bytes per halfword of a page of RAM, made as instructions are first executed. A bounded
// pool; when it is full the page that was entered least recently goes. A store into a page that has one drops the entries of the bytes stored; a
// page that is stored to again and again loses its decoded page, and with it the slow path.

import { PAGE_CODE } from "../layout";
import {
  CODE_ENTRIES,
  CODE_STRIDE,
  codeOfPage,
  codePool,
  codeSlots,
  CODE_STAMP,
  NOWHERE,
  pageFlags,
  pageOfCode,
  ramPages,
  SCRATCH,
  slowStores,
} from "./memory-map";
import { pageOf, relocate } from "./state";
import { dropStoresTo, flushFetches } from "./tlb";

/** The entry where the address must be looked up. */
export const LOOK_UP: u64 = 1;
const PATIENCE: u8 = 64;

/** Slots that were never used come first; then this many pages have been made. */
let freshSlots: u32 = 0;
/** Number of pages made so far: the time by which recency is told. */
export let made: u32 = 0;

function fillWithLookUps(code: usize, from: usize): void {
  for (let i = from; i < CODE_ENTRIES + 2; i++) store<u64>(code + (i << 3), LOOK_UP);
}

export function initialise(): void {
  fillWithLookUps(NOWHERE, 0);
  fillWithLookUps(SCRATCH, 0);
}

@inline function slotAddress(slot: u32): usize {
  return codePool + <usize>slot * CODE_STRIDE;
}

/** Unties a page of RAM from its decoded page. Fetch entries must be flushed afterwards. */
function untie(page: u32): void {
  const code = <usize>load<u32>(codeOfPage + (<usize>page << 2));
  store<u32>(pageOfCode + (((code - codePool) / CODE_STRIDE) << 2), 0);
  store<u32>(codeOfPage + (<usize>page << 2), 0);
  store<u8>(pageFlags + page, load<u8>(pageFlags + page) & ~<u8>PAGE_CODE);
}

export function dropPage(page: u32): void {
  untie(page);
  flushFetches();
}

/** Notes that a decoded page is entered: whatever is entered later is more recent. */
@inline export function stamp(code: usize): void {
  store<u32>(code + CODE_STAMP, made);
}

/** A slot for a new page: one never used, one whose page was dropped, else that of the page entered least recently. */
function chooseSlot(): u32 {
  if (freshSlots < codeSlots) return freshSlots++;
  let oldest: u32 = 0;
  let least: u32 = 0xffffffff;
  for (let slot: u32 = 0; slot < codeSlots; slot++) {
    if (load<u32>(pageOfCode + (<usize>slot << 2)) == 0) return slot;
    const entered = load<u32>(slotAddress(slot) + CODE_STAMP);
    if (entered >= least) continue;
    least = entered;
    oldest = slot;
  }
  return oldest;
}

/** The decoded page of a page of RAM, made empty if there was none. */
export function codePage(page: u32): usize {
  const known = load<u32>(codeOfPage + (<usize>page << 2));
  if (known != 0) return known;
  const slot = chooseSlot();
  made++;
  const owner = load<u32>(pageOfCode + (<usize>slot << 2));
  if (owner != 0) dropPage(owner - 1);
  const code = slotAddress(slot);
  memory.fill(code, 0, CODE_ENTRIES << 3);
  fillWithLookUps(code, CODE_ENTRIES);
  store<u32>(pageOfCode + (<usize>slot << 2), page + 1);
  store<u32>(codeOfPage + (<usize>page << 2), <u32>code);
  store<u8>(pageFlags + page, load<u8>(pageFlags + page) | PAGE_CODE);
  store<u8>(slowStores + page, 0);
  dropStoresTo(page);
  return code;
}

/** The page of RAM that a decoded page came from. */
export function sourcePage(code: usize): u32 {
  const slot = (code - codePool) / CODE_STRIDE;
  return load<u32>(pageOfCode + (slot << 2)) - 1;
}

/** A store into a page that has a decoded page; it lies within the page. */
export function dropCode(physical: u64, size: u32): void {
  const page = pageOf(physical);
  const stores = load<u8>(slowStores + page) + 1;
  store<u8>(slowStores + page, stores);
  if (stores >= PATIENCE) {
    dropPage(page);
    return;
  }
  const code = <usize>load<u32>(codeOfPage + (<usize>page << 2));
  const offset = <usize>physical & 0xfff;
  // An instruction that begins two bytes before the store may reach into it.
  const from: usize = offset >> 1 == 0 ? 0 : (offset >> 1) - 1;
  for (let i = from; i <= (offset + size - 1) >> 1; i++) store<u64>(code + (i << 3), 0);
  relocate();
}

/** Forgets all decoded pages. */
export function dropAllCode(): void {
  for (let page: u32 = 0; page < ramPages; page++)
    if (load<u32>(codeOfPage + (<usize>page << 2)) != 0) untie(page);
  flushFetches();
}
