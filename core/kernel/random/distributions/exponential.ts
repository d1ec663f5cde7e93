/**
 * The geometric distribution with an exact integer mean m, which is the exponential distribution of
 * whole nanoseconds: floor(E / ln(1 + 1/m)) for a standard exponential E has P(X >= k) =
 * (m/(m+1))^k exactly, so its mean is m and it has no memory.
 *
 * E is -ln(u) of a 64-bit uniform u, on our own logarithm: absolute error below 2^-50, so a draw
 * differs from the one in exact arithmetic by at most 1 ns, with a probability below m * 2^-49.
 * When u's leading bits are zeros more bits are drawn, so the tail has no end. Falls as u rises.
 */
import { LN2, log1pOverX, logOfSignificand } from "../exact/index.ts";
import type { RandomSource } from "../random-source.ts";
import type { Exponential } from "./description.ts";
import type { Sampler } from "./sampler.ts";

const TWO_32 = 4_294_967_296;
const TWO_63 = 9_223_372_036_854_775_808;

/** Below this a word has its ten leading bits zero: once in 1,024 draws. */
const RARE_BELOW = 0x400000;
const RARE_BITS = 10;

export class ExponentialSampler implements Sampler {
  readonly distribution: Exponential;
  readonly #scale: number;

  constructor(distribution: Exponential) {
    this.distribution = distribution;
    this.#scale = scaleOfMean(distribution.mean);
  }

  draw(source: RandomSource): number {
    const result = Math.floor(standardExponential(source) * this.#scale);
    if (result > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
    return result > 0 ? result : 0; // -2^-53 can come out where the exact value is +0
  }
}

/** A standard exponential variate, mean 1; takes two words, seldom more. */
export function standardExponential(source: RandomSource): number {
  const high = source.nextUint32();
  const low = source.nextUint32();
  if (high < RARE_BELOW) return RARE_BITS * LN2 + rareTail(high, low, source);
  return minusLog64(high, low);
}

/** Memory-less: behind ten zero bits the remaining bits are again uniform. */
function rareTail(high: number, low: number, source: RandomSource): number {
  let skipped = 0;
  let top = ((high << RARE_BITS) | (low >>> (32 - RARE_BITS))) >>> 0;
  let rest = low;
  for (;;) {
    rest = ((rest << RARE_BITS) | (source.nextUint32() >>> (32 - RARE_BITS))) >>> 0;
    if (top >= RARE_BELOW) return skipped * LN2 + minusLog64(top, rest);
    skipped += RARE_BITS;
    top = ((top << RARE_BITS) | (rest >>> (32 - RARE_BITS))) >>> 0;
  }
}

/** -ln(u/2^64) of the 64-bit u = (high, low), for high of at most ten leading zeros. */
function minusLog64(high: number, low: number): number {
  const zeros = Math.clz32(high);
  const index = ((high << zeros) >>> 23) & 0xff;
  const significand = ((high * TWO_32 + low) * (1 << zeros)) / TWO_63;
  return (zeros + 1) * LN2 - logOfSignificand(significand, index);
}

/** 1/ln(1 + 1/m), so that the mean after rounding down is m. */
function scaleOfMean(m: number): number {
  return m === 0 ? 0 : m / log1pOverX(1 / m);
}
