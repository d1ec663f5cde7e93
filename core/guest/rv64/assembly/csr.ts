// Control and status registers: who may touch which, what reads show, what writes leave and which caches they outdate.

import * as arch from "../architecture";
import {
  HART_CYCLE_OFFSET,
  HART_FCSR,
  HART_ID,
  HART_INSTRET_OFFSET,
  HART_MCAUSE,
  HART_MCOUNTEREN,
  HART_MEDELEG,
  HART_MENVCFG,
  HART_MEPC,
  HART_MIDELEG,
  HART_MIE,
  HART_MIP,
  HART_MSCRATCH,
  HART_MSTATUS,
  HART_MTVAL,
  HART_MTVEC,
  HART_PMPADDR,
  HART_PMPCFG,
  HART_PROGRESS,
  HART_SATP,
  HART_SCAUSE,
  HART_SCOUNTEREN,
  HART_SENVCFG,
  HART_SEPC,
  HART_SSCRATCH,
  HART_STVAL,
  HART_STVEC,
  HART_TIME_BASE,
  HART_TIME_DENOMINATOR,
  HART_TIME_NUMERATOR,
  HART_TIME_SINCE,
  HART_TRAPPED,
  PRIVILEGE_M,
  PRIVILEGE_S,
} from "../layout";
import { writeAddress, writeConfig } from "./pmp";
import { get, markFloatDirty, privilege, set, status } from "./state";
import { contextChanged, flushOwn, flushOwnLoads, flushOwnTranslated } from "./tlb";
import { pendingInterrupts } from "./trap";

const MISA: u64 = 0x800000000014112d;
/** SXL and UXL: 64 bits each. */
const XLEN: u64 = 0xa00000000;
const USER_XLEN: u64 = 0x200000000;
const STATE_DIRTY: u64 = 0x8000000000000000;

/** False after a read of a register that does not exist. */
export let exists: bool = true;

@inline function within(number: u32, first: u32, last: u32): bool {
  return number - first <= last - first;
}

function statusView(): u64 {
  const value = get(HART_MSTATUS) | XLEN;
  return (value & arch.MSTATUS_FS) == arch.MSTATUS_FS ? value | STATE_DIRTY : value;
}

function time(): u64 {
  const elapsed = (get(HART_PROGRESS) - get(HART_TIME_SINCE)) * get(HART_TIME_NUMERATOR);
  return get(HART_TIME_BASE) + elapsed / get(HART_TIME_DENOMINATOR);
}

/** State word of a register that is one; 0 for others. */
function wordOf(number: u32): usize {
  switch (number) {
    case arch.CSR_MEDELEG: return HART_MEDELEG;
    case arch.CSR_MIDELEG: return HART_MIDELEG;
    case arch.CSR_MIE: return HART_MIE;
    case arch.CSR_MCOUNTEREN: return HART_MCOUNTEREN;
    case arch.CSR_SCOUNTEREN: return HART_SCOUNTEREN;
    case arch.CSR_MENVCFG: return HART_MENVCFG;
    case arch.CSR_SENVCFG: return HART_SENVCFG;
    case arch.CSR_MSCRATCH: return HART_MSCRATCH;
    case arch.CSR_SSCRATCH: return HART_SSCRATCH;
    case arch.CSR_MEPC: return HART_MEPC;
    case arch.CSR_SEPC: return HART_SEPC;
    case arch.CSR_MCAUSE: return HART_MCAUSE;
    case arch.CSR_SCAUSE: return HART_SCAUSE;
    case arch.CSR_MTVAL: return HART_MTVAL;
    case arch.CSR_STVAL: return HART_STVAL;
    case arch.CSR_MTVEC: return HART_MTVEC;
    case arch.CSR_STVEC: return HART_STVEC;
    case arch.CSR_SATP: return HART_SATP;
    case arch.CSR_FCSR: return HART_FCSR;
    case arch.CSR_MHARTID: return HART_ID;
    case arch.CSR_PMPCFG0: return HART_PMPCFG;
    case arch.CSR_PMPCFG2: return HART_PMPCFG + 8;
    default:
      if (within(number, arch.CSR_PMPADDR0, arch.CSR_PMPADDR15))
        return <usize>HART_PMPADDR + (<usize>(number - arch.CSR_PMPADDR0) << 3);
      return 0;
  }
}

