// SYSTEM instructions: environment calls, breakpoints, returns from traps, wfi, sfence.vma and the CSR instructions.

import * as arch from "../architecture.ts";
import { PRIVILEGE_M, PRIVILEGE_S, PRIVILEGE_U } from "../layout.ts";
import { csrAccessible, csrModifyBase, readCsr, writeCsr } from "./csr.ts";
import { csrOf, funct3Of, funct7Of, rdOf, rs1Of } from "./decode.ts";
import type { Hart } from "./hart.ts";
import { pendingBits, returnFromMachine, returnFromSupervisor, Trap } from "./trap.ts";

const ECALL = 0x00000073;
const EBREAK = 0x00100073;
const SRET = 0x10200073;
const MRET = 0x30200073;
const WFI = 0x10500073;
const SFENCE_VMA = 0x09;

/** What a SYSTEM instruction did: went on, jumped (pc is set), was illegal, or leaves the machine. */
export type SystemOutcome = "next" | "jumped" | "illegal" | "firmware" | "ebreak";

const has = (hart: Hart, bit: number): boolean => (hart.mstatus & BigInt(bit)) !== 0n;

function environmentCall(hart: Hart): SystemOutcome {
  if (hart.privilege === PRIVILEGE_S && hart.firmware) return "firmware";
  const causes = { 0: arch.CAUSE_ECALL_U, 1: arch.CAUSE_ECALL_S, 3: arch.CAUSE_ECALL_M };
  throw new Trap(causes[hart.privilege as 0 | 1 | 3], 0n);
}

function waitForInterrupt(hart: Hart): SystemOutcome {
  if (hart.privilege === PRIVILEGE_U) return "illegal";
  if (hart.privilege === PRIVILEGE_S && has(hart, arch.MSTATUS_TW)) return "illegal";
  hart.waiting = (pendingBits(hart) & hart.mie) === 0n;
  return "next";
}

function supervisorReturn(hart: Hart): SystemOutcome {
  if (hart.privilege === PRIVILEGE_U) return "illegal";
  if (hart.privilege === PRIVILEGE_S && has(hart, arch.MSTATUS_TSR)) return "illegal";
  returnFromSupervisor(hart);
  return "jumped";
}

/** Every access walks the tables, so there is nothing to flush; only the privilege matters. */
function fenceVirtual(hart: Hart): SystemOutcome {
  if (hart.privilege === PRIVILEGE_U) return "illegal";
  const trapped = hart.privilege === PRIVILEGE_S && has(hart, arch.MSTATUS_TVM);
  return trapped ? "illegal" : "next";
}

function executePrivileged(hart: Hart, word: number): SystemOutcome {
  if (funct7Of(word) === SFENCE_VMA && rdOf(word) === 0) return fenceVirtual(hart);
  switch (word) {
    case ECALL:
      return environmentCall(hart);
    case EBREAK:
      if (hart.ebreakExits) return "ebreak";
      throw new Trap(arch.CAUSE_BREAKPOINT, hart.pc);
    case SRET:
      return supervisorReturn(hart);
    case MRET:
      if (hart.privilege !== PRIVILEGE_M) return "illegal";
      returnFromMachine(hart);
      return "jumped";
    case WFI:
      return waitForInterrupt(hart);
    default:
      return "illegal";
  }
}

function executeCsr(hart: Hart, word: number): SystemOutcome {
  const funct3 = funct3Of(word);
  const number = csrOf(word);
  const source = rs1Of(word);
  const kind = funct3 & 3;
  // csrrs and csrrc with x0 (or immediate 0) do not write at all.
  const writes = kind === 1 || source !== 0;
  if (kind === 0 || !csrAccessible(hart, number, writes)) return "illegal";
  const old = readCsr(hart, number);
  if (old === null) return "illegal";
  const operand = funct3 >= 4 ? BigInt(source) : hart.x[source]!;
  if (writes) {
    const base = csrModifyBase(hart, number, old);
    const value = kind === 1 ? operand : kind === 2 ? base | operand : base & ~operand;
    writeCsr(hart, number, value);
  }
  if (rdOf(word) !== 0) hart.x[rdOf(word)] = old;
  return "next";
}

export const executeSystem = (hart: Hart, word: number): SystemOutcome =>
  funct3Of(word) === 0 ? executePrivileged(hart, word) : executeCsr(hart, word);
