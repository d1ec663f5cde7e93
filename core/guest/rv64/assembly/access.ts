// The slow path of loads and stores: TLB misses, page crossings, devices, pages that caches depend on. HART_PC must hold
// the address of the instruction. If nothing is reported (`event`), the loop goes on behind the instruction; otherwise
// the program counter in the state block is where the hart continues.

import {
  HART_EXIT_KIND,
  HART_EXIT_LENGTH,
  HART_EXIT_PHYSICAL,
  HART_EXIT_REGISTER,
  HART_EXIT_VALUE,
  HART_EXIT_VIRTUAL,
  HART_EXIT_WIDTH,
  HART_PC,
  PAGE_CODE,
  PAGE_DIRTY,
  PAGE_TABLE,
  PAGE_WATCHED,
  STOP_LOAD,
  STOP_STORE,
  STOP_WATCH,
} from "../layout";
import { CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS } from "../architecture";
import { dropCode } from "./code-cache";
import { pageFlags } from "./memory-map";
import { tableStored } from "./page-tables";
import { allowsPage, PERMIT_READ, PERMIT_WRITE } from "./pmp";
import { EVENT_NONE, event, exit, get, hostOf, isRam, pageOf, set, setF, setX } from "./state";
import { dataPrivilege } from "./state";
import { fillLoad, fillStore } from "./tlb";
import { faultCause, faultValue, LOAD, resolve, resolveRam, STORE } from "./translate";
import { trap } from "./trap";
import { isWatched } from "./watches";

const GUARDED: u8 = <u8>(PAGE_CODE | PAGE_TABLE | PAGE_WATCHED);

/** Bytes of an access that lie on its first page. */
@inline function firstPart(virtual: u64, size: u32): u32 {
  const left: u32 = 4096 - (<u32>virtual & 0xfff);
  return size < left ? size : left;
}

/** Puts loaded bytes into the register they are meant for: from 32 on floating point. */
export function finishLoad(register: u32, width: u32, value: u64): void {
  if (register >= 32) {
    setF(register - 32, width == 2 ? value | 0xffffffff00000000 : value);
    return;
  }
  switch (width) {
    case 0:
      return setX(register, <u64>(<i64>(<i8>value)));
    case 1:
      return setX(register, <u64>(<i64>(<i16>value)));
    case 2:
      return setX(register, <u64>(<i64>(<i32>value)));
    default:
      return setX(register, value);
  }
}

@inline function read(host: usize, size: u32): u64 {
  if (size == 8) return load<u64>(host);
  if (size == 4) return load<u32>(host);
  if (size == 2) return load<u16>(host);
  return load<u8>(host);
}

@inline function write(host: usize, size: u32, value: u64): void {
  if (size == 8) store<u64>(host, value);
  else if (size == 4) store<u32>(host, <u32>value);
  else if (size == 2) store<u16>(host, <u16>value);
  else store<u8>(host, <u8>value);
}

/** Leaves the machine for a device; the instruction is not done. */
function suspend(
  kind: u64,
  virtual: u64,
  physical: u64,
  width: u32,
  register: u32,
  value: u64,
  length: u64,
): void {
  set(HART_EXIT_KIND, kind);
  set(HART_EXIT_VIRTUAL, virtual);
  set(HART_EXIT_PHYSICAL, physical);
  set(HART_EXIT_WIDTH, width);
  set(HART_EXIT_REGISTER, register);
  set(HART_EXIT_VALUE, value);
  set(HART_EXIT_LENGTH, length);
  exit(kind == 1 ? STOP_LOAD : STOP_STORE);
}

/** After an instruction that is done: if something was reported, it counts from the next instruction on. */
export function finish(length: u64): void {
  if (event != EVENT_NONE) set(HART_PC, get(HART_PC) + length);
}

function loadAcross(virtual: u64, size: u32, part: u32): u64 {
  const first = resolveRam(virtual, part, LOAD);
  if (faultCause != 0) return 0;
  const second = resolveRam(virtual + part, size - part, LOAD);
  if (faultCause != 0) return 0;
  let value: u64 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const at = i < part ? first + i : second + (i - part);
    value |= <u64>load<u8>(hostOf(at)) << (8 * i);
  }
  return value;
}

/** Loads: `width` is funct3, `register` as in finishLoad. */
export function loadSlow(virtual: u64, width: u32, register: u32, length: u64): void {
  const size: u32 = 1 << (width & 3);
  const part = firstPart(virtual, size);
  let value: u64 = 0;
  if (part < size) {
    value = loadAcross(virtual, size, part);
    if (faultCause != 0) return trap(faultCause, faultValue);
  } else {
    const physical = resolve(virtual, size, LOAD);
    if (faultCause != 0) return trap(faultCause, faultValue);
    if (!isRam(physical)) {
      if (virtual & (size - 1)) return trap(CAUSE_LOAD_ACCESS, virtual);
      return suspend(1, virtual, physical, width, register, 0, length);
    }
    const host = hostOf(physical);
    if (allowsPage(physical, PERMIT_READ, dataPrivilege())) fillLoad(virtual, host);
    value = read(host, size);
  }
  finishLoad(register, width, value);
  finish(length);
}

/** Every store into RAM that is not served by a TLB: dirty marks, caches that depend on the page, watches. */
export function stored(physical: u64, size: u32): void {
  const at = pageFlags + pageOf(physical);
  const flags = load<u8>(at);
  store<u8>(at, flags | PAGE_DIRTY);
  if ((flags & GUARDED) == 0) return;
  if (flags & PAGE_CODE) dropCode(physical, size);
  if (flags & PAGE_TABLE) tableStored(physical, size);
  if ((flags & PAGE_WATCHED) != 0 && isWatched(physical, size)) exit(STOP_WATCH);
}

function storeAcross(virtual: u64, size: u32, part: u32, value: u64): void {
  const first = resolveRam(virtual, part, STORE);
  if (faultCause != 0) return;
  const second = resolveRam(virtual + part, size - part, STORE);
  if (faultCause != 0) return;
  for (let i: u32 = 0; i < size; i++) {
    const at = i < part ? first + i : second + (i - part);
    store<u8>(hostOf(at), <u8>(value >> (8 * i)));
  }
  stored(first, part);
  stored(second, size - part);
}

export function storeSlow(
  virtual: u64,
  width: u32,
  register: u32,
  value: u64,
  length: u64,
): void {
  const size: u32 = 1 << width;
  const part = firstPart(virtual, size);
  if (part < size) {
    storeAcross(virtual, size, part, value);
    if (faultCause != 0) return trap(faultCause, faultValue);
    return finish(length);
  }
  const physical = resolve(virtual, size, STORE);
  if (faultCause != 0) return trap(faultCause, faultValue);
  if (!isRam(physical)) {
    if (virtual & (size - 1)) return trap(CAUSE_STORE_ACCESS, virtual);
    const bits = size == 8 ? value : value & ((<u64>1 << (8 * size)) - 1);
    return suspend(2, virtual, physical, width, register, bits, length);
  }
  keepStore(virtual, physical);
  write(hostOf(physical), size, value);
  stored(physical, size);
  finish(length);
}

/**
 * Keeps the translation of a store, where nothing depends on seeing every store into the page. To be called before the
 * store takes effect: one into a page table may change its own translation.
 */
export function keepStore(virtual: u64, physical: u64): void {
  if ((load<u8>(pageFlags + pageOf(physical)) & GUARDED) != 0) return;
  if (allowsPage(physical, PERMIT_WRITE, dataPrivilege())) fillStore(virtual, hostOf(physical));
}
