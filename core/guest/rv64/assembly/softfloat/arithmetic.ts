// Addition, multiplication, division, square root, fused multiply-add on exact significands. All take double patterns
// and round to single or double.

import { multiplyHigh } from "../integer";
import {
  DIVIDE_BY_ZERO,
  DOWN,
  exponentOf,
  fromNaN,
  infinityOf,
  invalid,
  isInfinite,
  isNaN64,
  isZero,
  raise,
  SIGN,
  significandOf,
  zeroOf,
} from "./format";
import { round } from "./round";

/** Shifts right; what falls off leaves its trace in the lowest bit. */
@inline function jam(value: u64, distance: i32): u64 {
  if (distance == 0) return value;
  if (distance > 63) return <u64>(value != 0);
  return (value >> distance) | <u64>((value << (64 - distance)) != 0);
}

/** A number already in the target format needs rounding only when a double is narrowed. */
function repack(a: u64, mode: u32, single: bool): u64 {
  if (isZero(a)) return zeroOf(a & SIGN, single);
  return round(a & SIGN, exponentOf(a), significandOf(a), mode, single);
}

function normalise(sign: u64, exponent: i32, value: u64, mode: u32, single: bool): u64 {
  const shift = clz(value);
  return round(sign, exponent - <i32>shift, value << shift, mode, single);
}

/** Sum of two finite nonzero numbers. */
function sum(a: u64, b: u64, mode: u32, single: bool): u64 {
  let larger = a;
  let smaller = b;
  if (exponentOf(a) < exponentOf(b)) {
    larger = b;
    smaller = a;
  }
  const exponent = exponentOf(larger) + 1;
  const distance = exponentOf(larger) - exponentOf(smaller);
  const first = significandOf(larger) >> 1;
  const second = jam(significandOf(smaller) >> 1, distance);
  const sign = larger & SIGN;
  if (sign == (smaller & SIGN)) return normalise(sign, exponent, first + second, mode, single);
  if (first == second) return zeroOf(mode == DOWN ? SIGN : 0, single);
  if (first > second) return normalise(sign, exponent, first - second, mode, single);
  return normalise(sign ^ SIGN, exponent, second - first, mode, single);
}

export function add(a: u64, b: u64, mode: u32, single: bool): u64 {
  if (isNaN64(a) || isNaN64(b)) return fromNaN(a, b, single);
  if (isInfinite(a)) {
    if (isInfinite(b) && a != b) return invalid(single);
    return infinityOf(a & SIGN, single);
  }
  if (isInfinite(b)) return infinityOf(b & SIGN, single);
  if (isZero(a)) {
    if (!isZero(b)) return repack(b, mode, single);
    return zeroOf(a == b ? a : mode == DOWN ? SIGN : 0, single);
  }
  return isZero(b) ? repack(a, mode, single) : sum(a, b, mode, single);
}

export function multiply(a: u64, b: u64, mode: u32, single: bool): u64 {
  if (isNaN64(a) || isNaN64(b)) return fromNaN(a, b, single);
  const sign = (a ^ b) & SIGN;
  if (isInfinite(a) || isInfinite(b)) {
    if (isZero(a) || isZero(b)) return invalid(single);
    return infinityOf(sign, single);
  }
  if (isZero(a) || isZero(b)) return zeroOf(sign, single);
  const x = significandOf(a);
  const y = significandOf(b);
  const high = multiplyHigh(x, y) | <u64>(x * y != 0);
  return normalise(sign, exponentOf(a) + exponentOf(b) + 1, high, mode, single);
}

/** Quotient of two significands, 62 bits or more of it, with a trace of the remainder in its lowest bit. */
function quotient(dividend: u64, divisor: u64): u64 {
  // Both have their top bit set; halving makes room for the shift of the remainder.
  let remainder = dividend >> 1;
  const by = divisor >> 1;
  let result: u64 = 0;
  for (let i = 0; i < 63; i++) {
    result <<= 1;
    if (remainder >= by) {
      remainder -= by;
      result |= 1;
    }
    remainder <<= 1;
  }
  return (result << 1) | <u64>(remainder != 0);
}

export function divide(a: u64, b: u64, mode: u32, single: bool): u64 {
  if (isNaN64(a) || isNaN64(b)) return fromNaN(a, b, single);
  const sign = (a ^ b) & SIGN;
  if (isInfinite(a)) return isInfinite(b) ? invalid(single) : infinityOf(sign, single);
  if (isInfinite(b)) return zeroOf(sign, single);
  if (isZero(b)) {
    if (isZero(a)) return invalid(single);
    raise(DIVIDE_BY_ZERO);
    return infinityOf(sign, single);
  }
  if (isZero(a)) return zeroOf(sign, single);
  const exponent = exponentOf(a) - exponentOf(b);
  const result = quotient(significandOf(a), significandOf(b));
  return normalise(sign, exponent, result, mode, single);
}

