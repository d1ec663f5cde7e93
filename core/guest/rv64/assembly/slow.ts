// Instructions outside the loop: SYSTEM and atomics. HART_PC and HART_PROGRESS are current. An instruction that reports
// something leaves HART_PC where the hart goes on.

import * as arch from "../architecture";
import {
  HART_EBREAK_EXITS,
  HART_FIRMWARE,
  HART_MIE,
  HART_MIP,
  HART_PC,
  HART_TRAPPED,
  HART_WAITING,
  PRIVILEGE_M,
  PRIVILEGE_S,
  PRIVILEGE_U,
  STOP_EBREAK,
  STOP_FIRMWARE,
} from "../layout";
import { executeAtomic } from "./atomics";
import { accessible, exists, readCsr, writeCsr } from "./csr";
import { exit, get, hostOf, privilege, relocate, set } from "./state";
import { setX, status, x } from "./state";
import { loads } from "./tlb";
import { FETCH, resolveRam } from "./translate";
import { pendingInterrupts, returnFromMachine, returnFromSupervisor, trap } from "./trap";

/** Traps with the instruction as it stands in memory, which was just fetched and so can be read. */
export function illegal(length: u64): void {
  const pc = get(HART_PC);
  let raw: u64 = load<u16>(hostOf(resolveRam(pc, 2, FETCH)));
  if (length == 4) raw |= (<u64>load<u16>(hostOf(resolveRam(pc + 2, 2, FETCH)))) << 16;
  trap(arch.CAUSE_ILLEGAL, raw);
}

/** Goes on behind the instruction, with everything looked at anew. */
function resume(length: u64): void {
  set(HART_PC, get(HART_PC) + length);
  relocate();
}

function environmentCall(length: u64): void {
  const mode = privilege();
  if (mode == PRIVILEGE_S && get(HART_FIRMWARE) != 0) {
    set(HART_TRAPPED, get(HART_TRAPPED) + 1);
    set(HART_PC, get(HART_PC) + length);
    exit(STOP_FIRMWARE);
    return;
  }
  trap(
    mode == PRIVILEGE_U
      ? arch.CAUSE_ECALL_U
      : mode == PRIVILEGE_S
        ? arch.CAUSE_ECALL_S
        : arch.CAUSE_ECALL_M,
    0,
  );
}

/** Whether a privileged instruction is forbidden: in user mode, and in supervisor mode under a bit of mstatus. */
function forbidden(bit: u64): bool {
  const mode = privilege();
  return mode == PRIVILEGE_U || (mode == PRIVILEGE_S && status(bit));
}

function privileged(word: u32, length: u64): void {
  switch (word) {
    case 0x00000073:
      return environmentCall(length);
    case 0x00100073:
      if (get(HART_EBREAK_EXITS) != 0) return exit(STOP_EBREAK);
      return trap(arch.CAUSE_BREAKPOINT, get(HART_PC));
    case 0x10200073:
      return forbidden(arch.MSTATUS_TSR) ? illegal(length) : returnFromSupervisor();
    case 0x30200073:
      return privilege() != PRIVILEGE_M ? illegal(length) : returnFromMachine();
    case 0x10500073:
      if (forbidden(arch.MSTATUS_TW)) return illegal(length);
      if ((pendingInterrupts() & get(HART_MIE)) == 0) set(HART_WAITING, 1);
      return resume(length);
  }
  // sfence.vma: translations are never stale, so only the privilege matters.
  const fence = word >> 25 == 9 && ((word >> 7) & 31) == 0;
  if (!fence || forbidden(arch.MSTATUS_TVM)) illegal(length);
}

function controlRegister(word: u32, length: u64): void {
  const funct3 = (word >> 12) & 7;
  const number = word >> 20;
  const source = (word >> 15) & 31;
  const kind = funct3 & 3;
  const writes = kind == 1 || source != 0;
  if (kind == 0 || !accessible(number, writes)) return illegal(length);
  const old = readCsr(number);
  if (!exists) return illegal(length);
  const operand: u64 = funct3 >= 4 ? source : x(source);
  if (!writes) return setX((word >> 7) & 31, old);
  // Pins are seen in mip but never written back into it.
  const base = number == arch.CSR_MIP ? get(HART_MIP) : old;
  const context = loads;
  writeCsr(number, kind == 1 ? operand : kind == 2 ? base | operand : base & ~operand);
  setX((word >> 7) & 31, old);
  if (!passesUnnoticed(number) || loads != context || interruptWaits()) resume(length);
}

/** Registers whose writes change nothing for the loop, apart from the context of loads and stores and interrupts. */
function passesUnnoticed(number: u32): bool {
  switch (number) {
    case arch.CSR_SSTATUS:
    case arch.CSR_FFLAGS:
    case arch.CSR_FRM:
    case arch.CSR_FCSR:
    case arch.CSR_SSCRATCH:
    case arch.CSR_SEPC:
    case arch.CSR_SCAUSE:
    case arch.CSR_STVAL:
      return true;
    default:
      return false;
  }
}

/** Whether an interrupt could be taken as soon as it is enabled. */
function interruptWaits(): bool {
  return (pendingInterrupts() & get(HART_MIE)) != 0;
}

export function executeSlow(word: u32, length: u64): void {
  if ((word & 0x7f) == 0x2f) {
    if (!executeAtomic(word, length)) illegal(length);
    return;
  }
  if (((word >> 12) & 7) == 0) privileged(word, length);
  else controlRegister(word, length);
}
