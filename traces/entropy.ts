/**
 * How many bits a draw carries: -log2 of the probability of its result. Reports hold trace sizes
 * against the sum of these. Outside determinism: it uses Math.log2, and nothing that runs in the
 * simulated world may depend on it. Where a sampler draws several times, what counts is the
 * probability of the result, which is all that a log holds.
 */
import {
  type Distribution,
  type Empirical,
  factorial,
  type Latency,
  type Normal,
  type Zipf,
} from "../core/kernel/index.ts";
import { intervalBits, upperTail } from "./normal-probability.ts";

/** Bits of one result; Infinity where the distribution cannot give it. */
export type Surprisal = (result: number) => number;

/** -log2 p(result) under `dist`. For many results of one distribution, prepare it. */
export function surprisalBits(dist: Distribution, result: number): number {
  return prepareSurprisal(dist)(result);
}

/** The surprisal of any result of `dist`, with what is common to all of them computed once. */
export function prepareSurprisal(dist: Distribution): Surprisal {
  switch (dist.kind) {
    case "uniform":
      return equallyLikely(0, dist.below);
    case "range":
      return equallyLikely(dist.low, dist.high - dist.low + 1);
    case "permutation":
      return equallyLikely(0, factorial(dist.size));
    case "constant":
      return equallyLikely(dist.value, 1);
    case "bernoulli":
      return bitsOfWeights([dist.denominator - dist.numerator, dist.numerator]);
    case "choice":
      return bitsOfWeights(dist.weights);
    case "exponential":
      return exponentialBits(dist.mean);
    case "normal":
      return normalBits(dist);
    case "latency":
      return latencyBits(dist);
    case "zipf":
      return zipfBits(dist);
    case "empirical":
      return (result) => -Math.log2(empiricalProbability(dist, result));
  }
}

function equallyLikely(low: number, count: number): Surprisal {
  const bits = Math.log2(count);
  return (result) => (result >= low && result - low < count ? bits : Infinity);
}

function bitsOfWeights(weights: readonly number[]): Surprisal {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return (result) => Math.log2(total) - Math.log2(weights[result] ?? 0);
}

function exponentialBits(mean: number): Surprisal {
  if (mean === 0) return equallyLikely(0, 1);
  const bitsPerStep = Math.log1p(1 / mean) * Math.LOG2E;
  const bitsOfZero = Math.log2(mean + 1);
  return (result) => {
    if (result < 0) return Infinity;
    const saturated = result === Number.MAX_SAFE_INTEGER;
    return result * bitsPerStep + (saturated ? 0 : bitsOfZero);
  };
}

function normalBits({ mean, sigma, truncated }: Normal): Surprisal {
  if (sigma === 0) return equallyLikely(Math.floor(mean + 0.5), 1);
  const kept = truncated === true ? upperTail((-0.5 - mean) / sigma) : 1;
  return (result) => {
    if (truncated === true && result < 0) return Infinity;
    const low = (result - 0.5 - mean) / sigma;
    return intervalBits(low, low + 1 / sigma) + Math.log2(kept);
  };
}

function latencyBits({ median, p99 }: Latency): Surprisal {
  if (median === p99) return equallyLikely(median, 1);
  const sigma = Math.log(p99 / median) / 2.3263478740408408;
  return (result) => {
    if (result < 0) return Infinity;
    const low = result < 0.5 ? -Infinity : Math.log((result - 0.5) / median) / sigma;
    return intervalBits(low, Math.log((result + 0.5) / median) / sigma);
  };
}

function zipfBits({ size, skewPerMille }: Zipf): Surprisal {
  const skew = skewPerMille / 1000;
  const bitsOfFirst = Math.log2(generalizedHarmonic(size, skew));
  return (rank) => (rank >= 0 && rank < size ? bitsOfFirst + skew * Math.log2(rank + 1) : Infinity);
}

/** The sum of k^-skew for k from 1 to n; the far part by the Euler-Maclaurin formula. */
function generalizedHarmonic(n: number, skew: number): number {
  const near = Math.min(n, 1000);
  let sum = 0;
  for (let k = near; k >= 1; k--) sum += k ** -skew;
  if (near === n) return sum;
  const integral =
    skew === 1 ? Math.log(n / near) : (n ** (1 - skew) - near ** (1 - skew)) / (1 - skew);
  const ends = (n ** -skew - near ** -skew) / 2;
  const slopes = (-skew * (n ** (-skew - 1) - near ** (-skew - 1))) / 12;
  return sum + integral + ends + slopes;
}

/** Mass that the segments between quantiles put on values that round to `result`. */
function empiricalProbability({ quantiles }: Empirical, result: number): number {
  let probability = 0;
  for (let i = 1; i < quantiles.length; i++) {
    const { p: startP, value: start } = quantiles[i - 1]!;
    const { p: endP, value: end } = quantiles[i]!;
    const mass = endP - startP;
    if (start === end) {
      if (result === start) probability += mass;
      continue;
    }
    const overlap = Math.min(end, result + 0.5) - Math.max(start, result - 0.5);
    if (overlap > 0) probability += (mass * overlap) / (end - start);
  }
  return probability;
}
