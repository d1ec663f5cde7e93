// Rounding to a format, in one place. Tininess is detected after rounding.

import {
  DOWN,
  INEXACT,
  infinityOf,
  NEAREST,
  OVERFLOW,
  raise,
  SIGN,
  TOWARDS_ZERO,
  UNDERFLOW,
  UP,
  zeroOf,
} from "./format";

/** Whether to step away from zero: `cut` is what was cut off, as a fraction of 2^64 of the last kept bit. */
@inline export function stepsUp(mode: u32, negative: bool, kept: u64, cut: u64): bool {
  if (mode == NEAREST) return cut > SIGN || (cut == SIGN && (kept & 1) != 0);
  if (mode == TOWARDS_ZERO) return false;
  if (mode == DOWN) return negative && cut != 0;
  if (mode == UP) return !negative && cut != 0;
  return cut >= SIGN;
}

function overflow(sign: u64, mode: u32, single: bool): u64 {
  raise(OVERFLOW | INEXACT);
  const negative = sign != 0;
  const bounded =
    mode == TOWARDS_ZERO || (mode == DOWN && !negative) || (mode == UP && negative);
  return infinityOf(sign, single) - (bounded ? 1 : 0);
}

/** What is kept and cut when the low `drop` bits (1 to any number) of a significand go. */
@inline export function keptBits(significand: u64, drop: i32): u64 {
  return drop < 64 ? significand >> drop : 0;
}

@inline export function cutBits(significand: u64, drop: i32): u64 {
  if (drop < 64) return significand << (64 - drop);
  if (drop == 64) return significand;
  return 1;
}

/**
 * Rounds +-significand / 2^63 * 2^exponent. The top bit of the significand is set; bits beyond its 64 are represented by
 * its lowest bit being set.
 */
export function round(sign: u64, exponent: i32, significand: u64, mode: u32, single: bool): u64 {
  const precision: i32 = single ? 24 : 53;
  const bias: i32 = single ? 127 : 1023;
  const negative = sign != 0;
  const normalDrop = 64 - precision;
  const below = 1 - bias - exponent;
  const drop = below > 0 ? normalDrop + below : normalDrop;
  let kept = keptBits(significand, drop);
  const cut = cutBits(significand, drop);
  if (stepsUp(mode, negative, kept, cut)) kept++;
  const inexact = cut != 0;
  if (inexact) raise(INEXACT);
  const hidden = <u64>1 << (precision - 1);
  if (below > 0) {
    if (inexact && staysTiny(significand, normalDrop, below, negative, mode, precision))
      raise(UNDERFLOW);
    // A carry into the hidden bit makes the smallest normal number by itself.
    return zeroOf(sign, single) | kept;
  }
  let top = exponent;
  if (kept == hidden << 1) {
    kept = hidden;
    top++;
  }
  if (top > bias) return overflow(sign, mode, single);
  return zeroOf(sign, single) | ((<u64>(top + bias) << (precision - 1)) + (kept - hidden));
}

/** Whether the value, rounded as if the exponent were unbounded, is below the smallest normal number. */
function staysTiny(
  significand: u64,
  drop: i32,
  below: i32,
  negative: bool,
  mode: u32,
  precision: i32,
): bool {
  if (below > 1) return true;
  let kept = significand >> drop;
  if (stepsUp(mode, negative, kept, significand << (64 - drop))) kept++;
  return kept != <u64>1 << precision;
}
