// Conversions between formats and to and from integers.

import {
  exact,
  FLAG,
  type FloatFormat,
  type FloatResult,
  infinity,
  propagateNaN,
  unpack,
  zero,
} from "./format.ts";
import { round, roundBits } from "./round.ts";

export function convertFormat(
  from: FloatFormat,
  to: FloatFormat,
  a: bigint,
  mode: number,
): FloatResult {
  const value = unpack(from, a);
  switch (value.kind) {
    case "nan":
      return propagateNaN(to, [value]);
    case "infinity":
      return exact(infinity(to, value.sign));
    case "zero":
      return exact(zero(to, value.sign));
    case "finite":
      return round(to, value.sign, value.significand, value.exponent, mode);
  }
}

/** `value` is the mathematical integer. */
export const fromInteger = (format: FloatFormat, value: bigint, mode: number): FloatResult =>
  round(format, value < 0n, value < 0n ? -value : value, 0, mode);

/**
 * To an integer of `width` bits, as an unsigned value of that width. What does not fit, and infinities, give the nearest
 * bound and are invalid; NaN gives the upper bound.
 */
export function toInteger(
  format: FloatFormat,
  a: bigint,
  width: number,
  signedResult: boolean,
  mode: number,
): FloatResult {
  const top = 1n << BigInt(signedResult ? width - 1 : width);
  const highest = top - 1n;
  const lowest = signedResult ? -top : 0n;
  const wrap = (value: bigint): bigint => BigInt.asUintN(width, value);
  const value = unpack(format, a);
  if (value.kind === "nan") return { bits: highest, flags: FLAG.invalid };
  if (value.kind === "infinity")
    return { bits: wrap(value.sign ? lowest : highest), flags: FLAG.invalid };
  if (value.kind === "zero") return exact(0n);
  const { kept, inexact } = roundBits(value.significand, -value.exponent, value.sign, mode);
  const integer = value.sign ? -kept : kept;
  if (integer > highest) return { bits: highest, flags: FLAG.invalid };
  if (integer < lowest) return { bits: wrap(lowest), flags: FLAG.invalid };
  return { bits: wrap(integer), flags: inexact ? FLAG.inexact : 0 };
}
