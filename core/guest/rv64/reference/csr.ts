// Control and status registers (privileged specification chapters 2 to 4): which exist, who may touch them, what reads
// show and what writes leave behind. architecture.ts fixes the choices the specification leaves open.

import * as arch from "../architecture.ts";
import { PRIVILEGE_M, PRIVILEGE_S } from "../layout.ts";
import { unsigned64 } from "./bits.ts";
import type { ControlRegisters, Hart } from "./hart.ts";
import { addressLocked, writtenConfig } from "./pmp.ts";
import { pendingBits } from "./trap.ts";

const SUPERVISOR_XLEN = 2n << 34n;
const USER_XLEN = 2n << 32n;
const STATE_DIRTY = 1n << 63n;
/** RV64, extensions A C D F I M S U. */
const MISA = (2n << 62n) | 0x14112dn;
const PMP_ADDRESS = (1n << 54n) - 1n;

const within = (number: number, first: number, last: number): boolean =>
  number >= first && number <= last;

/** Registers that are plain words: name and the bits that can be written. */
const PLAIN = new Map<number, readonly [keyof ControlRegisters, bigint]>([
  [arch.CSR_MEDELEG, ["medeleg", BigInt(arch.MEDELEG_WRITABLE)]],
  [arch.CSR_MIDELEG, ["mideleg", BigInt(arch.SUPERVISOR_INTERRUPTS)]],
  [arch.CSR_MIE, ["mie", BigInt(arch.ALL_INTERRUPTS)]],
  [arch.CSR_MCOUNTEREN, ["mcounteren", BigInt(arch.COUNTEREN_WRITABLE)]],
  [arch.CSR_SCOUNTEREN, ["scounteren", BigInt(arch.COUNTEREN_WRITABLE)]],
  [arch.CSR_MENVCFG, ["menvcfg", BigInt(arch.ENVCFG_WRITABLE)]],
  [arch.CSR_SENVCFG, ["senvcfg", BigInt(arch.ENVCFG_WRITABLE)]],
  [arch.CSR_MSCRATCH, ["mscratch", -1n]],
  [arch.CSR_SSCRATCH, ["sscratch", -1n]],
  [arch.CSR_MEPC, ["mepc", ~1n]],
  [arch.CSR_SEPC, ["sepc", ~1n]],
  [arch.CSR_MCAUSE, ["mcause", -1n]],
  [arch.CSR_SCAUSE, ["scause", -1n]],
  [arch.CSR_MTVAL, ["mtval", -1n]],
  [arch.CSR_STVAL, ["stval", -1n]],
]);

/** Registers that read as zero and ignore writes where writes are allowed at all. */
const alwaysZero = (number: number): boolean =>
  number === arch.CSR_MCOUNTINHIBIT ||
  number === arch.CSR_MVENDORID ||
  number === arch.CSR_MARCHID ||
  number === arch.CSR_MIMPID ||
  number === arch.CSR_MCONFIGPTR ||
  within(number, arch.CSR_MHPMEVENT3, arch.CSR_MHPMEVENT31) ||
  within(number, arch.CSR_MHPMCOUNTER3, arch.CSR_MHPMCOUNTER31) ||
  within(number, arch.CSR_HPMCOUNTER3, arch.CSR_HPMCOUNTER31);

const cycle = (hart: Hart): bigint => unsigned64(hart.cycleOffset + hart.progress);

const instret = (hart: Hart): bigint =>
  unsigned64(hart.instretOffset + hart.progress - hart.trapped);

export function timeOf(hart: Hart): bigint {
  const elapsed = unsigned64((hart.progress - hart.timeSince) * hart.timeNumerator);
  return unsigned64(hart.timeBase + elapsed / hart.timeDenominator);
}

function statusView(hart: Hart): bigint {
  const filesDirty = (hart.mstatus & BigInt(arch.MSTATUS_FS)) === BigInt(arch.MSTATUS_FS);
  return hart.mstatus | USER_XLEN | SUPERVISOR_XLEN | (filesDirty ? STATE_DIRTY : 0n);
}

const SSTATUS_VISIBLE = BigInt(arch.SSTATUS_WRITABLE) | USER_XLEN | STATE_DIRTY;

function configRow(hart: Hart, first: number): bigint {
  let row = 0n;
  for (let i = 7; i >= 0; i--) row = (row << 8n) | BigInt(hart.pmpcfg[first + i]!);
  return row;
}

/** The value of a register, whoever asks; null when there is no such register. */
export function readCsr(hart: Hart, number: number): bigint | null {
  const plain = PLAIN.get(number);
  if (plain !== undefined) return hart[plain[0]];
  if (alwaysZero(number)) return 0n;
  if (within(number, arch.CSR_PMPADDR0, arch.CSR_PMPADDR15))
    return hart.pmpaddr[number - arch.CSR_PMPADDR0]!;
  switch (number) {
    case arch.CSR_FFLAGS:
      return hart.fcsr & 31n;
    case arch.CSR_FRM:
      return hart.fcsr >> 5n;
    case arch.CSR_FCSR:
      return hart.fcsr;
    case arch.CSR_MSTATUS:
      return statusView(hart);
    case arch.CSR_SSTATUS:
      return statusView(hart) & SSTATUS_VISIBLE;
    case arch.CSR_MISA:
      return MISA;
    case arch.CSR_SIE:
      return hart.mie & hart.mideleg;
    case arch.CSR_SIP:
      return pendingBits(hart) & hart.mideleg;
    case arch.CSR_MIP:
      return pendingBits(hart);
    case arch.CSR_MTVEC:
      return hart.mtvec;
    case arch.CSR_STVEC:
      return hart.stvec;
    case arch.CSR_SATP:
      return hart.satp;
    case arch.CSR_PMPCFG0:
      return configRow(hart, 0);
    case arch.CSR_PMPCFG2:
      return configRow(hart, 8);
    case arch.CSR_MCYCLE:
    case arch.CSR_CYCLE:
      return cycle(hart);
    case arch.CSR_MINSTRET:
    case arch.CSR_INSTRET:
      return instret(hart);
    case arch.CSR_TIME:
      return timeOf(hart);
    case arch.CSR_MHARTID:
      return hart.id;
    default:
      return null;
  }
}

