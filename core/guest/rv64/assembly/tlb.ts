// Software TLBs. Loads and stores have four contexts (user; supervisor; supervisor with SUM; machine), fetches three. An
// entry of 16 bytes is the virtual page number (all ones: empty) and, for data, what to add to a virtual address to get
// its place in the linear memory; for fetches, the decoded page. Only RAM is ever cached, and only pages in which every
// access of that kind is allowed. A page that supplied code, translations or is watched never has a store entry, so every
// store into it is seen.

import { HART_MSTATUS, PAGE_TABLE, PRIVILEGE_M, PRIVILEGE_S } from "../layout";
import { MSTATUS_SUM } from "../architecture";
import { hartCount, pageFlags, ramPages, ramStart, TLB_STRIDE, TLBS } from "./memory-map";
import { dataPrivilege, get, privilege, relocate } from "./state";

export const DATA_ENTRIES: usize = 512;
const DATA_CONTEXT: usize = DATA_ENTRIES * 16;
export const STORES: usize = 4 * DATA_CONTEXT;
const FETCHES: usize = 8 * DATA_CONTEXT;
const FETCH_CONTEXT: usize = 256 * 16;
const MACHINE_CONTEXT: usize = 3 * DATA_CONTEXT;

const EMPTY: u64 = 0xffffffffffffffff;
/** A store entry may exist for this page of RAM. */
export const PAGE_STORE_CACHED: u8 = 16;

/** Load entries of the current context; the store entries are STORES behind. */
export let loads: usize = TLBS;
/** Fetch entries of the current privilege. */
export let fetches: usize = TLBS + FETCHES;

let base: usize = TLBS;

export function selectHart(hart: i32): void {
  base = TLBS + <usize>hart * TLB_STRIDE;
  contextChanged();
}

/** Call after every change of privilege, mstatus.MPRV, MPP or SUM. */
export function contextChanged(): void {
  const mode = dataPrivilege();
  let context: usize = mode == PRIVILEGE_M ? 3 : mode == PRIVILEGE_S ? 1 : 0;
  if (context == 1 && (get(HART_MSTATUS) & MSTATUS_SUM) != 0) context = 2;
  loads = base + context * DATA_CONTEXT;
  const own = privilege();
  const fetchContext: usize = own == PRIVILEGE_M ? 2 : own;
  fetches = base + FETCHES + fetchContext * FETCH_CONTEXT;
}

@inline export function dataEntry(context: usize, virtual: u64): usize {
  return context + ((<usize>(virtual >> 8)) & 0x1ff0);
}

@inline function fetchEntry(context: usize, virtual: u64): usize {
  return context + ((<usize>(virtual >> 8)) & 0xff0);
}

/** Where the aligned word at a virtual address lies in the linear memory; 0 when no load entry says so. */
@inline export function findLoad(virtual: u64): usize {
  const entry = dataEntry(loads, virtual);
  return load<u64>(entry) == virtual >> 12 ? <usize>(virtual + load<u64>(entry, 8)) : 0;
}

/** The same for stores. */
@inline export function findStore(virtual: u64): usize {
  const entry = dataEntry(loads + STORES, virtual);
  return load<u64>(entry) == virtual >> 12 ? <usize>(virtual + load<u64>(entry, 8)) : 0;
}

export function fillLoad(virtual: u64, host: usize): void {
  const entry = dataEntry(loads, virtual);
  store<u64>(entry, virtual >> 12);
  store<u64>(entry, <u64>host - virtual, 8);
}

export function fillStore(virtual: u64, host: usize): void {
  const entry = dataEntry(loads + STORES, virtual);
  store<u64>(entry, virtual >> 12);
  store<u64>(entry, <u64>host - virtual, 8);
  const flags = pageFlags + ((host - ramStart) >> 12);
  store<u8>(flags, load<u8>(flags) | PAGE_STORE_CACHED);
}

export function fillFetch(virtual: u64, code: usize): void {
  const entry = fetchEntry(fetches, virtual);
  store<u64>(entry, virtual >> 12);
  store<u64>(entry, code, 8);
}