function readsZero(number: u32): bool {
  return (
    number == arch.CSR_MCOUNTINHIBIT ||
    within(number, arch.CSR_MHPMEVENT3, arch.CSR_MHPMEVENT31) ||
    within(number, arch.CSR_MHPMCOUNTER3, arch.CSR_MHPMCOUNTER31) ||
    within(number, arch.CSR_HPMCOUNTER3, arch.CSR_HPMCOUNTER31) ||
    within(number, arch.CSR_MVENDORID, arch.CSR_MIMPID) ||
    number == arch.CSR_MCONFIGPTR
  );
}

/** The value of a register, whoever asks. `exists` says whether there is one. */
export function readCsr(number: u32): u64 {
  exists = true;
  const at = wordOf(number);
  if (at != 0) return get(at);
  switch (number) {
    case arch.CSR_FFLAGS: return get(HART_FCSR) & 31;
    case arch.CSR_FRM: return get(HART_FCSR) >> 5;
    case arch.CSR_MSTATUS: return statusView();
    case arch.CSR_SSTATUS:
      return statusView() & (arch.SSTATUS_WRITABLE | USER_XLEN | STATE_DIRTY);
    case arch.CSR_MISA: return MISA;
    case arch.CSR_SIE: return get(HART_MIE) & get(HART_MIDELEG);
    case arch.CSR_SIP: return pendingInterrupts() & get(HART_MIDELEG);
    case arch.CSR_MIP: return pendingInterrupts();
    case arch.CSR_MCYCLE:
    case arch.CSR_CYCLE:
      return get(HART_CYCLE_OFFSET) + get(HART_PROGRESS);
    case arch.CSR_MINSTRET:
    case arch.CSR_INSTRET:
      return get(HART_INSTRET_OFFSET) + get(HART_PROGRESS) - get(HART_TRAPPED);
    case arch.CSR_TIME: return time();
  }
  exists = readsZero(number);
  return 0;
}

function writeStatus(value: u64, writable: u64): void {
  const old = get(HART_MSTATUS);
  let next = (old & ~writable) | (value & writable);
  // MPP holds only modes that exist.
  if ((next & arch.MSTATUS_MPP) >> arch.MSTATUS_MPP_SHIFT == 2)
    next = (next & ~<u64>arch.MSTATUS_MPP) | (old & arch.MSTATUS_MPP);
  set(HART_MSTATUS, next);
  if ((old ^ next) & arch.MSTATUS_MXR) flushOwnLoads();
  contextChanged();
}

function writeFloatStatus(value: u64): void {
  set(HART_FCSR, value);
  markFloatDirty();
}

function writeProtection(number: u32, value: u64): void {
  if (within(number, arch.CSR_PMPADDR0, arch.CSR_PMPADDR15)) {
    writeAddress(number - arch.CSR_PMPADDR0, value);
  } else {
    const first: u32 = number == arch.CSR_PMPCFG0 ? 0 : 8;
    for (let i: u32 = 0; i < 8; i++) writeConfig(first + i, <u32>(value >> (8 * i)) & 0xff);
  }
  flushOwn();
}

function writeVector(at: usize, value: u64): void {
  if ((value & 3) < 2) set(at, value);
}

function writeTranslation(value: u64): void {
  const mode = value >> 60;
  if (mode != 0 && mode != 8) return;
  if (value != get(HART_SATP)) flushOwnTranslated();
  set(HART_SATP, value);
}

