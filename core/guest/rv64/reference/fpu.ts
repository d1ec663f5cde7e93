// The F and D extensions as instructions (unprivileged specification, chapters 11 and 12): operands taken out of their NaN
// boxes, rounding mode chosen, flags accumulated. Loads, stores are in loads-stores.ts.

import * as arch from "../architecture.ts";
import { signExtend } from "./bits.ts";
import { funct3Of, funct7Of, OPCODE, opcodeOf, rdOf, rs1Of, rs2Of, rs3Of } from "./decode.ts";
import type { Hart } from "./hart.ts";
import { add, divide, fusedMultiplyAdd, multiply } from "./softfloat/arithmetic.ts";
import { negate, squareRoot, subtract } from "./softfloat/arithmetic.ts";
import { classify, type Comparison, equal, extreme, less } from "./softfloat/compare.ts";
import { convertFormat, fromInteger, toInteger } from "./softfloat/convert.ts";
import { BINARY32, BINARY64, canonicalNaN } from "./softfloat/format.ts";
import type { FloatFormat, FloatResult } from "./softfloat/format.ts";

const BOX = 0xffffffff00000000n;

const filesDirty = (hart: Hart): void => {
  hart.mstatus |= BigInt(arch.MSTATUS_FS);
};

/** A register as an operand: a single that is not NaN-boxed counts as the canonical NaN. */
function readFloat(hart: Hart, format: FloatFormat, register: number): bigint {
  const bits = hart.f[register]!;
  if (format.width === 64) return bits;
  return bits >> 32n === 0xffffffffn ? bits & 0xffffffffn : canonicalNaN(BINARY32);
}

export function writeFloat(hart: Hart, format: FloatFormat, register: number, bits: bigint): void {
  hart.f[register] = format.width === 64 ? bits : BOX | bits;
  filesDirty(hart);
}

function raise(hart: Hart, flags: number): void {
  if (flags === 0) return;
  hart.fcsr |= BigInt(flags);
  filesDirty(hart);
}

function settle(hart: Hart, format: FloatFormat, register: number, result: FloatResult): true {
  raise(hart, result.flags);
  writeFloat(hart, format, register, result.bits);
  return true;
}

function writeInteger(hart: Hart, register: number, value: bigint): true {
  if (register !== 0) hart.x[register] = value;
  return true;
}

export const floatingPointOn = (hart: Hart): boolean =>
  (hart.mstatus & BigInt(arch.MSTATUS_FS)) !== 0n;

/** The rounding mode of an instruction, static or from frm; null when it is reserved. */
function roundingMode(hart: Hart, word: number): number | null {
  const encoded = funct3Of(word);
  const mode = encoded === 7 ? Number(hart.fcsr >> 5n) : encoded;
  return mode <= 4 ? mode : null;
}

const formatOf = (word: number): FloatFormat | null => {
  const code = (word >>> 25) & 3;
  return code === 0 ? BINARY32 : code === 1 ? BINARY64 : null;
};

/** fmadd, fmsub, fnmsub, fnmadd. Returns false for an illegal instruction. */
export function executeFused(hart: Hart, word: number): boolean {
  const format = formatOf(word);
  const mode = roundingMode(hart, word);
  if (!floatingPointOn(hart) || format === null || mode === null) return false;
  const opcode = opcodeOf(word);
  const negateProduct = opcode === OPCODE.nmsub || opcode === OPCODE.nmadd;
  const negateAddend = opcode === OPCODE.msub || opcode === OPCODE.nmadd;
  const a = readFloat(hart, format, rs1Of(word));
  const b = readFloat(hart, format, rs2Of(word));
  const c = readFloat(hart, format, rs3Of(word));
  const result = fusedMultiplyAdd(
    format,
    negateProduct ? negate(format, a) : a,
    b,
    negateAddend ? negate(format, c) : c,
    mode,
  );
  return settle(hart, format, rdOf(word), result);
}

function injectSign(format: FloatFormat, kind: number, a: bigint, b: bigint): bigint | null {
  const sign = 1n << BigInt(format.width - 1);
  const taken = kind === 0 ? b : kind === 1 ? b ^ sign : kind === 2 ? a ^ b : null;
  return taken === null ? null : (a & ~sign) | (taken & sign);
}

