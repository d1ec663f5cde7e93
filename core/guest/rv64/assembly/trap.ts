// Traps: choosing the mode that takes one, entering it, returning from it; interrupts in their order of priority.

import * as arch from "../architecture";
import {
  HART_MCAUSE,
  HART_MEDELEG,
  HART_MEPC,
  HART_MIDELEG,
  HART_MIE,
  HART_MIP,
  HART_MSTATUS,
  HART_MTVAL,
  HART_MTVEC,
  HART_PC,
  HART_PINS,
  HART_PRIVILEGE,
  HART_SCAUSE,
  HART_SEPC,
  HART_STVAL,
  HART_STVEC,
  HART_TRAPPED,
  PRIVILEGE_M,
  PRIVILEGE_S,
  STOP_TRACE,
} from "../layout";
import { exit, get, privilege, relocate, set, status } from "./state";
import { contextChanged } from "./tlb";
import { TRACED } from "./translate";

const INTERRUPT: u64 = 0x8000000000000000;

function vectorTarget(vector: u64, cause: u64): u64 {
  const base = vector & ~3;
  return (vector & 1) != 0 && (cause & INTERRUPT) != 0 ? base + 4 * (cause & 63) : base;
}

function setPrivilege(mode: u32): void {
  set(HART_PRIVILEGE, mode);
  contextChanged();
}

function enterSupervisor(cause: u64, value: u64): void {
  set(HART_SEPC, get(HART_PC));
  set(HART_SCAUSE, cause);
  set(HART_STVAL, value);
  let next = get(HART_MSTATUS) & ~<u64>(arch.MSTATUS_SIE | arch.MSTATUS_SPIE | arch.MSTATUS_SPP);
  if (status(arch.MSTATUS_SIE)) next |= arch.MSTATUS_SPIE;
  if (privilege() == PRIVILEGE_S) next |= arch.MSTATUS_SPP;
  set(HART_MSTATUS, next);
  setPrivilege(PRIVILEGE_S);
  set(HART_PC, vectorTarget(get(HART_STVEC), cause));
}

function enterMachine(cause: u64, value: u64): void {
  set(HART_MEPC, get(HART_PC));
  set(HART_MCAUSE, cause);
  set(HART_MTVAL, value);
  let next = get(HART_MSTATUS) & ~<u64>(arch.MSTATUS_MIE | arch.MSTATUS_MPIE | arch.MSTATUS_MPP);
  if (status(arch.MSTATUS_MIE)) next |= arch.MSTATUS_MPIE;
  next |= <u64>privilege() << arch.MSTATUS_MPP_SHIFT;
  set(HART_MSTATUS, next);
  setPrivilege(PRIVILEGE_M);
  set(HART_PC, vectorTarget(get(HART_MTVEC), cause));
}

function enter(cause: u64, value: u64, delegation: u64): void {
  const delegated = privilege() != PRIVILEGE_M && ((delegation >> (cause & 63)) & 1) != 0;
  if (delegated) enterSupervisor(cause, value);
  else enterMachine(cause, value);
  relocate();
}

/** Page that the last run stopped at, doubled, and 1 if it is to be stored to. */
export let tracedAccess: u32 = 0;

/** Says that the instruction at HART_PC is about to access a traced page. */
function stopAtTrace(access: u32): void {
  tracedAccess = access;
  exit(STOP_TRACE);
}

/** A synchronous trap of the instruction at HART_PC, or the stop before an access that is traced. */
export function trap(cause: u64, value: u64): void {
  if (cause == TRACED) return stopAtTrace(<u32>value);
  set(HART_TRAPPED, get(HART_TRAPPED) + 1);
  enter(cause, value, get(HART_MEDELEG));
}

@inline export function pendingInterrupts(): u64 {
  return get(HART_MIP) | get(HART_PINS);
}

/** The first of 11, 3, 7, 9, 1, 5 that is set. */
function first(interrupts: u64): u64 {
  if (interrupts & 0x800) return 11;
  if (interrupts & 0x8) return 3;
  if (interrupts & 0x80) return 7;
  if (interrupts & 0x200) return 9;
  if (interrupts & 0x2) return 1;
  return 5;
}

/** Takes the interrupt that is due before the next instruction, if any. HART_PC must be current. */
export function takeInterrupt(): void {
  const ready = pendingInterrupts() & get(HART_MIE);
  if (ready == 0) return;
  const mode = privilege();
  const delegated = get(HART_MIDELEG);
  let taken: u64 = 0;
  if (mode < <u32>PRIVILEGE_M || status(arch.MSTATUS_MIE)) taken = ready & ~delegated;
  if (taken == 0 && (mode < <u32>PRIVILEGE_S || (mode == PRIVILEGE_S && status(arch.MSTATUS_SIE))))
    taken = ready & delegated;
  if (taken != 0) enter(INTERRUPT | first(taken), 0, delegated);
}

export function returnFromMachine(): void {
  let next = get(HART_MSTATUS);
  const mode = (next & arch.MSTATUS_MPP) >> arch.MSTATUS_MPP_SHIFT;
  const enable = (next & arch.MSTATUS_MPIE) != 0;
  next &= ~<u64>(arch.MSTATUS_MIE | arch.MSTATUS_MPP);
  next |= arch.MSTATUS_MPIE;
  if (enable) next |= arch.MSTATUS_MIE;
  if (mode != PRIVILEGE_M) next &= ~<u64>arch.MSTATUS_MPRV;
  set(HART_MSTATUS, next);
  set(HART_PC, get(HART_MEPC));
  setPrivilege(<u32>mode);
  relocate();
}

export function returnFromSupervisor(): void {
  let next = get(HART_MSTATUS);
  const mode: u32 = (next & arch.MSTATUS_SPP) != 0 ? PRIVILEGE_S : 0;
  const enable = (next & arch.MSTATUS_SPIE) != 0;
  next &= ~<u64>(arch.MSTATUS_SIE | arch.MSTATUS_SPP | arch.MSTATUS_MPRV);
  next |= arch.MSTATUS_SPIE;
  if (enable) next |= arch.MSTATUS_SIE;
  set(HART_MSTATUS, next);
  set(HART_PC, get(HART_SEPC));
  setPrivilege(mode);
  relocate();
}
