/**
 * Statistics of the suites beside it. All are of pinned seeds, so a verdict never flickers; limits
 * are far out (5 sigma), because what they must tell apart is right from wrong, not good from fine.
 */

/** By how many standard deviations a chi-square statistic exceeds its expectation. */
export function chiSquareExcess(observed: ArrayLike<number>, expected: ArrayLike<number>): number {
  let statistic = 0;
  let cells = 0;
  for (let i = 0; i < expected.length; i++) {
    if (expected[i] === 0) {
      if (observed[i] !== 0) return Infinity;
      continue;
    }
    statistic += (observed[i]! - expected[i]!) ** 2 / expected[i]!;
    cells++;
  }
  const freedom = cells - 1;
  return freedom === 0 ? 0 : (statistic - freedom) / Math.sqrt(2 * freedom);
}

/** Chi-square excess of counts over equally likely cells. */
export function unevenness(counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  return chiSquareExcess(counts, new Float64Array(counts.length).fill(total / counts.length));
}

/**
 * Kolmogorov-Smirnov: the largest distance between the distribution of whole-number samples and
 * `cdf(k)` = P(X <= k), times sqrt(n). Exceeds 1.95 once in 1,000 where the law is right.
 */
export function kolmogorovSmirnov(samples: number[], cdf: (value: number) => number): number {
  const sorted = Float64Array.from(samples).sort();
  const n = sorted.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    if (i + 1 < n && sorted[i + 1] === sorted[i]) continue;
    distance = Math.max(distance, Math.abs((i + 1) / n - cdf(sorted[i]!)));
  }
  return distance * Math.sqrt(n);
}

export interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

export function momentsOf(samples: readonly number[]): Moments {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const squares = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (samples.length - 1)) };
}
