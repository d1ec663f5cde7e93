/**
 * Piecewise-linear inversion of measured quantiles: a 53-bit uniform integer picks the segment and
 * the place in it; the value is rounded to the nearest integer. Rises with the uniform.
 */
import type { RandomSource } from "../random-source.ts";
import type { Empirical } from "./description.ts";
import { uint53 } from "./random-bits.ts";
import type { Sampler } from "./sampler.ts";

const TWO_53 = 9_007_199_254_740_992;

export class EmpiricalSampler implements Sampler {
  readonly distribution: Empirical;
  /** Where each quantile lies in [0, 2^53]; the last is 2^53, so every draw has a segment. */
  readonly #thresholds: Float64Array;
  readonly #values: Float64Array;

  constructor(distribution: Empirical) {
    this.distribution = distribution;
    const { quantiles } = distribution;
    this.#thresholds = Float64Array.from(quantiles, ({ p }) => Math.floor(p * TWO_53));
    this.#values = Float64Array.from(quantiles, ({ value }) => value);
  }

  draw(source: RandomSource): number {
    const u = uint53(source);
    const end = segmentEnd(this.#thresholds, u);
    const start = this.#thresholds[end - 1]!;
    const low = this.#values[end - 1]!;
    const rise = this.#values[end]! - low;
    const fraction = (u - start) / (this.#thresholds[end]! - start);
    return low + Math.floor(rise * fraction + 0.5);
  }
}

/** The first index above 0 whose threshold is above `u`; thresholds rise, and the last is. */
export function segmentEnd(thresholds: Float64Array, u: number): number {
  let low = 1;
  let high = thresholds.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (u < thresholds[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}
