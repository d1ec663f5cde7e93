// The one place where a result is rounded. Tininess is detected after rounding, as RISC-V requires (unprivileged
// specification, section 11.2 refers to IEEE 754-2008, 7.5).

import { FLAG, type FloatFormat, type FloatResult, ROUND } from "./format.ts";
import { bitLength, infinity, largest, zero } from "./format.ts";

/** Whether to step away from zero, given the last kept bit and what was cut off. */
function stepsUp(mode: number, sign: boolean, kept: bigint, cut: bigint, half: bigint): boolean {
  switch (mode) {
    case ROUND.nearest:
      return cut > half || (cut === half && (kept & 1n) === 1n);
    case ROUND.zero:
      return false;
    case ROUND.down:
      return sign && cut !== 0n;
    case ROUND.up:
      return !sign && cut !== 0n;
    default:
      return cut >= half;
  }
}

/** Cuts `drop` bits off a significand; `drop` may be negative, which adds zeros. */
export function roundBits(
  significand: bigint,
  drop: number,
  sign: boolean,
  mode: number,
): { readonly kept: bigint; readonly inexact: boolean } {
  if (drop <= 0) return { kept: significand << BigInt(-drop), inexact: false };
  const kept = significand >> BigInt(drop);
  const cut = significand & ((1n << BigInt(drop)) - 1n);
  const up = stepsUp(mode, sign, kept, cut, 1n << BigInt(drop - 1));
  return { kept: up ? kept + 1n : kept, inexact: cut !== 0n };
}

function overflow(format: FloatFormat, sign: boolean, mode: number): FloatResult {
  const flags = FLAG.overflow | FLAG.inexact;
  const towardsZero =
    mode === ROUND.zero || (mode === ROUND.down && !sign) || (mode === ROUND.up && sign);
  return { bits: towardsZero ? largest(format, sign) : infinity(format, sign), flags };
}

/**
 * Rounds significand * 2^exponent, plus something positive below its last bit when `sticky`, into a format.
 * A significand of zero must be exact.
 */
export function round(
  format: FloatFormat,
  sign: boolean,
  significand: bigint,
  exponent: number,
  mode: number,
  sticky = false,
): FloatResult {
  if (significand === 0n) return { bits: zero(format, sign), flags: 0 };
  const extended = (significand << 2n) | (sticky ? 1n : 0n);
  const lowest = exponent - 2;
  const precision = format.fractionBits + 1;
  const minimum = 1 - format.bias - format.fractionBits;
  const unboundedDrop = bitLength(extended) - precision;
  const drop = Math.max(unboundedDrop, minimum - lowest);
  const { kept, inexact } = roundBits(extended, drop, sign, mode);
  const last = lowest + drop;
  if (bitLength(kept) + last - 1 > format.bias) return overflow(format, sign, mode);

  let flags = inexact ? FLAG.inexact : 0;
  if (inexact && drop > unboundedDrop) {
    const free = roundBits(extended, unboundedDrop, sign, mode).kept;
    const tiny = bitLength(free) + lowest + unboundedDrop - 1 < 1 - format.bias;
    if (tiny) flags |= FLAG.underflow;
  }
  // A subnormal has biased exponent 0 and no hidden bit; adding handles both, and a carry into the exponent.
  const hidden = 1n << BigInt(format.fractionBits);
  const normalised = kept === hidden << 1n ? hidden : kept;
  const bump = kept === hidden << 1n ? 1 : 0;
  const biased = normalised < hidden ? 0 : last + bump - minimum + 1;
  const magnitude = (BigInt(biased) << BigInt(format.fractionBits)) | (normalised & (hidden - 1n));
  return { bits: zero(format, sign) | magnitude, flags };
}
