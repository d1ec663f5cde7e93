// Ranges of RAM whose stores end a run, and breakpoints on virtual addresses. Settings of the host, not state.

import { PAGE_WATCHED, RAM_BASE } from "../layout";
import {
  BREAKPOINTS,
  MAX_BREAKPOINTS,
  MAX_WATCHES,
  pageFlags,
  ramPages,
  WATCHES,
} from "./memory-map";
import { isRam, pageOf } from "./state";
import { dropStoresTo, flushFetches } from "./tlb";

let watches: u32 = 0;
export let breakpoints: u32 = 0;

export function clearWatches(): void {
  watches = 0;
  for (let page: u32 = 0; page < ramPages; page++) {
    const at = pageFlags + page;
    store<u8>(at, load<u8>(at) & ~(<u8>PAGE_WATCHED));
  }
}

/** False when there are too many, or the range is not in RAM. */
export function addWatch(address: u64, size: u64): bool {
  if (watches >= MAX_WATCHES || size == 0) return false;
  if (address < <u64>RAM_BASE || !isRam(address + size - 1)) return false;
  store<u64>(WATCHES + ((<usize>watches) << 4), address);
  store<u64>(WATCHES + ((<usize>watches) << 4), address + size, 8);
  watches++;
  for (let page = pageOf(address); page <= pageOf(address + size - 1); page++) {
    store<u8>(pageFlags + page, load<u8>(pageFlags + page) | PAGE_WATCHED);
    dropStoresTo(page);
  }
  return true;
}

export function isWatched(physical: u64, size: u32): bool {
  for (let i: u32 = 0; i < watches; i++) {
    const at = WATCHES + ((<usize>i) << 4);
    if (physical < load<u64>(at, 8) && physical + size > load<u64>(at)) return true;
  }
  return false;
}

export function clearBreakpoints(): void {
  breakpoints = 0;
  flushFetches();
}

export function addBreakpoint(address: u64): bool {
  if (breakpoints >= MAX_BREAKPOINTS) return false;
  store<u64>(BREAKPOINTS + ((<usize>breakpoints) << 3), address);
  breakpoints++;
  flushFetches();
  return true;
}

export function isBreakpoint(pc: u64): bool {
  for (let i: u32 = 0; i < breakpoints; i++)
    if (load<u64>(BREAKPOINTS + ((<usize>i) << 3)) == pc) return true;
  return false;
}

/** Whether a virtual page holds a breakpoint: its instructions are then looked up one by one. */
export function pageHasBreakpoint(pc: u64): bool {
  for (let i: u32 = 0; i < breakpoints; i++)
    if (load<u64>(BREAKPOINTS + ((<usize>i) << 3)) >> 12 == pc >> 12) return true;
  return false;
}
