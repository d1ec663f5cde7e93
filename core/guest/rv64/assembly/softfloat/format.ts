// Numbers as the arithmetic sees them. Every operand is a binary64 pattern: singles are widened first, which is exact and
// keeps NaNs signalling. A finite nonzero number is sign, exponent and a 64-bit significand whose top bit is set:
// value = significand / 2^63 * 2^exponent. Results are rounded once, by round.ts, to either format.

export const INEXACT: u32 = 1;
export const UNDERFLOW: u32 = 2;
export const OVERFLOW: u32 = 4;
export const DIVIDE_BY_ZERO: u32 = 8;
export const INVALID: u32 = 16;

export const NEAREST: u32 = 0;
export const TOWARDS_ZERO: u32 = 1;
export const DOWN: u32 = 2;
export const UP: u32 = 3;

export const SIGN: u64 = 0x8000000000000000;
export const MAGNITUDE: u64 = 0x7fffffffffffffff;
const INFINITY: u64 = 0x7ff0000000000000;
const FRACTION: u64 = 0x000fffffffffffff;
const QUIET: u64 = 0x0008000000000000;
export const CANONICAL_DOUBLE: u64 = 0x7ff8000000000000;
export const CANONICAL_SINGLE: u64 = 0x7fc00000;

/** Flags raised since they were last cleared. */
export let flags: u32 = 0;

@inline export function raise(more: u32): void {
  flags |= more;
}

@inline export function clearFlags(): void {
  flags = 0;
}

@inline export function isNaN64(a: u64): bool {
  return (a & MAGNITUDE) > INFINITY;
}

@inline export function isSignaling(a: u64): bool {
  return isNaN64(a) && (a & QUIET) == 0;
}

@inline export function isInfinite(a: u64): bool {
  return (a & MAGNITUDE) == INFINITY;
}

@inline export function isZero(a: u64): bool {
  return (a & MAGNITUDE) == 0;
}

/** Exponent of a finite nonzero number. */
export function exponentOf(a: u64): i32 {
  const biased = <i32>((a >> 52) & 0x7ff);
  return biased != 0 ? biased - 1023 : -1011 - <i32>clz(a & FRACTION);
}

/** Significand of a finite nonzero number, top bit set. */
export function significandOf(a: u64): u64 {
  const fraction = a & FRACTION;
  if ((a & INFINITY) != 0) return (fraction << 11) | SIGN;
  return fraction << clz(fraction);
}

/** A single as a double pattern. */
export function widen(single: u64): u64 {
  const sign = (single & 0x80000000) << 32;
  const biased = <u32>(single >> 23) & 0xff;
  const fraction = single & 0x7fffff;
  if (biased == 0xff) return sign | INFINITY | (fraction << 29);
  if (biased != 0) return sign | (<u64>(biased + 896) << 52) | (fraction << 29);
  if (fraction == 0) return sign;
  const shift = clz(fraction) - 40;
  return sign | (<u64>(897 - shift) << 52) | (((fraction << shift) & 0x7fffff) << 29);
}

@inline export function zeroOf(sign: u64, single: bool): u64 {
  return single ? sign >> 32 : sign;
}

@inline export function infinityOf(sign: u64, single: bool): u64 {
  return single ? (sign >> 32) | 0x7f800000 : sign | INFINITY;
}

@inline export function canonical(single: bool): u64 {
  return single ? CANONICAL_SINGLE : CANONICAL_DOUBLE;
}

export function invalid(single: bool): u64 {
  raise(INVALID);
  return canonical(single);
}

/** The result when an operand is a NaN. */
export function fromNaN(a: u64, b: u64, single: bool): u64 {
  if (isSignaling(a) || isSignaling(b)) raise(INVALID);
  return canonical(single);
}
