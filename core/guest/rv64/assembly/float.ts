// The F and D extensions as instructions. Operands leave their NaN boxes and become double patterns; results are exact in
// value and flags by integer arithmetic. Where that provably changes nothing the machine's own arithmetic is used: round
// to nearest, the inexact flag already set, and a result that is finite and well above the subnormal range.

import { MSTATUS_FS } from "../architecture";
import { HART_FCSR } from "../layout";
import { f, get, markFloatDirty, set, setF, setX, status, x } from "./state";
import { add, divide, fusedMultiplyAdd, multiply, squareRoot } from "./softfloat/arithmetic";
import { choosesFirst, classify, equal, less } from "./softfloat/compare";
import { convert, fromInteger, toInteger } from "./softfloat/convert";
import {
  canonical,
  CANONICAL_SINGLE,
  clearFlags,
  flags,
  INEXACT,
  isNaN64,
  NEAREST,
  SIGN,
  widen,
} from "./softfloat/format";

const BOX: u64 = 0xffffffff00000000;

/** Bits of a register in a format; a single that is not boxed is the canonical NaN. */
@inline function pattern(register: u32, single: bool): u64 {
  const bits = f(register);
  if (!single) return bits;
  return bits >= BOX ? bits & 0xffffffff : CANONICAL_SINGLE;
}

@inline function operand(register: u32, single: bool): u64 {
  const bits = pattern(register, single);
  return single ? widen(bits) : bits;
}

@inline function result(register: u32, bits: u64, single: bool): bool {
  setF(register, single ? BOX | bits : bits);
  return true;
}

/** Adds the flags of the operation to fcsr. */
function accumulate(): void {
  if (flags == 0) return;
  set(HART_FCSR, get(HART_FCSR) | flags);
  markFloatDirty();
}

/** Whether native arithmetic may be tried: its only flag would be one that is set already. */
@inline function nativeAllowed(mode: u32): bool {
  return mode == NEAREST && (get(HART_FCSR) & INEXACT) != 0;
}

/** Finite, and not so small that it may have been subnormal before rounding. */
@inline function plain64(value: f64): bool {
  const biased = <u32>(reinterpret<u64>(value) >> 52) & 0x7ff;
  return biased - 2 < 0x7fd;
}

@inline function plain32(value: f32): bool {
  const biased = (reinterpret<u32>(value) >> 23) & 0xff;
  return biased - 2 < 0xfd;
}

const ADD: u32 = 0;
const SUBTRACT: u32 = 1;
const MULTIPLY: u32 = 2;
const DIVIDE: u32 = 3;
const ROOT: u32 = 11;

function native64(operation: u32, rd: u32, rs1: u32, rs2: u32): bool {
  const a = reinterpret<f64>(f(rs1));
  const b = reinterpret<f64>(f(rs2));
  let value: f64 = 0;
  switch (operation) {
    case ADD: value = a + b; break;
    case SUBTRACT: value = a - b; break;
    case MULTIPLY: value = a * b; break;
    case DIVIDE: value = a / b; break;
    default: value = sqrt<f64>(a);
  }
  return plain64(value) && result(rd, reinterpret<u64>(value), false);
}

function native32(operation: u32, rd: u32, rs1: u32, rs2: u32): bool {
  const a = reinterpret<f32>(<u32>pattern(rs1, true));
  const b = reinterpret<f32>(<u32>pattern(rs2, true));
  let value: f32 = 0;
  switch (operation) {
    case ADD: value = a + b; break;
    case SUBTRACT: value = a - b; break;
    case MULTIPLY: value = a * b; break;
    case DIVIDE: value = a / b; break;
    default: value = sqrt<f32>(a);
  }
  return plain32(value) && result(rd, reinterpret<u32>(value), true);
}

function arithmetic(operation: u32, word: u32, mode: u32, single: bool): bool {
  const rd = (word >> 7) & 31;
  const rs1 = (word >> 15) & 31;
  const rs2 = (word >> 20) & 31;
  if (nativeAllowed(mode)) {
    if (single ? native32(operation, rd, rs1, rs2) : native64(operation, rd, rs1, rs2)) return true;
  }
  const a = operand(rs1, single);
  const b = operand(rs2, single);
  let bits: u64 = 0;
  switch (operation) {
    case ADD: bits = add(a, b, mode, single); break;
    case SUBTRACT: bits = add(a, b ^ SIGN, mode, single); break;
    case MULTIPLY: bits = multiply(a, b, mode, single); break;
    case DIVIDE: bits = divide(a, b, mode, single); break;
    default: bits = squareRoot(a, mode, single);
  }
  accumulate();
  return result(rd, bits, single);
}

function injectSign(word: u32, single: bool): bool {
  const kind = (word >> 12) & 7;
  const sign: u64 = single ? 0x80000000 : SIGN;
  const a = pattern((word >> 15) & 31, single);
  const b = pattern((word >> 20) & 31, single);
  if (kind > 2) return false;
  const taken = kind == 0 ? b : kind == 1 ? ~b : a ^ b;
  return result((word >> 7) & 31, (a & ~sign) | (taken & sign), single);
}

