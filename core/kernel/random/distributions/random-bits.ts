/** Wide uniform numbers from 32-bit words. The order in which words are taken is part of a draw. */
import type { RandomSource } from "../random-source.ts";

const TWO_26 = 67_108_864;
const TWO_52 = 4_503_599_627_370_496;
const TWO_53 = 9_007_199_254_740_992;

/** A uniform integer in [0, 2^53); takes two words. */
export function uint53(source: RandomSource): number {
  const high = source.nextUint32() >>> 5;
  return high * TWO_26 + (source.nextUint32() >>> 6);
}

/** Uniform in [0, 1), a multiple of 2^-53; takes two words. */
export function unitInterval(source: RandomSource): number {
  return uint53(source) / TWO_53;
}

/** Uniform in (0, 1) and symmetric about 1/2: (k + 1/2)/2^52; takes two words. */
export function openUnitInterval(source: RandomSource): number {
  const high = source.nextUint32() >>> 6;
  return (high * TWO_26 + (source.nextUint32() >>> 6) + 0.5) / TWO_52;
}