function compare(format: FloatFormat, kind: number, a: bigint, b: bigint): Comparison | null {
  if (kind === 2) return equal(format, a, b);
  return kind < 2 ? less(format, a, b, kind === 0) : null;
}

/** Widths and signedness of the integer side of a conversion, by rs2. */
const INTEGER = [
  { width: 32, signed: true },
  { width: 32, signed: false },
  { width: 64, signed: true },
  { width: 64, signed: false },
] as const;

/** Operations that do not round, or whose funct3 is part of the opcode. */
function executeUnrounded(hart: Hart, word: number, format: FloatFormat): boolean | null {
  const rd = rdOf(word);
  const funct3 = funct3Of(word);
  const a = readFloat(hart, format, rs1Of(word));
  const b = readFloat(hart, format, rs2Of(word));
  switch (funct7Of(word) >> 2) {
    case 0x04: {
      const bits = injectSign(format, funct3, a, b);
      return bits === null ? false : settle(hart, format, rd, { bits, flags: 0 });
    }
    case 0x05:
      return funct3 > 1 ? false : settle(hart, format, rd, extreme(format, a, b, funct3 === 1));
    case 0x14: {
      const comparison = compare(format, funct3, a, b);
      if (comparison === null) return false;
      raise(hart, comparison.flags);
      return writeInteger(hart, rd, comparison.result ? 1n : 0n);
    }
    case 0x1c:
      if (rs2Of(word) !== 0 || funct3 > 1) return false;
      if (funct3 === 1) return writeInteger(hart, rd, classify(format, a));
      return writeInteger(hart, rd, signExtend(hart.f[rs1Of(word)]!, format.width));
    case 0x1e: {
      if (rs2Of(word) !== 0 || funct3 !== 0) return false;
      const bits = BigInt.asUintN(format.width, hart.x[rs1Of(word)]!);
      return settle(hart, format, rd, { bits, flags: 0 });
    }
    default:
      return null;
  }
}

function executeRounded(hart: Hart, word: number, format: FloatFormat, mode: number): boolean {
  const rd = rdOf(word);
  const rs2 = rs2Of(word);
  const a = readFloat(hart, format, rs1Of(word));
  const b = readFloat(hart, format, rs2);
  switch (funct7Of(word) >> 2) {
    case 0x00:
      return settle(hart, format, rd, add(format, a, b, mode));
    case 0x01:
      return settle(hart, format, rd, subtract(format, a, b, mode));
    case 0x02:
      return settle(hart, format, rd, multiply(format, a, b, mode));
    case 0x03:
      return settle(hart, format, rd, divide(format, a, b, mode));
    case 0x0b:
      return rs2 !== 0 ? false : settle(hart, format, rd, squareRoot(format, a, mode));
    case 0x08: {
      const from = rs2 === 0 ? BINARY32 : rs2 === 1 ? BINARY64 : null;
      if (from === null || from === format) return false;
      const source = readFloat(hart, from, rs1Of(word));
      return settle(hart, format, rd, convertFormat(from, format, source, mode));
    }
    case 0x18: {
      const target = INTEGER[rs2];
      if (target === undefined) return false;
      const result = toInteger(format, a, target.width, target.signed, mode);
      raise(hart, result.flags);
      return writeInteger(hart, rd, signExtend(result.bits, target.width));
    }
    case 0x1a: {
      const source = INTEGER[rs2];
      if (source === undefined) return false;
      const register = hart.x[rs1Of(word)]!;
      const value = source.signed
        ? BigInt.asIntN(source.width, register)
        : BigInt.asUintN(source.width, register);
      return settle(hart, format, rd, fromInteger(format, value, mode));
    }
    default:
      return false;
  }
}

/** OP-FP. Returns false for an illegal instruction. */
export function executeFloat(hart: Hart, word: number): boolean {
  const format = formatOf(word);
  if (!floatingPointOn(hart) || format === null) return false;
  const done = executeUnrounded(hart, word, format);
  if (done !== null) return done;
  const mode = roundingMode(hart, word);
  return mode === null ? false : executeRounded(hart, word, format, mode);
}
