/** What is wrong with a description, in words for a scenario's author. */
import type { Distribution, Quantile } from "./description.ts";
import { LARGEST_PERMUTATION } from "./permutation.ts";

const TWO_40 = 1_099_511_627_776;
const TWO_43 = 8_796_093_022_208;
const TWO_53 = 9_007_199_254_740_992;

/** `undefined` where the description is sound; else one sentence: what was expected, and what came. */
export function distributionProblem(dist: Distribution): string | undefined {
  switch (dist.kind) {
    case "uniform":
      return integer("below", dist.below, 1, TWO_53);
    case "range":
      return rangeProblem(dist.low, dist.high);
    case "bernoulli":
      return (
        integer("denominator", dist.denominator, 1, TWO_53) ??
        integer("numerator", dist.numerator, 0, dist.denominator)
      );
    case "exponential":
      return integer("mean", dist.mean, 0, TWO_53);
    case "normal":
      return normalProblem(dist.mean, dist.sigma, dist.truncated === true);
    case "zipf":
      return (
        integer("size", dist.size, 1, TWO_40) ??
        integer("skewPerMille", dist.skewPerMille, 0, 10_000)
      );
    case "empirical":
      return quantilesProblem(dist.quantiles);
    case "latency":
      return (
        integer("median", dist.median, 1, TWO_43) ??
        integer("p99", dist.p99, dist.median, Math.min(TWO_43, 1000 * dist.median))
      );
    case "choice":
      return weightsProblem(dist.weights);
    case "permutation":
      return integer("size", dist.size, 1, LARGEST_PERMUTATION);
    case "constant":
      return integer("value", dist.value, -TWO_53 + 1, TWO_53 - 1);
  }
}

function integer(name: string, value: number, low: number, high: number): string | undefined {
  if (Number.isInteger(value) && value >= low && value <= high) return undefined;
  return `${name}: expected an integer from ${low} to ${high}, got ${value}`;
}

function rangeProblem(low: number, high: number): string | undefined {
  return (
    integer("low", low, -TWO_53 + 1, TWO_53 - 1) ??
    integer("high", high, low, Math.min(TWO_53 - 1, low + TWO_53 - 1))
  );
}

function normalProblem(mean: number, sigma: number, truncated: boolean): string | undefined {
  if (!Number.isFinite(mean) || !(sigma >= 0))
    return "mean and sigma: expected numbers, sigma >= 0";
  if (!((mean < 0 ? -mean : mean) + 9 * sigma < TWO_53)) return "mean and sigma: beyond 2^53";
  if (truncated && mean < 0) return `mean: expected at least 0 where truncated, got ${mean}`;
  return undefined;
}

function quantilesProblem(quantiles: readonly Quantile[]): string | undefined {
  const first = quantiles[0];
  const last = quantiles[quantiles.length - 1];
  if (quantiles.length < 2 || first?.p !== 0 || last?.p !== 1) {
    return "quantiles: expected a first with p 0 and a last with p 1";
  }
  for (let i = 0; i < quantiles.length; i++) {
    const { p, value } = quantiles[i]!;
    if (!Number.isSafeInteger(value)) return `quantiles/${i}: expected an integer, got ${value}`;
    if (i === 0) continue;
    const before = quantiles[i - 1]!;
    if (!(p - before.p >= 1e-12)) return `quantiles/${i}: expected p to rise`;
    if (value < before.value) return `quantiles/${i}: expected value not to fall`;
  }
  return last.value - first.value < TWO_53 ? undefined : "quantiles: expected a spread below 2^53";
}

function weightsProblem(weights: readonly number[]): string | undefined {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    const problem = integer(`weights/${i}`, weights[i]!, 0, TWO_53);
    if (problem !== undefined) return problem;
    sum += weights[i]!;
    if (sum > TWO_53) return "weights: expected a sum of at most 2^53";
  }
  return sum >= 1 ? undefined : "weights: expected at least one above 0";
}
