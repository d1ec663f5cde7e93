// Conversions between formats and to and from integers.

import {
  exponentOf,
  fromNaN,
  INEXACT,
  infinityOf,
  INVALID,
  isInfinite,
  isNaN64,
  isZero,
  raise,
  SIGN,
  significandOf,
  zeroOf,
} from "./format";
import { cutBits, keptBits, round, stepsUp } from "./round";

/** To single or double. */
export function convert(a: u64, mode: u32, single: bool): u64 {
  if (isNaN64(a)) return fromNaN(a, a, single);
  if (isInfinite(a)) return infinityOf(a & SIGN, single);
  if (isZero(a)) return zeroOf(a & SIGN, single);
  return round(a & SIGN, exponentOf(a), significandOf(a), mode, single);
}

/** From an integer of 64 bits, taken as signed or not. */
export function fromInteger(value: u64, signed: bool, mode: u32, single: bool): u64 {
  if (value == 0) return 0;
  const sign: u64 = signed ? value & SIGN : 0;
  const magnitude = sign != 0 ? 0 - value : value;
  const shift = clz(magnitude);
  return round(sign, 63 - <i32>shift, magnitude << shift, mode, single);
}

function outOfRange(negative: bool, lowest: u64, highest: u64): u64 {
  raise(INVALID);
  return negative ? lowest : highest;
}

/** To an integer of 32 or 64 bits; the result is sign-extended from its width. */
export function toInteger(a: u64, wide: bool, signed: bool, mode: u32): u64 {
  // The bounds, as results and as magnitudes.
  const highest: u64 = signed ? (wide ? 0x7fffffffffffffff : 0x7fffffff) : 0xffffffffffffffff;
  const lowest: u64 = signed ? (wide ? SIGN : 0xffffffff80000000) : 0;
  if (isNaN64(a)) return outOfRange(false, lowest, highest);
  const negative = (a & SIGN) != 0;
  if (isZero(a)) return 0;
  if (isInfinite(a) || exponentOf(a) > 63) return outOfRange(negative, lowest, highest);
  const drop = 63 - exponentOf(a);
  const significand = significandOf(a);
  let magnitude = drop == 0 ? significand : keptBits(significand, drop);
  const cut = drop == 0 ? 0 : cutBits(significand, drop);
  if (stepsUp(mode, negative, magnitude, cut)) magnitude++;
  const limit: u64 = signed
    ? (wide ? SIGN : <u64>0x80000000) - (negative ? 0 : 1)
    : negative
      ? 0
      : wide
        ? 0xffffffffffffffff
        : 0xffffffff;
  if (magnitude > limit) return outOfRange(negative, lowest, highest);
  if (cut != 0) raise(INEXACT);
  const result = negative ? 0 - magnitude : magnitude;
  return wide ? result : <u64>(<i64>(<i32>result));
}
