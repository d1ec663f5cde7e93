// Sv39: the walk, with accessed and dirty bits set by the machine, and the protection of what it reaches. The result of
// a failed walk is a cause and a value in `faultCause` and `faultValue`; causes are never zero.

import * as arch from "../architecture";
import {
  HART_SATP,
  PAGE_CODE,
  PAGE_DIRTY,
  PAGE_STORE_TRACED,
  PAGE_TRACED,
  PRIVILEGE_M,
  PRIVILEGE_S,
  PRIVILEGE_U,
} from "../layout";
import { dropCode } from "./code-cache";
import { pageFlags } from "./memory-map";
import { noteTable } from "./page-tables";
import { allows, PERMIT_EXECUTE, PERMIT_READ, PERMIT_WRITE } from "./pmp";
import { dataPrivilege, get, hostOf, isRam, pageOf, privilege, status } from "./state";

export const FETCH: u32 = 0;
export const LOAD: u32 = 1;
export const STORE: u32 = 2;

/** No cause of a trap: the access is to a traced page, and the run ends before it (see trap.ts). */
export const TRACED: u64 = 0x7fffffffffffffff;
const SEEN_STORES: u8 = <u8>(PAGE_STORE_TRACED | PAGE_TRACED);

export let faultCause: u64 = 0;
export let faultValue: u64 = 0;

@inline export function permitOf(access: u32): u32 {
  return access == FETCH ? PERMIT_EXECUTE : access == LOAD ? PERMIT_READ : PERMIT_WRITE;
}

@inline export function modeOf(access: u32): u32 {
  return access == FETCH ? privilege() : dataPrivilege();
}

function pageFault(access: u32, virtual: u64): u64 {
  faultCause =
    access == FETCH
      ? arch.CAUSE_FETCH_PAGE
      : access == LOAD
        ? arch.CAUSE_LOAD_PAGE
        : arch.CAUSE_STORE_PAGE;
  faultValue = virtual;
  return 0;
}

export function accessFault(access: u32, virtual: u64): u64 {
  faultCause =
    access == FETCH
      ? arch.CAUSE_FETCH_ACCESS
      : access == LOAD
        ? arch.CAUSE_LOAD_ACCESS
        : arch.CAUSE_STORE_ACCESS;
  faultValue = virtual;
  return 0;
}

/** Whether the host wants to see an access to a place in RAM first; then that is the "fault". */
function isTraced(physical: u64, access: u32): bool {
  const flags = load<u8>(pageFlags + pageOf(physical));
  if ((flags & (access == STORE ? SEEN_STORES : <u8>PAGE_TRACED)) == 0) return false;
  faultCause = TRACED;
  faultValue = (<u64>pageOf(physical) << 1) | (access == STORE ? 1 : 0);
  return true;
}

function leafPermits(pte: u64, access: u32, mode: u32): bool {
  const user = (pte & arch.PTE_U) != 0;
  if (mode == PRIVILEGE_U && !user) return false;
  if (mode == PRIVILEGE_S && user && (access == FETCH || !status(arch.MSTATUS_SUM))) return false;
  if (access == FETCH) return (pte & arch.PTE_X) != 0;
  if (access == STORE) return (pte & arch.PTE_W) != 0;
  return (pte & arch.PTE_R) != 0 || (status(arch.MSTATUS_MXR) && (pte & arch.PTE_X) != 0);
}

/** The walk itself wrote a page table entry. */
function markEntry(physical: u64, pte: u64): void {
  store<u64>(hostOf(physical), pte);
  const flags = pageFlags + pageOf(physical);
  store<u8>(flags, load<u8>(flags) | PAGE_DIRTY);
  if (load<u8>(flags) & PAGE_CODE) dropCode(physical, 8);
}

/** Sets accessed and dirty as the access needs; false when protection forbids writing the entry. */
function touch(at: u64, pte: u64, access: u32): bool {
  const wanted: u64 = access == STORE ? arch.PTE_A | arch.PTE_D : arch.PTE_A;
  if ((pte & wanted) == wanted) return true;
  if (!allows(at, 8, PERMIT_WRITE, PRIVILEGE_S)) return false;
  if (isTraced(at, STORE)) return true;
  markEntry(at, pte | wanted);
  return true;
}

/** Physical address of a virtual one. On a fault, `faultCause` is set. */
function walk(virtual: u64, access: u32, mode: u32): u64 {
  if (<u64>(<i64>(virtual << 25) >> 25) != virtual) return pageFault(access, virtual);
  let table = (get(HART_SATP) & 0xfffffffffff) << 12;
  for (let level: i32 = 2; level >= 0; level--) {
    const shift = <u64>(12 + 9 * level);
    const at = table + ((virtual >> shift) & 511) * 8;
    if (!isRam(at) || !allows(at, 8, PERMIT_READ, PRIVILEGE_S)) return accessFault(access, virtual);
    if (isTraced(at, LOAD)) return 0;
    const pte = load<u64>(hostOf(at));
    const rwx = pte & (arch.PTE_R | arch.PTE_W | arch.PTE_X);
    const reserved = (rwx & (arch.PTE_R | arch.PTE_W)) == arch.PTE_W || pte >> 54 != 0;
    if ((pte & arch.PTE_V) == 0 || reserved) return pageFault(access, virtual);
    const frame = ((pte >> 10) & 0xfffffffffff) << 12;
    noteTable(at, level, virtual);
    if ((rwx & (arch.PTE_R | arch.PTE_X)) == 0) {
      if (pte & (arch.PTE_A | arch.PTE_D | arch.PTE_U)) return pageFault(access, virtual);
      table = frame;
      continue;
    }
    const within = (<u64>1 << shift) - 1;
    if (!leafPermits(pte, access, mode) || (frame & within) != 0) return pageFault(access, virtual);
    if (!touch(at, pte, access)) return accessFault(access, virtual);
    return frame | (virtual & within);
  }
  return pageFault(access, virtual);
}

/** Physical address of an access within one page, protection checked; it may lie outside RAM. */
export function resolve(virtual: u64, size: u64, access: u32): u64 {
  faultCause = 0;
  const mode = modeOf(access);
  const translated = mode != PRIVILEGE_M && get(HART_SATP) >> 60 != 0;
  const physical = translated ? walk(virtual, access, mode) : virtual;
  if (faultCause != 0) return 0;
  if (physical >> 56 != 0 || !allows(physical, size, permitOf(access), mode))
    return accessFault(access, virtual);
  if (isRam(physical) && isTraced(physical, access)) return 0;
  return physical;
}

/** The same for accesses that devices do not take. */
export function resolveRam(virtual: u64, size: u64, access: u32): u64 {
  const physical = resolve(virtual, size, access);
  if (faultCause == 0 && !isRam(physical)) return accessFault(access, virtual);
  return physical;
}