function writeStatus(hart: Hart, value: bigint, writable: number): void {
  const mask = BigInt(writable);
  let status = (hart.mstatus & ~mask) | (value & mask);
  const mpp = BigInt(arch.MSTATUS_MPP);
  // MPP holds only modes that exist; the reserved value 2 leaves it as it was.
  if ((status & mpp) === 2n << BigInt(arch.MSTATUS_MPP_SHIFT))
    status = (status & ~mpp) | (hart.mstatus & mpp);
  hart.mstatus = status;
}

function writeConfigRow(hart: Hart, first: number, value: bigint): void {
  for (let i = 0; i < 8; i++) {
    const byte = Number((value >> BigInt(8 * i)) & 0xffn);
    hart.pmpcfg[first + i] = writtenConfig(hart.pmpcfg[first + i]!, byte);
  }
}

function writeFloatStatus(hart: Hart, value: bigint): void {
  hart.fcsr = value;
  hart.mstatus |= BigInt(arch.MSTATUS_FS);
}

/** Trap vectors know modes 0 and 1; a write of another mode is ignored. */
const legalVector = (value: bigint, old: bigint): bigint => ((value & 3n) < 2n ? value : old);

/** Bare and Sv39; a write that names another mode is ignored whole. */
const legalSatp = (value: bigint, old: bigint): bigint =>
  value >> 60n === 0n || value >> 60n === 8n ? value : old;

/** Writes a register that exists and is not read-only, whoever asks. `value` is below 2^64. */
export function writeCsr(hart: Hart, number: number, value: bigint): void {
  const plain = PLAIN.get(number);
  if (plain !== undefined) {
    hart[plain[0]] = unsigned64(value & plain[1]);
    return;
  }
  if (within(number, arch.CSR_PMPADDR0, arch.CSR_PMPADDR15)) {
    const i = number - arch.CSR_PMPADDR0;
    if (!addressLocked(hart, i)) hart.pmpaddr[i] = value & PMP_ADDRESS;
    return;
  }
  switch (number) {
    case arch.CSR_FFLAGS:
      return writeFloatStatus(hart, (hart.fcsr & ~31n) | (value & 31n));
    case arch.CSR_FRM:
      return writeFloatStatus(hart, (hart.fcsr & 31n) | ((value & 7n) << 5n));
    case arch.CSR_FCSR:
      return writeFloatStatus(hart, value & 0xffn);
    case arch.CSR_MSTATUS:
      return writeStatus(hart, value, arch.MSTATUS_WRITABLE);
    case arch.CSR_SSTATUS:
      return writeStatus(hart, value, arch.SSTATUS_WRITABLE);
    case arch.CSR_SIE:
      hart.mie = (hart.mie & ~hart.mideleg) | (value & hart.mideleg);
      return;
    case arch.CSR_SIP: {
      const writable = hart.mideleg & BigInt(arch.SSIP);
      hart.mip = (hart.mip & ~writable) | (value & writable);
      return;
    }
    case arch.CSR_MIP:
      hart.mip = value & BigInt(arch.SUPERVISOR_INTERRUPTS);
      return;
    case arch.CSR_MTVEC:
      hart.mtvec = legalVector(value, hart.mtvec);
      return;
    case arch.CSR_STVEC:
      hart.stvec = legalVector(value, hart.stvec);
      return;
    case arch.CSR_SATP:
      hart.satp = legalSatp(value, hart.satp);
      return;
    case arch.CSR_PMPCFG0:
      return writeConfigRow(hart, 0, value);
    case arch.CSR_PMPCFG2:
      return writeConfigRow(hart, 8, value);
    case arch.CSR_MCYCLE:
      // The next instruction reads what was written: this one is not counted any more.
      hart.cycleOffset = unsigned64(value - hart.progress - 1n);
      return;
    case arch.CSR_MINSTRET:
      hart.instretOffset = unsigned64(value - (hart.progress + 1n - hart.trapped));
      return;
  }
}

function counterEnabled(hart: Hart, number: number): boolean {
  const bit = 1n << BigInt(number & 31);
  if (hart.privilege === PRIVILEGE_M) return true;
  if ((hart.mcounteren & bit) === 0n) return false;
  return hart.privilege === PRIVILEGE_S || (hart.scounteren & bit) !== 0n;
}

/** Whether the running mode may read (and, with `write`, write) a register that exists. */
export function csrAccessible(hart: Hart, number: number, write: boolean): boolean {
  if (write && number >> 10 === 3) return false;
  if (((number >> 8) & 3) > hart.privilege) return false;
  if (within(number, arch.CSR_FFLAGS, arch.CSR_FCSR))
    return (hart.mstatus & BigInt(arch.MSTATUS_FS)) !== 0n;
  if (within(number, arch.CSR_CYCLE, arch.CSR_HPMCOUNTER31)) return counterEnabled(hart, number);
  const trapped = (hart.mstatus & BigInt(arch.MSTATUS_TVM)) !== 0n;
  return !(number === arch.CSR_SATP && trapped && hart.privilege === PRIVILEGE_S);
}

/** What csrrs and csrrc modify: pins are seen by reads of mip but are never written back into it. */
export const csrModifyBase = (hart: Hart, number: number, value: bigint): bigint =>
  number === arch.CSR_MIP ? hart.mip : value;