/** Square root of significand / 2^63 (or twice that), 62 bits, digit by digit. */
function root(significand: u64, odd: bool): u64 {
  // The radicand is consumed two bits at a time; its 53 bits stand below one or two leading zeros.
  let radicand = odd ? significand : significand >> 1;
  let remainder: u64 = 0;
  let result: u64 = 0;
  for (let i = 0; i < 60; i++) {
    remainder = (remainder << 2) | (radicand >> 62);
    radicand <<= 2;
    const trial = (result << 2) | 1;
    result <<= 1;
    if (remainder >= trial) {
      remainder -= trial;
      result |= 1;
    }
  }
  return (result << 4) | <u64>(remainder != 0);
}

export function squareRoot(a: u64, mode: u32, single: bool): u64 {
  if (isNaN64(a)) return fromNaN(a, a, single);
  if (isZero(a)) return zeroOf(a & SIGN, single);
  if (a & SIGN) return invalid(single);
  if (isInfinite(a)) return infinityOf(0, single);
  const exponent = exponentOf(a);
  const odd = (exponent & 1) != 0;
  return normalise(0, exponent >> 1, root(significandOf(a), odd), mode, single);
}

// A 128-bit value in two halves, for the fused product.
let high: u64 = 0;
let low: u64 = 0;

/** Shifts high:low right, with a trace. */
function jamPair(distance: i32): void {
  if (distance == 0) return;
  if (distance >= 128) {
    low = <u64>((high | low) != 0);
    high = 0;
  } else if (distance >= 64) {
    const lost = low != 0;
    low = jam(high, distance - 64) | <u64>lost;
    high = 0;
  } else {
    const lost = low << (64 - distance) != 0;
    low = (low >> distance) | (high << (64 - distance)) | <u64>lost;
    high >>= distance;
  }
}

function normalisePair(sign: u64, exponent: i32, mode: u32, single: bool): u64 {
  let top = exponent;
  if (high == 0) {
    high = low;
    low = 0;
    top -= 64;
  }
  const shift = <i32>clz(high);
  if (shift != 0) {
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
  }
  return round(sign, top - shift, high | <u64>(low != 0), mode, single);
}

/** Exact product of two finite nonzero numbers plus a finite nonzero third. */
function fusedSum(a: u64, b: u64, c: u64, mode: u32, single: bool): u64 {
  const productSign = (a ^ b) & SIGN;
  const x = significandOf(a);
  const y = significandOf(b);
  let productHigh = multiplyHigh(x, y);
  let productLow = x * y;
  let exponent = exponentOf(a) + exponentOf(b) + 1;
  if ((productHigh & SIGN) == 0) {
    productHigh = (productHigh << 1) | (productLow >> 63);
    productLow <<= 1;
    exponent--;
  }
  const distance = exponent - exponentOf(c);
  // Both are halved, so that a carry has room; the one that is smaller is shifted to the other.
  high = productHigh;
  low = productLow;
  jamPair(distance < 0 ? 1 - distance : 1);
  productHigh = high;
  productLow = low;
  high = significandOf(c);
  low = 0;
  jamPair(distance > 0 ? 1 + distance : 1);
  const top = (distance > 0 ? exponent : exponentOf(c)) + 1;
  if (productSign == (c & SIGN)) {
    const sumLow = productLow + low;
    high = productHigh + high + <u64>(sumLow < low);
    low = sumLow;
    return normalisePair(productSign, top, mode, single);
  }
  if (productHigh == high && productLow == low) return zeroOf(mode == DOWN ? SIGN : 0, single);
  const productLarger = productHigh > high || (productHigh == high && productLow > low);
  if (productLarger) {
    high = productHigh - high - <u64>(productLow < low);
    low = productLow - low;
    return normalisePair(productSign, top, mode, single);
  }
  high = high - productHigh - <u64>(low < productLow);
  low = low - productLow;
  return normalisePair(productSign ^ SIGN, top, mode, single);
}

export function fusedMultiplyAdd(a: u64, b: u64, c: u64, mode: u32, single: bool): u64 {
  if ((isInfinite(a) && isZero(b)) || (isZero(a) && isInfinite(b))) return invalid(single);
  if (isNaN64(a) || isNaN64(b) || isNaN64(c)) {
    fromNaN(a, b, single);
    return fromNaN(c, c, single);
  }
  const sign = (a ^ b) & SIGN;
  if (isInfinite(a) || isInfinite(b)) {
    if (isInfinite(c) && (c & SIGN) != sign) return invalid(single);
    return infinityOf(sign, single);
  }
  if (isInfinite(c)) return infinityOf(c & SIGN, single);
  if (isZero(a) || isZero(b)) return add(sign, c, mode, single);
  if (isZero(c)) return multiply(a, b, mode, single);
  return fusedSum(a, b, c, mode, single);
}
