/**
 * An event with an exact rational probability: a uniform integer below the denominator is below the
 * numerator. Takes words even when the probability is 0 or 1, so that switching a fault on or off
 * shifts no later draw of its stream.
 */
import type { RandomSource } from "../random-source.ts";
import type { Bernoulli } from "./description.ts";
import type { Sampler } from "./sampler.ts";
import { uniformSampler } from "./uniform.ts";

export class BernoulliSampler implements Sampler {
  readonly distribution: Bernoulli;
  readonly #numerator: number;
  readonly #uniform: Sampler;

  constructor(distribution: Bernoulli) {
    this.distribution = distribution;
    this.#numerator = distribution.numerator;
    this.#uniform = uniformSampler(distribution.denominator);
  }

  draw(source: RandomSource): number {
    return this.#uniform.draw(source) < this.#numerator ? 1 : 0;
  }
}
