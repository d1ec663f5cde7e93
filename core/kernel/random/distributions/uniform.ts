/**
 * Uniform integers without bias. Up to 2^21: Lemire's multiply-and-reject ("Fast random integer
 * generation in an interval", ACM TOMACS 29(1), 2019), where the product of a word and the bound is
 * exact in a double. Up to 2^32: the remainder of a word below the largest multiple of the bound.
 * Above: as many bits as the bound has, redrawn while too large.
 */
import { assert } from "../../assert.ts";
import type { RandomSource } from "../random-source.ts";
import { type Distribution, type Range, uniform } from "./description.ts";
import type { Sampler } from "./sampler.ts";

const TWO_21 = 2_097_152;
const TWO_32 = 4_294_967_296;
const TWO_53 = 9_007_199_254_740_992;

export function isUniformBound(bound: number): boolean {
  return Number.isInteger(bound) && bound >= 1 && bound <= TWO_53;
}

/**
 * Prepares uniform integers 0 .. bound-1, for 1 <= bound <= 2^53; `distribution` is what they stand
 * for, where that is something else.
 */
export function uniformSampler(
  bound: number,
  distribution: Distribution = uniform(bound),
): Sampler {
  assert(isUniformBound(bound), () => `not a bound of uniform integers: ${bound}`);
  if (bound <= TWO_21) return new SmallUniform(bound, distribution);
  return bound <= TWO_32
    ? new WordUniform(bound, distribution)
    : new WideUniform(bound, distribution);
}

class SmallUniform implements Sampler {
  readonly distribution: Distribution;
  readonly #bound: number;
  readonly #rejectBelow: number;

  constructor(bound: number, distribution: Distribution) {
    this.distribution = distribution;
    this.#bound = bound;
    this.#rejectBelow = TWO_32 % bound;
  }

  draw(source: RandomSource): number {
    for (;;) {
      const product = source.nextUint32() * this.#bound;
      const result = Math.floor(product / TWO_32);
      if (product - result * TWO_32 >= this.#rejectBelow) return result;
    }
  }
}

class WordUniform implements Sampler {
  readonly distribution: Distribution;
  readonly #bound: number;
  readonly #acceptBelow: number;

  constructor(bound: number, distribution: Distribution) {
    this.distribution = distribution;
    this.#bound = bound;
    this.#acceptBelow = TWO_32 - (TWO_32 % bound);
  }

  draw(source: RandomSource): number {
    for (;;) {
      const word = source.nextUint32();
      if (word < this.#acceptBelow) return word % this.#bound;
    }
  }
}

class WideUniform implements Sampler {
  readonly distribution: Distribution;
  readonly #bound: number;
  readonly #highMask: number;

  constructor(bound: number, distribution: Distribution) {
    this.distribution = distribution;
    this.#bound = bound;
    const largestHigh = Math.floor((bound - 1) / TWO_32);
    this.#highMask = 0xffffffff >>> Math.clz32(largestHigh);
  }

  draw(source: RandomSource): number {
    for (;;) {
      const high = (source.nextUint32() & this.#highMask) >>> 0;
      const result = high * TWO_32 + source.nextUint32();
      if (result < this.#bound) return result;
    }
  }
}

/** Uniform on low .. high. */
export class RangeSampler implements Sampler {
  readonly distribution: Range;
  readonly #low: number;
  readonly #uniform: Sampler;

  constructor(distribution: Range) {
    this.distribution = distribution;
    this.#low = distribution.low;
    this.#uniform = uniformSampler(distribution.high - distribution.low + 1);
  }

  draw(source: RandomSource): number {
    return this.#low + this.#uniform.draw(source);
  }
}
