/** From descriptions to samplers. */
import { assert, unreachable } from "../../assert.ts";
import type { RandomSource } from "../random-source.ts";
import { BernoulliSampler } from "./bernoulli.ts";
import { distributionProblem } from "./check-distribution.ts";
import { ChoiceSampler } from "./choice.ts";
import type { Distribution } from "./description.ts";
import { EmpiricalSampler } from "./empirical.ts";
import { ExponentialSampler } from "./exponential.ts";
import { LatencySampler } from "./latency.ts";
import { NormalSampler } from "./normal.ts";
import { factorial } from "./permutation.ts";
import type { Sampler } from "./sampler.ts";
import { RangeSampler, uniformSampler } from "./uniform.ts";
import { ZipfSampler } from "./zipf.ts";

export type { Distribution, Sampler };

/** The sampler of a description. Throws AssertionError where `distributionProblem` finds one. */
export function prepare(dist: Distribution): Sampler {
  const problem = distributionProblem(dist);
  assert(problem === undefined, () => `distribution ${dist.kind}: ${problem}`);
  switch (dist.kind) {
    case "uniform":
      return uniformSampler(dist.below, dist);
    case "range":
      return new RangeSampler(dist);
    case "bernoulli":
      return new BernoulliSampler(dist);
    case "exponential":
      return new ExponentialSampler(dist);
    case "normal":
      return new NormalSampler(dist);
    case "zipf":
      return dist.skewPerMille === 0 ? uniformSampler(dist.size, dist) : new ZipfSampler(dist);
    case "empirical":
      return new EmpiricalSampler(dist);
    case "latency":
      return new LatencySampler(dist);
    case "choice":
      return new ChoiceSampler(dist);
    case "permutation":
      return uniformSampler(factorial(dist.size), dist);
    case "constant":
      return { distribution: dist, draw: () => dist.value };
    default:
      return unreachable(dist);
  }
}

/** One draw without keeping the sampler; for a description that is drawn from often, prepare it. */
export function sample(dist: Distribution, source: RandomSource): number {
  return prepare(dist).draw(source);
}

/** Remembers the samplers of description objects (by identity); a pure cache, free to be dropped. */
export class SamplerCache {
  readonly #samplers = new WeakMap<Distribution, Sampler>();

  samplerOf(dist: Distribution): Sampler {
    const known = this.#samplers.get(dist);
    if (known !== undefined) return known;
    const sampler = prepare(dist);
    this.#samplers.set(dist, sampler);
    return sampler;
  }
}
