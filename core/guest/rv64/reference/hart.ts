// One hart of the reference engine: plain data, named as the specification names it. `toBlock` and `fromBlock` turn it
// into the bytes of layout.ts and back; the two together are the identity.

import * as layout from "../layout.ts";

/** A load or store that left the machine and waits for its answer; see machine.ts. */
export interface PendingExit {
  readonly kind: "load" | "store";
  readonly virtual: bigint;
  readonly physical: bigint;
  /** funct3 of the access: the low two bits are log2 of the width, bit 2 means zero-extended. */
  readonly width: number;
  /** 0 to 31 integer, 32 to 63 floating point (loads only). */
  readonly register: number;
  readonly value: bigint;
  /** Bytes of the instruction, 2 or 4. */
  readonly length: number;
}

export interface ControlRegisters {
  mstatus: bigint;
  medeleg: bigint;
  mideleg: bigint;
  mie: bigint;
  mip: bigint;
  pins: bigint;
  mtvec: bigint;
  mcounteren: bigint;
  menvcfg: bigint;
  mscratch: bigint;
  mepc: bigint;
  mcause: bigint;
  mtval: bigint;
  cycleOffset: bigint;
  instretOffset: bigint;
  stvec: bigint;
  scounteren: bigint;
  senvcfg: bigint;
  sscratch: bigint;
  sepc: bigint;
  scause: bigint;
  stval: bigint;
  satp: bigint;
  fcsr: bigint;
}

export interface Hart extends ControlRegisters {
  readonly x: BigUint64Array;
  readonly f: BigUint64Array;
  readonly pmpcfg: Uint8Array;
  readonly pmpaddr: BigUint64Array;
  pc: bigint;
  privilege: number;
  waiting: boolean;
  reservation: bigint;
  progress: bigint;
  trapped: bigint;
  id: bigint;
  timeBase: bigint;
  timeSince: bigint;
  timeNumerator: bigint;
  timeDenominator: bigint;
  firmware: boolean;
  ebreakExits: boolean;
  pending: PendingExit | null;
}

/** Where each register that is one 64-bit word stands in the block. */
const WORDS = {
  mstatus: layout.HART_MSTATUS,
  medeleg: layout.HART_MEDELEG,
  mideleg: layout.HART_MIDELEG,
  mie: layout.HART_MIE,
  mip: layout.HART_MIP,
  pins: layout.HART_PINS,
  mtvec: layout.HART_MTVEC,
  mcounteren: layout.HART_MCOUNTEREN,
  menvcfg: layout.HART_MENVCFG,
  mscratch: layout.HART_MSCRATCH,
  mepc: layout.HART_MEPC,
  mcause: layout.HART_MCAUSE,
  mtval: layout.HART_MTVAL,
  cycleOffset: layout.HART_CYCLE_OFFSET,
  instretOffset: layout.HART_INSTRET_OFFSET,
  stvec: layout.HART_STVEC,
  scounteren: layout.HART_SCOUNTEREN,
  senvcfg: layout.HART_SENVCFG,
  sscratch: layout.HART_SSCRATCH,
  sepc: layout.HART_SEPC,
  scause: layout.HART_SCAUSE,
  stval: layout.HART_STVAL,
  satp: layout.HART_SATP,
  fcsr: layout.HART_FCSR,
  pc: layout.HART_PC,
  reservation: layout.HART_RESERVATION,
  progress: layout.HART_PROGRESS,
  trapped: layout.HART_TRAPPED,
  id: layout.HART_ID,
  timeBase: layout.HART_TIME_BASE,
  timeSince: layout.HART_TIME_SINCE,
  timeNumerator: layout.HART_TIME_NUMERATOR,
  timeDenominator: layout.HART_TIME_DENOMINATOR,
} as const;

const WORD_ENTRIES = Object.entries(WORDS) as readonly [keyof typeof WORDS, number][];

const WORD_NAMES: ReadonlyMap<number, keyof typeof WORDS> = new Map(
  WORD_ENTRIES.map(([name, offset]) => [offset, name]),
);

const isInteger = (offset: number): boolean =>
  offset >= layout.HART_X && offset < layout.HART_X + 256 && offset % 8 === 0;

