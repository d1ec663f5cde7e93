/**
 * An index by integer weights, exactly proportional: a uniform integer below the sum is looked up in
 * the running sums by bisection.
 */
import type { RandomSource } from "../random-source.ts";
import { segmentEnd } from "./empirical.ts";
import type { Choice } from "./description.ts";
import type { Sampler } from "./sampler.ts";
import { uniformSampler } from "./uniform.ts";

export class ChoiceSampler implements Sampler {
  readonly distribution: Choice;
  readonly #sums: Float64Array;
  readonly #uniform: Sampler;

  constructor(distribution: Choice) {
    const { weights } = distribution;
    this.distribution = distribution;
    this.#sums = new Float64Array(weights.length + 1);
    let sum = 0;
    weights.forEach((weight, i) => {
      sum += weight;
      this.#sums[i + 1] = sum;
    });
    this.#uniform = uniformSampler(sum);
  }

  draw(source: RandomSource): number {
    return segmentEnd(this.#sums, this.#uniform.draw(source)) - 1;
  }
}
