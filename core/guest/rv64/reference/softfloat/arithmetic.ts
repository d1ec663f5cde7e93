// Addition, multiplication, division, square root and fused multiply-add: computed exactly, rounded once.

import {
  bitLength,
  exact,
  FLAG,
  type FloatFormat,
  type FloatResult,
  infinity,
  invalid,
  propagateNaN,
  ROUND,
  type Unpacked,
  unpack,
  zero,
} from "./format.ts";
import { round } from "./round.ts";

const isNaN = (value: Unpacked): boolean => value.kind === "nan";

/** A value that is not a NaN, as an exact number with a sign even when it is zero. */
interface Exact {
  readonly sign: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

const exactly = (value: Unpacked): Exact =>
  value.kind === "finite" ? value : { sign: value.sign, significand: 0n, exponent: 0 };

/** Sum of two exact numbers. An exact zero is positive, but negative when rounding down, unless both agree. */
function sum(format: FloatFormat, a: Exact, b: Exact, mode: number): FloatResult {
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = (v: Exact): bigint => {
    const magnitude = v.significand << BigInt(v.exponent - exponent);
    return v.sign ? -magnitude : magnitude;
  };
  const total = aligned(a) + aligned(b);
  if (total === 0n) {
    const sign = a.sign === b.sign ? a.sign : mode === ROUND.down;
    return exact(zero(format, sign));
  }
  return round(format, total < 0n, total < 0n ? -total : total, exponent, mode);
}

export function add(format: FloatFormat, a: bigint, b: bigint, mode: number): FloatResult {
  const ua = unpack(format, a);
  const ub = unpack(format, b);
  if (isNaN(ua) || isNaN(ub)) return propagateNaN(format, [ua, ub]);
  if (ua.kind === "infinity")
    return ub.kind === "infinity" && ub.sign !== ua.sign ? invalid(format) : exact(a);
  if (ub.kind === "infinity") return exact(b);
  return sum(format, exactly(ua), exactly(ub), mode);
}

export const negate = (format: FloatFormat, a: bigint): bigint => a ^ zero(format, true);

/** a - b is a + (-b); a NaN loses only its sign, which the result does not show. */
export const subtract = (format: FloatFormat, a: bigint, b: bigint, mode: number): FloatResult =>
  add(format, a, negate(format, b), mode);

export function multiply(format: FloatFormat, a: bigint, b: bigint, mode: number): FloatResult {
  const ua = unpack(format, a);
  const ub = unpack(format, b);
  if (isNaN(ua) || isNaN(ub)) return propagateNaN(format, [ua, ub]);
  const sign = ua.sign !== ub.sign;
  if (ua.kind === "infinity" || ub.kind === "infinity") {
    if (ua.kind === "zero" || ub.kind === "zero") return invalid(format);
    return exact(infinity(format, sign));
  }
  const ea = exactly(ua);
  const eb = exactly(ub);
  return round(format, sign, ea.significand * eb.significand, ea.exponent + eb.exponent, mode);
}

export function divide(format: FloatFormat, a: bigint, b: bigint, mode: number): FloatResult {
  const ua = unpack(format, a);
  const ub = unpack(format, b);
  if (isNaN(ua) || isNaN(ub)) return propagateNaN(format, [ua, ub]);
  const sign = ua.sign !== ub.sign;
  if (ua.kind === "infinity")
    return ub.kind === "infinity" ? invalid(format) : exact(infinity(format, sign));
  if (ub.kind === "infinity") return exact(zero(format, sign));
  if (ub.kind === "zero") {
    if (ua.kind === "zero") return invalid(format);
    return { bits: infinity(format, sign), flags: FLAG.divideByZero };
  }
  const ea = exactly(ua);
  const eb = exactly(ub);
  // Enough quotient bits that rounding only needs to know whether a remainder is left.
  const shift = BigInt(2 * format.fractionBits + 8);
  const dividend = ea.significand << shift;
  const quotient = dividend / eb.significand;
  const sticky = dividend % eb.significand !== 0n;
  const exponent = ea.exponent - eb.exponent - Number(shift);
  return round(format, sign, quotient, exponent, mode, sticky);
}

/** The largest integer whose square is at most `value`. */
export function integerSquareRoot(value: bigint): bigint {
  if (value === 0n) return 0n;
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(format: FloatFormat, a: bigint, mode: number): FloatResult {
  const ua = unpack(format, a);
  if (ua.kind === "nan") return propagateNaN(format, [ua]);
  if (ua.kind === "zero") return exact(a);
  if (ua.sign) return invalid(format);
  if (ua.kind === "infinity") return exact(a);
  const widen = 2 * format.fractionBits + 8 + ((ua.exponent & 1) === 0 ? 0 : 1);
  const radicand = ua.significand << BigInt(widen);
  const root = integerSquareRoot(radicand);
  const sticky = root * root !== radicand;
  return round(format, false, root, (ua.exponent - widen) / 2, mode, sticky);
}

/** a * b + c with one rounding. Infinity times zero is invalid even when c is a quiet NaN. */
export function fusedMultiplyAdd(
  format: FloatFormat,
  a: bigint,
  b: bigint,
  c: bigint,
  mode: number,
): FloatResult {
  const ua = unpack(format, a);
  const ub = unpack(format, b);
  const uc = unpack(format, c);
  const meaningless =
    (ua.kind === "infinity" && ub.kind === "zero") ||
    (ua.kind === "zero" && ub.kind === "infinity");
  if (meaningless) return invalid(format);
  if (isNaN(ua) || isNaN(ub) || isNaN(uc)) return propagateNaN(format, [ua, ub, uc]);
  const sign = ua.sign !== ub.sign;
  if (ua.kind === "infinity" || ub.kind === "infinity") {
    if (uc.kind === "infinity" && uc.sign !== sign) return invalid(format);
    return exact(infinity(format, sign));
  }
  if (uc.kind === "infinity") return exact(c);
  const ea = exactly(ua);
  const eb = exactly(ub);
  const product = {
    sign,
    significand: ea.significand * eb.significand,
    exponent: ea.exponent + eb.exponent,
  };
  return sum(format, product, exactly(uc), mode);
}
