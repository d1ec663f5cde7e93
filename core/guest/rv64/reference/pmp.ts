// Physical memory protection (privileged specification 3.7): 16 entries, granularity 4 bytes. The lowest-numbered entry
// that matches any byte of an access decides, and must match all of them.

import { PMP_ENTRIES, PRIVILEGE_M } from "../layout.ts";
import type { Hart } from "./hart.ts";

const PMP_LOCKED = 0x80;
export const PERMIT = { read: 1, write: 2, execute: 4 } as const;
export type Permit = (typeof PERMIT)[keyof typeof PERMIT];

/** First byte and first byte after the range of entry `i`, or null when it is off. */
export function pmpRange(hart: Hart, i: number): readonly [bigint, bigint] | null {
  const address = hart.pmpaddr[i]!;
  switch ((hart.pmpcfg[i]! >> 3) & 3) {
    case 0:
      return null;
    case 1:
      return [i === 0 ? 0n : hart.pmpaddr[i - 1]! << 2n, address << 2n];
    case 2:
      return [address << 2n, (address << 2n) + 4n];
    default: {
      // NAPOT: k trailing ones of the address stand for a range of 2^(k+3) bytes.
      const trailing = address & ~(address + 1n);
      const base = (address & ~trailing) << 2n;
      return [base, base + ((trailing + 1n) << 3n)];
    }
  }
}

/** Whether an access of `size` bytes at a physical address is permitted in this privilege mode. */
export function pmpAllows(
  hart: Hart,
  address: bigint,
  size: number,
  permit: Permit,
  privilege: number,
): boolean {
  const end = address + BigInt(size);
  for (let i = 0; i < PMP_ENTRIES; i++) {
    const range = pmpRange(hart, i);
    if (range === null || end <= range[0] || address >= range[1]) continue;
    if (address < range[0] || end > range[1]) return false;
    const config = hart.pmpcfg[i]!;
    if (privilege === PRIVILEGE_M && (config & PMP_LOCKED) === 0) return true;
    return (config & permit) !== 0;
  }
  return privilege === PRIVILEGE_M;
}

/** What a write of `value` to the configuration byte of entry `i` leaves there: locked entries keep theirs. */
export function writtenConfig(old: number, value: number): number {
  if ((old & PMP_LOCKED) !== 0) return old;
  const legal = value & 0x9f;
  // Write without read is reserved; it becomes neither.
  return (legal & 3) === PERMIT.write ? legal & ~PERMIT.write : legal;
}

/** Address `i` is fixed while its entry is locked, or while it bounds a locked top-of-range entry above. */
export function addressLocked(hart: Hart, i: number): boolean {
  if ((hart.pmpcfg[i]! & PMP_LOCKED) !== 0) return true;
  const above = i + 1 < PMP_ENTRIES ? hart.pmpcfg[i + 1]! : 0;
  return (above & PMP_LOCKED) !== 0 && ((above >> 3) & 3) === 1;
}