function extreme(word: u32, single: bool): bool {
  const kind = (word >> 12) & 7;
  if (kind > 1) return false;
  const rs1 = (word >> 15) & 31;
  const rs2 = (word >> 20) & 31;
  const a = operand(rs1, single);
  const b = operand(rs2, single);
  const first = choosesFirst(a, b, kind == 1);
  accumulate();
  const neither = isNaN64(a) && isNaN64(b);
  const bits = neither ? canonical(single) : pattern(first ? rs1 : rs2, single);
  return result((word >> 7) & 31, bits, single);
}

function comparison(word: u32, single: bool): bool {
  const kind = (word >> 12) & 7;
  if (kind > 2) return false;
  const a = operand((word >> 15) & 31, single);
  const b = operand((word >> 20) & 31, single);
  const holds = kind == 2 ? equal(a, b) : less(a, b, kind == 0);
  accumulate();
  setX((word >> 7) & 31, holds ? 1 : 0);
  return true;
}

/** fclass, and moves to integer registers. */
function inspect(word: u32, single: bool): bool {
  const kind = (word >> 12) & 7;
  const rs1 = (word >> 15) & 31;
  const rd = (word >> 7) & 31;
  if (((word >> 20) & 31) != 0 || kind > 1) return false;
  if (kind == 0) {
    setX(rd, single ? <u64>(<i64>(<i32>f(rs1))) : f(rs1));
    return true;
  }
  const bits = pattern(rs1, single);
  const normal = single ? (bits & 0x7f800000) != 0 : (bits & 0x7ff0000000000000) != 0;
  setX(rd, classify(operand(rs1, single), normal));
  return true;
}

function moveFromInteger(word: u32, single: bool): bool {
  if (((word >> 20) & 31) != 0 || ((word >> 12) & 7) != 0) return false;
  const bits = x((word >> 15) & 31);
  return result((word >> 7) & 31, single ? bits & 0xffffffff : bits, single);
}

/** fcvt between formats: rs2 names the source, which must be the other one. */
function convertFormat(word: u32, mode: u32, single: bool): bool {
  const from = (word >> 20) & 31;
  if (from > 1 || (from == 0) == single) return false;
  const bits = convert(operand((word >> 15) & 31, from == 0), mode, single);
  accumulate();
  return result((word >> 7) & 31, bits, single);
}

function convertToInteger(word: u32, mode: u32, single: bool): bool {
  const kind = (word >> 20) & 31;
  if (kind > 3) return false;
  const value = toInteger(operand((word >> 15) & 31, single), kind >= 2, (kind & 1) == 0, mode);
  accumulate();
  setX((word >> 7) & 31, value);
  return true;
}

function convertFromInteger(word: u32, mode: u32, single: bool): bool {
  const kind = (word >> 20) & 31;
  if (kind > 3) return false;
  const signed = (kind & 1) == 0;
  const register = x((word >> 15) & 31);
  let value = register;
  if (kind == 0) value = <u64>(<i64>(<i32>register));
  else if (kind == 1) value = register & 0xffffffff;
  const bits = fromInteger(value, signed, mode, single);
  accumulate();
  return result((word >> 7) & 31, bits, single);
}

function fused(word: u32, mode: u32, single: bool): bool {
  const opcode = word & 0x7f;
  let a = operand((word >> 15) & 31, single);
  const b = operand((word >> 20) & 31, single);
  let c = operand(word >> 27, single);
  if (opcode == 0x4b || opcode == 0x4f) a ^= SIGN;
  if (opcode == 0x47 || opcode == 0x4f) c ^= SIGN;
  const bits = fusedMultiplyAdd(a, b, c, mode, single);
  accumulate();
  return result((word >> 7) & 31, bits, single);
}

function rounded(word: u32, mode: u32, single: bool): bool {
  const operation = word >> 27;
  switch (operation) {
    case ADD:
    case SUBTRACT:
    case MULTIPLY:
    case DIVIDE:
      return arithmetic(operation, word, mode, single);
    case ROOT:
      return ((word >> 20) & 31) == 0 && arithmetic(ROOT, word, mode, single);
    case 8:
      return convertFormat(word, mode, single);
    case 24:
      return convertToInteger(word, mode, single);
    case 26:
      return convertFromInteger(word, mode, single);
    default:
      return false;
  }
}

/** OP-FP and the fused multiply-adds. Returns false for an illegal instruction, with nothing changed. */
export function executeFloat(word: u32): bool {
  const format = (word >> 25) & 3;
  if (format > 1 || !status(MSTATUS_FS)) return false;
  const single = format == 0;
  clearFlags();
  if ((word & 0x7f) == 0x53) {
    switch (word >> 27) {
      case 4: return injectSign(word, single);
      case 5: return extreme(word, single);
      case 20: return comparison(word, single);
      case 28: return inspect(word, single);
      case 30: return moveFromInteger(word, single);
    }
  }
  const encoded = (word >> 12) & 7;
  const mode = encoded == 7 ? <u32>(get(HART_FCSR) >> 5) : encoded;
  if (mode > 4) return false;
  return (word & 0x7f) == 0x53 ? rounded(word, mode, single) : fused(word, mode, single);
}
