// Physical memory protection: 16 entries, the lowest-numbered that matches any byte decides.

import { HART_PMPADDR, HART_PMPCFG, PMP_ENTRIES, PRIVILEGE_M } from "../layout";
import { ACTIVE } from "./memory-map";

const LOCKED: u32 = 0x80;
export const PERMIT_READ: u32 = 1;
export const PERMIT_WRITE: u32 = 2;
export const PERMIT_EXECUTE: u32 = 4;

@inline function configOf(i: u32): u32 {
  return load<u8>(ACTIVE + HART_PMPCFG + <usize>i);
}

@inline function addressOf(i: u32): u64 {
  return load<u64>(ACTIVE + HART_PMPADDR + (<usize>i << 3));
}

let first: u64 = 0;
let end: u64 = 0;

/** Puts the range of an entry into `first` and `end`; false when the entry is off. */
function range(i: u32, config: u32): bool {
  const address = addressOf(i);
  switch ((config >> 3) & 3) {
    case 0:
      return false;
    case 1:
      first = i == 0 ? 0 : addressOf(i - 1) << 2;
      end = address << 2;
      return true;
    case 2:
      first = address << 2;
      end = first + 4;
      return true;
    default: {
      const trailing = address & ~(address + 1);
      first = (address & ~trailing) << 2;
      end = first + ((trailing + 1) << 3);
      return true;
    }
  }
}

@inline function decides(config: u32, permit: u32, mode: u32): bool {
  return (mode == PRIVILEGE_M && (config & LOCKED) == 0) || (config & permit) != 0;
}

/** Whether the access is allowed. */
export function allows(physical: u64, size: u64, permit: u32, mode: u32): bool {
  const last = physical + size;
  for (let i: u32 = 0; i < <u32>PMP_ENTRIES; i++) {
    const config = configOf(i);
    if (!range(i, config) || last <= first || physical >= end) continue;
    return physical >= first && last <= end && decides(config, permit, mode);
  }
  return mode == PRIVILEGE_M;
}

/**
 * Whether every access to the page of a physical address is allowed, so that a translation may be kept: the entry that
 * decides must cover the whole page, which is what `allows` demands of an access of that size.
 */
export function allowsPage(physical: u64, permit: u32, mode: u32): bool {
  return allows(physical & ~0xfff, 4096, permit, mode);
}

export function writeConfig(i: u32, value: u32): void {
  if (configOf(i) & LOCKED) return;
  let legal = value & 0x9f;
  if ((legal & 3) == PERMIT_WRITE) legal &= ~PERMIT_WRITE;
  store<u8>(ACTIVE + HART_PMPCFG + <usize>i, <u8>legal);
}

export function writeAddress(i: u32, value: u64): void {
  if (configOf(i) & LOCKED) return;
  if (i + 1 < <u32>PMP_ENTRIES) {
    const above = configOf(i + 1);
    if ((above & LOCKED) != 0 && ((above >> 3) & 3) == 1) return;
  }
  store<u64>(ACTIVE + HART_PMPADDR + (<usize>i << 3), value & 0x3fffffffffffff);
}
