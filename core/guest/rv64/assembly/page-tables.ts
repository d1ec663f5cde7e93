// Which pages of RAM supplied translations that are still cached. Translation must behave as if every access walked the
// tables, so a store into such a page drops what came from it. A page used only as the last level of one 2 MiB region
// drops the pages of the entries stored to; any other drops everything.

import { PAGE_TABLE } from "../layout";
import { pageFlags, slowStores, tableNotes } from "./memory-map";
import { pageOf } from "./state";
import { dropStoresTo, dropVirtual, flushTranslated } from "./tlb";

// A note: the number of the region (18 bits) with REGION, or MANY.
const REGION: u32 = 0x40000;
const MANY: u32 = 0x80000;
/** After so many slow stores a page is probably no page table any more, or is being rewritten. */
const PATIENCE: u8 = 64;

/** The walk for `virtual` read an entry of this level (0: last) in the page at `physical`. */
export function noteTable(physical: u64, level: u32, virtual: u64): void {
  const page = pageOf(physical);
  const note = level == 0 ? REGION | ((<u32>(virtual >> 21)) & 0x3ffff) : MANY;
  const at = tableNotes + ((<usize>page) << 2);
  const flags = load<u8>(pageFlags + page);
  if ((flags & PAGE_TABLE) == 0) {
    store<u8>(pageFlags + page, flags | PAGE_TABLE);
    dropStoresTo(page);
    store<u8>(slowStores + page, 0);
    store<u32>(at, note);
  } else if (load<u32>(at) != note) store<u32>(at, MANY);
}

function forget(page: u32): void {
  flushTranslated();
  store<u8>(pageFlags + page, load<u8>(pageFlags + page) & ~(<u8>PAGE_TABLE));
}

/** A store of `size` bytes into a page that is marked as a page table; it lies within the page. */
export function tableStored(physical: u64, size: u32): void {
  const page = pageOf(physical);
  const note = load<u32>(tableNotes + ((<usize>page) << 2));
  const stores = load<u8>(slowStores + page) + 1;
  store<u8>(slowStores + page, stores);
  if (note == MANY || stores >= PATIENCE) {
    forget(page);
    return;
  }
  const region = <u64>((<i64>(((<u64>note) & 0x3ffff) << 46)) >> 25);
  const last = (((<u32>physical) & 0xfff) + size - 1) >> 3;
  for (let i = ((<u32>physical) & 0xfff) >> 3; i <= last; i++)
    dropVirtual(region | ((<u64>i) << 12));
}