/** The word at this offset of the block, without the block; undefined for the rare ones. */
export function wordOf(hart: Hart, offset: number): bigint | undefined {
  const name = WORD_NAMES.get(offset);
  if (name !== undefined) return hart[name];
  if (isInteger(offset)) return hart.x[(offset - layout.HART_X) / 8];
  if (offset === layout.HART_PRIVILEGE) return BigInt(hart.privilege);
  return offset === layout.HART_WAITING ? BigInt(hart.waiting) : undefined;
}

/** Replaces one of the words that `isPlainWord` names. */
export function setWordOf(hart: Hart, offset: number, value: bigint): void {
  const name = WORD_NAMES.get(offset);
  if (name !== undefined) hart[name] = BigInt.asUintN(64, value);
  else if (isInteger(offset)) hart.x[(offset - layout.HART_X) / 8] = value;
  else hart.waiting = value !== 0n;
}

export function toBlock(hart: Hart): Uint8Array {
  const block = new Uint8Array(layout.HART_BYTES);
  const view = new DataView(block.buffer);
  const put = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  for (let i = 0; i < 32; i++) {
    put(layout.HART_X + i * 8, hart.x[i]!);
    put(layout.HART_F + i * 8, hart.f[i]!);
  }
  for (const [name, offset] of WORD_ENTRIES) put(offset, hart[name]);
  put(layout.HART_PRIVILEGE, BigInt(hart.privilege));
  put(layout.HART_WAITING, hart.waiting ? 1n : 0n);
  put(layout.HART_FIRMWARE, hart.firmware ? 1n : 0n);
  put(layout.HART_EBREAK_EXITS, hart.ebreakExits ? 1n : 0n);
  block.set(hart.pmpcfg, layout.HART_PMPCFG);
  hart.pmpaddr.forEach((value, i) => put(layout.HART_PMPADDR + i * 8, value));
  if (hart.pending !== null) {
    const exit = hart.pending;
    put(layout.HART_EXIT_KIND, exit.kind === "load" ? 1n : 2n);
    put(layout.HART_EXIT_VIRTUAL, exit.virtual);
    put(layout.HART_EXIT_PHYSICAL, exit.physical);
    put(layout.HART_EXIT_WIDTH, BigInt(exit.width));
    put(layout.HART_EXIT_REGISTER, BigInt(exit.register));
    put(layout.HART_EXIT_VALUE, exit.value);
    put(layout.HART_EXIT_LENGTH, BigInt(exit.length));
  }
  return block;
}

function pendingFrom(get: (offset: number) => bigint): PendingExit | null {
  const kind = get(layout.HART_EXIT_KIND);
  if (kind === 0n) return null;
  return {
    kind: kind === 1n ? "load" : "store",
    virtual: get(layout.HART_EXIT_VIRTUAL),
    physical: get(layout.HART_EXIT_PHYSICAL),
    width: Number(get(layout.HART_EXIT_WIDTH)),
    register: Number(get(layout.HART_EXIT_REGISTER)),
    value: get(layout.HART_EXIT_VALUE),
    length: Number(get(layout.HART_EXIT_LENGTH)),
  };
}

export function fromBlock(block: Uint8Array): Hart {
  const view = new DataView(block.buffer, block.byteOffset, layout.HART_BYTES);
  const get = (offset: number): bigint => view.getBigUint64(offset, true);
  const row = (offset: number, count: number): BigUint64Array =>
    BigUint64Array.from({ length: count }, (_, i) => get(offset + i * 8));
  const words = Object.fromEntries(
    WORD_ENTRIES.map(([name, offset]) => [name, get(offset)]),
  ) as Record<keyof typeof WORDS, bigint>;
  return {
    ...words,
    x: row(layout.HART_X, 32),
    f: row(layout.HART_F, 32),
    pmpcfg: block.slice(layout.HART_PMPCFG, layout.HART_PMPCFG + layout.PMP_ENTRIES),
    pmpaddr: row(layout.HART_PMPADDR, layout.PMP_ENTRIES),
    privilege: Number(get(layout.HART_PRIVILEGE)),
    waiting: get(layout.HART_WAITING) === 1n,
    firmware: get(layout.HART_FIRMWARE) === 1n,
    ebreakExits: get(layout.HART_EBREAK_EXITS) === 1n,
    pending: pendingFrom(get),
  };
}
