// The 16-bit instructions of RV64 (unprivileged specification, chapter 26), under their own names.

import { FLOAT_NAMES, INTEGER_NAMES } from "./names.ts";
import { address } from "./wide.ts";

/** The bits of `word` named from the highest down, each moved to its place in an immediate. */
function gather(word: number, places: readonly (readonly [from: number, to: number])[]): number {
  return places.reduce((value, [from, to]) => value | (((word >>> from) & 1) << to), 0);
}

const run = (from: number, to: number, count: number): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, i) => [from + i, to + i] as const);

const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

const IMMEDIATE = [...run(2, 0, 5), [12, 5]] as const;
const DOUBLE = [...run(10, 3, 3), ...run(5, 6, 2)] as const;
const WORD = [...run(10, 3, 3), [6, 2], [5, 6]] as const;
const STACK_WORD = [...run(4, 2, 3), [12, 5], ...run(2, 6, 2)] as const;
const STACK_DOUBLE = [...run(5, 3, 2), [12, 5], ...run(2, 6, 3)] as const;
const STACK_STORE_WORD = [...run(9, 2, 4), ...run(7, 6, 2)] as const;
const STACK_STORE_DOUBLE = [...run(10, 3, 3), ...run(7, 6, 3)] as const;
const FRAME = [...run(7, 6, 4), ...run(11, 4, 2), [5, 3], [6, 2]] as const;
const STACK_ADD = [[6, 4], [2, 5], [5, 6], ...run(3, 7, 2), [12, 9]] as const;
const JUMP = [
  ...run(3, 1, 3),
  [11, 4],
  [2, 5],
  [7, 6],
  [6, 7],
  ...run(9, 8, 2),
  [8, 10],
  [12, 11],
] as const;
const BRANCH = [...run(3, 1, 2), ...run(10, 3, 2), [2, 5], ...run(5, 6, 2), [12, 8]] as const;

class Fields {
  readonly word: number;

  constructor(word: number) {
    this.word = word;
  }

  #bits(at: number, count: number): number {
    return (this.word >>> at) & ((1 << count) - 1);
  }

  get rd(): string {
    return INTEGER_NAMES[this.#bits(7, 5)]!;
  }

  get rs2(): string {
    return INTEGER_NAMES[this.#bits(2, 5)]!;
  }

  get hasRd(): boolean {
    return this.#bits(7, 5) !== 0;
  }

  get hasRs2(): boolean {
    return this.#bits(2, 5) !== 0;
  }

  get floatRd(): string {
    return FLOAT_NAMES[this.#bits(7, 5)]!;
  }

  get floatRs2(): string {
    return FLOAT_NAMES[this.#bits(2, 5)]!;
  }

  /** x8 to x15, in bits 9 to 7. */
  get high(): string {
    return INTEGER_NAMES[8 + this.#bits(7, 3)]!;
  }

  /** x8 to x15, in bits 4 to 2. */
  get low(): string {
    return INTEGER_NAMES[8 + this.#bits(2, 3)]!;
  }

  get floatLow(): string {
    return FLOAT_NAMES[8 + this.#bits(2, 3)]!;
  }

  value(places: readonly (readonly [number, number])[]): number {
    return gather(this.word, places);
  }

  get immediate(): number {
    return signed(this.value(IMMEDIATE), 6);
  }

  get shift(): string {
    return `0x${this.value(IMMEDIATE).toString(16)}`;
  }
}

function quadrant0(f: Fields): string | null {
  const word = `${f.value(WORD)}(${f.high})`;
  const double = `${f.value(DOUBLE)}(${f.high})`;
  const frame = f.value(FRAME);
  switch (f.word >>> 13) {
    case 0:
      return frame === 0 ? null : `c.addi4spn ${f.low},sp,${frame}`;
    case 1:
      return `c.fld ${f.floatLow},${double}`;
    case 2:
      return `c.lw ${f.low},${word}`;
    case 3:
      return `c.ld ${f.low},${double}`;
    case 5:
      return `c.fsd ${f.floatLow},${double}`;
    case 6:
      return `c.sw ${f.low},${word}`;
    case 7:
      return `c.sd ${f.low},${double}`;
    default:
      return null;
  }
}

function arithmetic(f: Fields): string | null {
  const kind = (f.word >>> 10) & 3;
  if (kind === 0) return `c.srli ${f.high},${f.shift}`;
  if (kind === 1) return `c.srai ${f.high},${f.shift}`;
  if (kind === 2) return `c.andi ${f.high},${f.immediate}`;
  const names = (f.word & 0x1000) === 0 ? ["sub", "xor", "or", "and"] : ["subw", "addw"];
  const name = names[(f.word >>> 5) & 3];
  return name === undefined ? null : `c.${name} ${f.high},${f.low}`;
}

function upper(f: Fields): string | null {
  if (f.rd === "sp") {
    const step = signed(f.value(STACK_ADD), 10);
    return step === 0 ? null : `c.addi16sp sp,${step}`;
  }
  return f.immediate === 0 ? null : `c.lui ${f.rd},0x${(f.immediate & 0xfffff).toString(16)}`;
}

function quadrant1(f: Fields, pc: bigint): string | null {
  const branch = (): string => address(pc, signed(f.value(BRANCH), 9));
  switch (f.word >>> 13) {
    case 0:
      return `c.addi ${f.rd},${f.immediate}`;
    case 1:
      return f.hasRd ? `c.addiw ${f.rd},${f.immediate}` : null;
    case 2:
      return `c.li ${f.rd},${f.immediate}`;
    case 3:
      return upper(f);
    case 4:
      return arithmetic(f);
    case 5:
      return `c.j ${address(pc, signed(f.value(JUMP), 12))}`;
    case 6:
      return `c.beqz ${f.high},${branch()}`;
    default:
      return `c.bnez ${f.high},${branch()}`;
  }
}

function jumpsAndMoves(f: Fields): string | null {
  if ((f.word & 0x1000) === 0) {
    if (f.hasRs2) return `c.mv ${f.rd},${f.rs2}`;
    return f.hasRd ? `c.jr ${f.rd}` : null;
  }
  if (f.hasRs2) return `c.add ${f.rd},${f.rs2}`;
  return f.hasRd ? `c.jalr ${f.rd}` : "c.ebreak";
}

function quadrant2(f: Fields): string | null {
  switch (f.word >>> 13) {
    case 0:
      return `c.slli ${f.rd},${f.shift}`;
    case 1:
      return `c.fldsp ${f.floatRd},${f.value(STACK_DOUBLE)}(sp)`;
    case 2:
      return f.hasRd ? `c.lwsp ${f.rd},${f.value(STACK_WORD)}(sp)` : null;
    case 3:
      return f.hasRd ? `c.ldsp ${f.rd},${f.value(STACK_DOUBLE)}(sp)` : null;
    case 4:
      return jumpsAndMoves(f);
    case 5:
      return `c.fsdsp ${f.floatRs2},${f.value(STACK_STORE_DOUBLE)}(sp)`;
    case 6:
      return `c.swsp ${f.rs2},${f.value(STACK_STORE_WORD)}(sp)`;
    default:
      return `c.sdsp ${f.rs2},${f.value(STACK_STORE_DOUBLE)}(sp)`;
  }
}

/** Text of a 16-bit instruction; null when it is reserved. */
export function compressedText(halfword: number, pc: bigint): string | null {
  const fields = new Fields(halfword);
  switch (halfword & 3) {
    case 0:
      return quadrant0(fields);
    case 1:
      return quadrant1(fields, pc);
    default:
      return quadrant2(fields);
  }
}
