// Sv39 address translation (privileged specification 4.3.2 and 4.4), walked anew at every access: accessed and dirty bits
// are set by the machine, a translation is never remembered.

import * as arch from "../architecture.ts";
import { PRIVILEGE_M, PRIVILEGE_S, PRIVILEGE_U } from "../layout.ts";
import type { Hart } from "./hart.ts";
import type { PhysicalMemory } from "./memory.ts";
import { PERMIT, pmpAllows } from "./pmp.ts";
import { Trap } from "./trap.ts";

export type Access = "fetch" | "load" | "store";

const PAGE_FAULT = {
  fetch: arch.CAUSE_FETCH_PAGE,
  load: arch.CAUSE_LOAD_PAGE,
  store: arch.CAUSE_STORE_PAGE,
} as const;

export const ACCESS_FAULT = {
  fetch: arch.CAUSE_FETCH_ACCESS,
  load: arch.CAUSE_LOAD_ACCESS,
  store: arch.CAUSE_STORE_ACCESS,
} as const;

/** The privilege an access is made with: loads and stores follow MPP while mstatus.MPRV is set. */
export function effectivePrivilege(hart: Hart, access: Access): number {
  const modified = (hart.mstatus & BigInt(arch.MSTATUS_MPRV)) !== 0n;
  if (access === "fetch" || !modified) return hart.privilege;
  return Number(hart.mstatus & BigInt(arch.MSTATUS_MPP)) >> arch.MSTATUS_MPP_SHIFT;
}

function leafPermits(hart: Hart, pte: number, access: Access, privilege: number): boolean {
  const user = (pte & arch.PTE_U) !== 0;
  if (privilege === PRIVILEGE_U && !user) return false;
  if (privilege === PRIVILEGE_S && user) {
    const sum = (hart.mstatus & BigInt(arch.MSTATUS_SUM)) !== 0n;
    if (access === "fetch" || !sum) return false;
  }
  if (access === "fetch") return (pte & arch.PTE_X) !== 0;
  if (access === "store") return (pte & arch.PTE_W) !== 0;
  const mxr = (hart.mstatus & BigInt(arch.MSTATUS_MXR)) !== 0n;
  return (pte & arch.PTE_R) !== 0 || (mxr && (pte & arch.PTE_X) !== 0);
}

/** Translates one virtual address. Throws a page fault, or an access fault where a page table cannot be reached. */
export function translate(
  hart: Hart,
  memory: PhysicalMemory,
  virtual: bigint,
  access: Access,
): bigint {
  const privilege = effectivePrivilege(hart, access);
  if (privilege === PRIVILEGE_M || hart.satp >> 60n === 0n) return virtual;
  const pageFault = (): Trap => new Trap(PAGE_FAULT[access], virtual);
  const accessFault = (): Trap => new Trap(ACCESS_FAULT[access], virtual);
  if (BigInt.asUintN(64, BigInt.asIntN(39, virtual)) !== virtual) throw pageFault();

  let table = (hart.satp & ((1n << 44n) - 1n)) << 12n;
  for (let level = 2n; level >= 0n; level--) {
    const entryAddress = table + ((virtual >> (12n + 9n * level)) & 511n) * 8n;
    if (!memory.isRam(entryAddress, 8)) throw accessFault();
    if (!pmpAllows(hart, entryAddress, 8, PERMIT.read, PRIVILEGE_S)) throw accessFault();
    memory.seen(entryAddress, false);
    const entry = memory.read(entryAddress, 8);
    const pte = Number(entry & 0xffn);
    const reserved = entry >> 54n !== 0n;
    if ((pte & arch.PTE_V) === 0 || (pte & (arch.PTE_R | arch.PTE_W)) === arch.PTE_W || reserved)
      throw pageFault();
    const physicalPage = (entry >> 10n) & ((1n << 44n) - 1n);
    if ((pte & (arch.PTE_R | arch.PTE_X)) === 0) {
      if ((pte & (arch.PTE_A | arch.PTE_D | arch.PTE_U)) !== 0) throw pageFault();
      table = physicalPage << 12n;
      continue;
    }
    if (!leafPermits(hart, pte, access, privilege)) throw pageFault();
    const withinPages = (1n << (9n * level)) - 1n;
    if ((physicalPage & withinPages) !== 0n) throw pageFault();
    const wanted = arch.PTE_A | (access === "store" ? arch.PTE_D : 0);
    if ((pte & wanted) !== wanted) {
      if (!pmpAllows(hart, entryAddress, 8, PERMIT.write, PRIVILEGE_S)) throw accessFault();
      memory.seen(entryAddress, true);
      memory.write(entryAddress, 8, entry | BigInt(wanted));
    }
    const offset = virtual & ((withinPages << 12n) | 0xfffn);
    return (physicalPage << 12n) | offset;
  }
  throw pageFault();
}
