/**
 * Descriptions of integer distributions: plain data that a scenario, a message or a trace can carry.
 * Each gives integers in the safe range; what each means is said here, how it is drawn in its file.
 * Every draw is bit-equal on every engine.
 */

/** Integers 0 .. below-1, equally likely. 1 <= below <= 2^53. */
export type Uniform = {
  readonly kind: "uniform";
  readonly below: number;
};

/** Integers low .. high, both included, equally likely. high - low < 2^53. */
export type Range = {
  readonly kind: "range";
  readonly low: number;
  readonly high: number;
};

/** 1 with probability numerator/denominator, exactly, else 0. Denominator up to 2^53. */
export type Bernoulli = {
  readonly kind: "bernoulli";
  readonly numerator: number;
  readonly denominator: number;
};

/**
 * The memoryless distribution on 0, 1, 2, … with exactly this mean:
 * P(X >= k) = (mean/(mean+1))^k. For the means of practice, an exponential rounded down.
 * Integer mean, 0 <= mean <= 2^53; results saturate at 2^53 - 1, the end of simulated time.
 */
export type Exponential = {
  readonly kind: "exponential";
  readonly mean: number;
};

/**
 * The normal distribution rounded to the nearest integer. With `truncated`, conditional on the
 * result being at least 0 (mean >= 0 is then required). |mean| + 9 sigma < 2^53, sigma >= 0.
 */
export type Normal = {
  readonly kind: "normal";
  readonly mean: number;
  readonly sigma: number;
  readonly truncated?: boolean;
};

/**
 * Ranks 0 .. size-1, where rank k has a probability proportional to (k+1)^(-skewPerMille/1000).
 * 1 <= size <= 2^40; skewPerMille an integer from 0 (uniform) to 10,000.
 */
export type Zipf = {
  readonly kind: "zipf";
  readonly size: number;
  readonly skewPerMille: number;
};

/** A point of a distribution function: P(X <= value) = p. */
export type Quantile = {
  readonly p: number;
  readonly value: number;
};

/**
 * The distribution function is linear between the given quantiles. `p` rises strictly from 0 to 1,
 * `value` (integers, spread below 2^53) does not fall; equal neighbours make an atom.
 */
export type Empirical = {
  readonly kind: "empirical";
  readonly quantiles: readonly Quantile[];
};

/**
 * The log-normal distribution with this median and this 99th percentile, rounded to the nearest
 * integer: the short form for latencies. 1 <= median <= p99 <= 2^43 and p99 <= 1,000 medians.
 */
export type Latency = {
  readonly kind: "latency";
  readonly median: number;
  readonly p99: number;
};

/** Index i with a probability of weights[i]/sum, exactly. Integer weights >= 0, 1 <= sum <= 2^53. */
export type Choice = {
  readonly kind: "choice";
  readonly weights: readonly number[];
};

/** The number of an order of `size` items, 1 <= size <= 18; `orderOf` turns it into the order. */
export type Permutation = {
  readonly kind: "permutation";
  readonly size: number;
};

/** Always this value; takes no random words. */
export type Constant = {
  readonly kind: "constant";
  readonly value: number;
};

export type Distribution =
  | Uniform
  | Range
  | Bernoulli
  | Exponential
  | Normal
  | Zipf
  | Empirical
  | Latency
  | Choice
  | Permutation
  | Constant;

export const uniform = (below: number): Uniform => ({ kind: "uniform", below });

export const range = (low: number, high: number): Range => ({ kind: "range", low, high });

/** Without a denominator, the numerator is in parts per million. */
export const bernoulli = (numerator: number, denominator = 1_000_000): Bernoulli => ({
  kind: "bernoulli",
  numerator,
  denominator,
});

export const exponential = (mean: number): Exponential => ({ kind: "exponential", mean });

export const normal = (mean: number, sigma: number): Normal => ({ kind: "normal", mean, sigma });

/** Conditional on a result of at least 0. */
export const truncatedNormal = (mean: number, sigma: number): Normal => ({
  kind: "normal",
  mean,
  sigma,
  truncated: true,
});

export const zipf = (size: number, skewPerMille: number): Zipf => ({
  kind: "zipf",
  size,
  skewPerMille,
});

export const empirical = (quantiles: readonly Quantile[]): Empirical => ({
  kind: "empirical",
  quantiles,
});

export const latency = (median: number, p99: number): Latency => ({ kind: "latency", median, p99 });

export const choice = (weights: readonly number[]): Choice => ({ kind: "choice", weights });

export const permutation = (size: number): Permutation => ({ kind: "permutation", size });

export const constant = (value: number): Constant => ({ kind: "constant", value });