/** Writes a register that exists and is not read-only, whoever asks. */
export function writeCsr(number: u32, value: u64): void {
  const delegated = get(HART_MIDELEG);
  switch (number) {
    case arch.CSR_FFLAGS: return writeFloatStatus((get(HART_FCSR) & ~31) | (value & 31));
    case arch.CSR_FRM: return writeFloatStatus((get(HART_FCSR) & 31) | ((value & 7) << 5));
    case arch.CSR_FCSR: return writeFloatStatus(value & 0xff);
    case arch.CSR_MSTATUS: return writeStatus(value, arch.MSTATUS_WRITABLE);
    case arch.CSR_SSTATUS: return writeStatus(value, arch.SSTATUS_WRITABLE);
    case arch.CSR_MEDELEG: return set(HART_MEDELEG, value & arch.MEDELEG_WRITABLE);
    case arch.CSR_MIDELEG: return set(HART_MIDELEG, value & arch.SUPERVISOR_INTERRUPTS);
    case arch.CSR_MIE: return set(HART_MIE, value & arch.ALL_INTERRUPTS);
    case arch.CSR_SIE:
      return set(HART_MIE, (get(HART_MIE) & ~delegated) | (value & delegated));
    case arch.CSR_MIP: return set(HART_MIP, value & arch.SUPERVISOR_INTERRUPTS);
    case arch.CSR_SIP: {
      const writable = delegated & arch.SSIP;
      return set(HART_MIP, (get(HART_MIP) & ~writable) | (value & writable));
    }
    case arch.CSR_MTVEC: return writeVector(HART_MTVEC, value);
    case arch.CSR_STVEC: return writeVector(HART_STVEC, value);
    case arch.CSR_SATP: return writeTranslation(value);
    case arch.CSR_MCOUNTEREN: return set(HART_MCOUNTEREN, value & arch.COUNTEREN_WRITABLE);
    case arch.CSR_SCOUNTEREN: return set(HART_SCOUNTEREN, value & arch.COUNTEREN_WRITABLE);
    case arch.CSR_MENVCFG: return set(HART_MENVCFG, value & arch.ENVCFG_WRITABLE);
    case arch.CSR_SENVCFG: return set(HART_SENVCFG, value & arch.ENVCFG_WRITABLE);
    case arch.CSR_MEPC: return set(HART_MEPC, value & ~1);
    case arch.CSR_SEPC: return set(HART_SEPC, value & ~1);
    case arch.CSR_MSCRATCH:
    case arch.CSR_SSCRATCH:
    case arch.CSR_MCAUSE:
    case arch.CSR_SCAUSE:
    case arch.CSR_MTVAL:
    case arch.CSR_STVAL:
      return set(wordOf(number), value);
    // The next instruction reads what was written: this one is not counted any more.
    case arch.CSR_MCYCLE:
      return set(HART_CYCLE_OFFSET, value - get(HART_PROGRESS) - 1);
    case arch.CSR_MINSTRET:
      return set(HART_INSTRET_OFFSET, value - (get(HART_PROGRESS) + 1 - get(HART_TRAPPED)));
  }
  const protection =
    number == arch.CSR_PMPCFG0 ||
    number == arch.CSR_PMPCFG2 ||
    within(number, arch.CSR_PMPADDR0, arch.CSR_PMPADDR15);
  if (protection) writeProtection(number, value);
}

function counterEnabled(number: u32): bool {
  const mode = privilege();
  if (mode == PRIVILEGE_M) return true;
  const bit = <u64>1 << (number & 31);
  if ((get(HART_MCOUNTEREN) & bit) == 0) return false;
  return mode == PRIVILEGE_S || (get(HART_SCOUNTEREN) & bit) != 0;
}

/** Whether the running mode may read, and write, a register that exists. */
export function accessible(number: u32, write: bool): bool {
  if (write && number >> 10 == 3) return false;
  if (((number >> 8) & 3) > privilege()) return false;
  if (within(number, arch.CSR_FFLAGS, arch.CSR_FCSR)) return status(arch.MSTATUS_FS);
  if (within(number, arch.CSR_CYCLE, arch.CSR_HPMCOUNTER31)) return counterEnabled(number);
  return !(
    number == arch.CSR_SATP &&
    privilege() == PRIVILEGE_S &&
    status(arch.MSTATUS_TVM)
  );
}
