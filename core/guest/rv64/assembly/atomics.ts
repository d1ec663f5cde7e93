// The A extension: on RAM, naturally aligned. The reservation is the aligned eight bytes read, by physical address.

import * as arch from "../architecture";
import { HART_RESERVATION } from "../layout";
import { keepStore, finish, stored } from "./access";
import { get, hostOf, physicalOf, set, setX, x } from "./state";
import { findLoad, findStore } from "./tlb";
import { faultCause, faultValue, LOAD, resolveRam, STORE } from "./translate";
import { trap } from "./trap";

const NONE: u64 = 0xffffffffffffffff;
const LOAD_RESERVED: u32 = 2;
const STORE_CONDITIONAL: u32 = 3;

@inline function read(host: usize, wide: bool): u64 {
  return wide ? load<u64>(host) : <u64>(<i64>load<i32>(host));
}

function write(physical: u64, wide: bool, value: u64): void {
  if (wide) store<u64>(hostOf(physical), value);
  else store<u32>(hostOf(physical), <u32>value);
  stored(physical, wide ? 8 : 4);
}

/** A store that no cache depends on. */
@inline function writeFound(host: usize, wide: bool, value: u64): void {
  if (wide) store<u64>(host, value);
  else store<u32>(host, <u32>value);
}

/** The new value; operands of 32-bit atomics come sign-extended, which keeps both orders. */
function combine(kind: u32, old: u64, operand: u64): u64 {
  switch (kind) {
    case 0: return old + operand;
    case 1: return operand;
    case 4: return old ^ operand;
    case 8: return old | operand;
    case 12: return old & operand;
    case 16: return <i64>old < <i64>operand ? old : operand;
    case 20: return <i64>old > <i64>operand ? old : operand;
    case 24: return old < operand ? old : operand;
    default: return old > operand ? old : operand;
  }
}

/** 0 add, 1 swap, 4 xor, 8 or, 12 and, 16 min, 20 max, 24 minu, 28 maxu, and lr and sc. */
function known(kind: u32): bool {
  return kind <= 4 || (kind & 3) == 0;
}

function loadReserved(virtual: u64, wide: bool, rd: u32, length: u64): void {
  let host = findLoad(virtual);
  if (host == 0) {
    const physical = resolveRam(virtual, wide ? 8 : 4, LOAD);
    if (faultCause != 0) return trap(faultCause, faultValue);
    host = hostOf(physical);
  }
  set(HART_RESERVATION, physicalOf(host) & ~7);
  setX(rd, read(host, wide));
  finish(length);
}

function storeConditional(virtual: u64, wide: bool, rd: u32, value: u64, length: u64): void {
  const reserved = get(HART_RESERVATION);
  let failed: u64 = 1;
  const found = reserved == NONE ? <usize>0 : findStore(virtual);
  if (found != 0) {
    if ((physicalOf(found) & ~7) == reserved) {
      writeFound(found, wide, value);
      failed = 0;
    }
  } else if (reserved != NONE) {
    const physical = resolveRam(virtual, wide ? 8 : 4, STORE);
    if (faultCause != 0) return trap(faultCause, faultValue);
    if ((physical & ~7) == reserved) {
      keepStore(virtual, physical);
      write(physical, wide, value);
      failed = 0;
    }
  }
  set(HART_RESERVATION, NONE);
  setX(rd, failed);
  finish(length);
}

function exchange(
  virtual: u64,
  wide: bool,
  kind: u32,
  rd: u32,
  operand: u64,
  length: u64,
): void {
  const found = findStore(virtual);
  if (found != 0) {
    const old = read(found, wide);
    writeFound(found, wide, combine(kind, old, operand));
    setX(rd, old);
    return;
  }
  const physical = resolveRam(virtual, wide ? 8 : 4, STORE);
  if (faultCause != 0) return trap(faultCause, faultValue);
  const old = read(hostOf(physical), wide);
  keepStore(virtual, physical);
  write(physical, wide, combine(kind, old, operand));
  setX(rd, old);
  finish(length);
}

/** Returns false for an illegal instruction. */
export function executeAtomic(word: u32, length: u64): bool {
  const funct3 = (word >> 12) & 7;
  const kind = word >> 27;
  const rd = (word >> 7) & 31;
  const rs2 = (word >> 20) & 31;
  if ((funct3 != 2 && funct3 != 3) || !known(kind)) return false;
  if (kind == LOAD_RESERVED && rs2 != 0) return false;
  const wide = funct3 == 3;
  const virtual = x((word >> 15) & 31);
  if (virtual & (wide ? 7 : 3)) {
    trap(kind == LOAD_RESERVED ? arch.CAUSE_LOAD_MISALIGNED : arch.CAUSE_STORE_MISALIGNED, virtual);
    return true;
  }
  const operand = wide ? x(rs2) : <u64>(<i64>(<i32>x(rs2)));
  if (kind == LOAD_RESERVED) loadReserved(virtual, wide, rd, length);
  else if (kind == STORE_CONDITIONAL) storeConditional(virtual, wide, rd, operand, length);
  else exchange(virtual, wide, kind, rd, operand, length);
  return true;
}
