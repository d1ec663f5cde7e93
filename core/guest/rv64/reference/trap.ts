// Traps (privileged specification 3.1.6 to 3.1.15 and 4.1): raising one, choosing the mode that takes it, and returning.
// A synchronous trap is thrown as a `Trap` by whatever finds it; nothing may have been changed by then except accessed
// and dirty bits of page tables.

import * as arch from "../architecture.ts";
import { PRIVILEGE_M, PRIVILEGE_S, PRIVILEGE_U } from "../layout.ts";
import type { Hart } from "./hart.ts";

export class Trap extends Error {
  readonly trapCause: number;
  readonly value: bigint;
  constructor(trapCause: number, value: bigint) {
    super(`trap ${trapCause}`);
    this.trapCause = trapCause;
    this.value = value;
  }
}

const INTERRUPT = 1n << 63n;

const bit = (value: bigint, mask: number): boolean => (value & BigInt(mask)) !== 0n;

/** `vector` with its mode: vectored interrupts enter at base + 4 * cause. */
function vectorTarget(vector: bigint, cause: bigint): bigint {
  const base = vector & ~3n;
  const vectored = (vector & 1n) === 1n && (cause & INTERRUPT) !== 0n;
  return vectored ? BigInt.asUintN(64, base + 4n * (cause & 63n)) : base;
}

/** Copies `from` (a bit of mstatus) into `to`, and clears `from`. */
function stackInterruptEnable(status: bigint, from: number, to: number): bigint {
  const cleared = status & ~BigInt(from | to);
  return bit(status, from) ? cleared | BigInt(to) : cleared;
}

/** Takes a trap: `cause` has bit 63 set for an interrupt. */
export function enterTrap(hart: Hart, cause: bigint, value: bigint): void {
  const delegation = (cause & INTERRUPT) !== 0n ? hart.mideleg : hart.medeleg;
  const delegated = hart.privilege !== PRIVILEGE_M && ((delegation >> (cause & 63n)) & 1n) === 1n;
  if (delegated) {
    hart.sepc = hart.pc;
    hart.scause = cause;
    hart.stval = value;
    let status = stackInterruptEnable(hart.mstatus, arch.MSTATUS_SIE, arch.MSTATUS_SPIE);
    status &= ~BigInt(arch.MSTATUS_SPP);
    if (hart.privilege === PRIVILEGE_S) status |= BigInt(arch.MSTATUS_SPP);
    hart.mstatus = status;
    hart.privilege = PRIVILEGE_S;
    hart.pc = vectorTarget(hart.stvec, cause);
    return;
  }
  hart.mepc = hart.pc;
  hart.mcause = cause;
  hart.mtval = value;
  const status = stackInterruptEnable(hart.mstatus, arch.MSTATUS_MIE, arch.MSTATUS_MPIE);
  hart.mstatus =
    (status & ~BigInt(arch.MSTATUS_MPP)) | BigInt(hart.privilege << arch.MSTATUS_MPP_SHIFT);
  hart.privilege = PRIVILEGE_M;
  hart.pc = vectorTarget(hart.mtvec, cause);
}

export const pendingBits = (hart: Hart): bigint => hart.mip | hart.pins;

/** External before software before timer, machine before supervisor (3.1.9). */
const PRIORITY = [11, 3, 7, 9, 1, 5] as const;

/** The interrupt to take before the next instruction, as a cause, or null. */
export function interruptToTake(hart: Hart): bigint | null {
  const ready = pendingBits(hart) & hart.mie;
  if (ready === 0n) return null;
  const machineEnabled = hart.privilege < PRIVILEGE_M || bit(hart.mstatus, arch.MSTATUS_MIE);
  const supervisorEnabled =
    hart.privilege < PRIVILEGE_S ||
    (hart.privilege === PRIVILEGE_S && bit(hart.mstatus, arch.MSTATUS_SIE));
  const machine = machineEnabled ? ready & ~hart.mideleg : 0n;
  const supervisor = supervisorEnabled ? ready & hart.mideleg : 0n;
  const taken = machine !== 0n ? machine : supervisor;
  for (const number of PRIORITY) {
    if (((taken >> BigInt(number)) & 1n) === 1n) return INTERRUPT | BigInt(number);
  }
  return null;
}

/** Restores the enable bit from its stacked copy, which becomes 1. */
function unstackInterruptEnable(status: bigint, stacked: number, enable: number): bigint {
  const cleared = status & ~BigInt(enable);
  return (bit(status, stacked) ? cleared | BigInt(enable) : cleared) | BigInt(stacked);
}

export function returnFromMachine(hart: Hart): void {
  const status = unstackInterruptEnable(hart.mstatus, arch.MSTATUS_MPIE, arch.MSTATUS_MIE);
  hart.privilege = Number(status & BigInt(arch.MSTATUS_MPP)) >> arch.MSTATUS_MPP_SHIFT;
  hart.mstatus = status & ~BigInt(arch.MSTATUS_MPP);
  if (hart.privilege !== PRIVILEGE_M) hart.mstatus &= ~BigInt(arch.MSTATUS_MPRV);
  hart.pc = hart.mepc;
}

export function returnFromSupervisor(hart: Hart): void {
  const status = unstackInterruptEnable(hart.mstatus, arch.MSTATUS_SPIE, arch.MSTATUS_SIE);
  hart.privilege = bit(status, arch.MSTATUS_SPP) ? PRIVILEGE_S : PRIVILEGE_U;
  hart.mstatus = status & ~BigInt(arch.MSTATUS_SPP | arch.MSTATUS_MPRV);
  hart.pc = hart.sepc;
}