/** The decoded page of a virtual page, or 0. */
@inline export function findFetch(virtual: u64): usize {
  const entry = fetchEntry(fetches, virtual);
  return load<u64>(entry) == virtual >> 12 ? <usize>load<u64>(entry, 8) : 0;
}

/** Forgets all translations of user and supervisor mode, of every hart. */
export function flushTranslated(): void {
  for (let hart = 0; hart < hartCount; hart++) {
    const start = TLBS + <usize>hart * TLB_STRIDE;
    memory.fill(start, 0xff, MACHINE_CONTEXT);
    memory.fill(start + STORES, 0xff, MACHINE_CONTEXT);
    memory.fill(start + FETCHES, 0xff, 2 * FETCH_CONTEXT);
  }
  relocate();
}

/** The same for the running hart only. */
export function flushOwnTranslated(): void {
  memory.fill(base, 0xff, MACHINE_CONTEXT);
  memory.fill(base + STORES, 0xff, MACHINE_CONTEXT);
  memory.fill(base + FETCHES, 0xff, 2 * FETCH_CONTEXT);
  relocate();
}

/** Forgets the load translations of user and supervisor mode of the running hart. */
export function flushOwnLoads(): void {
  memory.fill(base, 0xff, MACHINE_CONTEXT);
}

/** Forgets everything of the running hart, machine mode included. */
export function flushOwn(): void {
  memory.fill(base, 0xff, FETCHES + 3 * FETCH_CONTEXT);
  relocate();
}

export function flushAll(): void {
  memory.fill(TLBS, 0xff, TLB_STRIDE * <usize>hartCount);
  relocate();
}

/** Forgets all fetch entries, of every hart and mode. */
export function flushFetches(): void {
  for (let hart = 0; hart < hartCount; hart++)
    memory.fill(TLBS + <usize>hart * TLB_STRIDE + FETCHES, 0xff, 3 * FETCH_CONTEXT);
  relocate();
}

function dropIf(entry: usize, page: u64): void {
  if (load<u64>(entry) == page) store<u64>(entry, EMPTY);
}

/** Forgets one virtual page in user and supervisor mode, of every hart. */
export function dropVirtual(virtual: u64): void {
  const page = virtual >> 12;
  for (let hart = 0; hart < hartCount; hart++) {
    const start = TLBS + <usize>hart * TLB_STRIDE;
    for (let context: usize = 0; context < 3; context++) {
      dropIf(dataEntry(start + context * DATA_CONTEXT, virtual), page);
      dropIf(dataEntry(start + STORES + context * DATA_CONTEXT, virtual), page);
    }
    dropIf(fetchEntry(start + FETCHES, virtual), page);
    dropIf(fetchEntry(start + FETCHES + FETCH_CONTEXT, virtual), page);
  }
  relocate();
}

/** From now on every store into this page of RAM takes the slow path. */
export function dropStoresTo(page: u32): void {
  const flags = pageFlags + page;
  if ((load<u8>(flags) & PAGE_STORE_CACHED) == 0) return;
  store<u8>(flags, load<u8>(flags) & ~PAGE_STORE_CACHED);
  const host = <u64>(ramStart + (<usize>page << 12));
  for (let hart = 0; hart < hartCount; hart++) {
    const start = TLBS + <usize>hart * TLB_STRIDE + STORES;
    for (let i: usize = 0; i < 4 * DATA_ENTRIES; i++) {
      const entry = start + i * 16;
      const tag = load<u64>(entry);
      if (tag != EMPTY && (tag << 12) + load<u64>(entry, 8) == host) store<u64>(entry, EMPTY);
    }
  }
}

/** Forgets all store entries, so that the next store into each page marks it dirty again. */
export function flushStores(): void {
  for (let hart = 0; hart < hartCount; hart++)
    memory.fill(TLBS + <usize>hart * TLB_STRIDE + STORES, 0xff, STORES);
  for (let page: u32 = 0; page < ramPages; page++) {
    const flags = pageFlags + page;
    store<u8>(flags, load<u8>(flags) & ~PAGE_STORE_CACHED);
  }
}

export function clearTableFlags(): void {
  for (let page: u32 = 0; page < ramPages; page++) {
    const flags = pageFlags + page;
    store<u8>(flags, load<u8>(flags) & ~<u8>PAGE_TABLE);
  }
}
