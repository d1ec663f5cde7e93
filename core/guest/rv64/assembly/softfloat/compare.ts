// Comparison, minimum and maximum, classification, on double patterns.

import {
  INVALID,
  isInfinite,
  isNaN64,
  isSignaling,
  isZero,
  MAGNITUDE,
  raise,
  SIGN,
} from "./format";

/** A pattern as an integer in the order of the values. */
@inline function rank(a: u64): i64 {
  return (a & SIGN) != 0 ? 0 - <i64>(a & MAGNITUDE) : <i64>a;
}

export function equal(a: u64, b: u64): bool {
  if (isNaN64(a) || isNaN64(b)) {
    if (isSignaling(a) || isSignaling(b)) raise(INVALID);
    return false;
  }
  return rank(a) == rank(b);
}

export function less(a: u64, b: u64, orEqual: bool): bool {
  if (isNaN64(a) || isNaN64(b)) {
    raise(INVALID);
    return false;
  }
  return orEqual ? rank(a) <= rank(b) : rank(a) < rank(b);
}

/** Whether fmin or fmax chooses the first operand; the caller answers two NaNs. */
export function choosesFirst(a: u64, b: u64, maximum: bool): bool {
  if (isSignaling(a) || isSignaling(b)) raise(INVALID);
  if (isNaN64(a)) return false;
  if (isNaN64(b)) return true;
  if (rank(a) == rank(b)) return ((a & SIGN) != 0) != maximum;
  return rank(a) < rank(b) != maximum;
}

/** One of ten bits. `normal` says whether the number is normal in its own format. */
export function classify(a: u64, normal: bool): u64 {
  const negative = (a & SIGN) != 0;
  if (isNaN64(a)) return isSignaling(a) ? 1 << 8 : 1 << 9;
  if (isInfinite(a)) return negative ? 1 : 1 << 7;
  if (isZero(a)) return negative ? 1 << 3 : 1 << 4;
  if (negative) return normal ? 1 << 1 : 1 << 2;
  return normal ? 1 << 6 : 1 << 5;
}
