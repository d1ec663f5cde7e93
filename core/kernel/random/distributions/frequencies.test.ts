/**
 * Each distribution against its law, on pinned seeds: cell by cell (chi-square), by its distribution
 * function (Kolmogorov-Smirnov) and by its moments. Canaries: samplers with the usual mistakes.
 */
import { describe, expect, it } from "vitest";
import { StreamGenerator } from "../stream-generator.ts";
import { streamSeed } from "../stream-seed.ts";
import { chiSquareExcess, kolmogorovSmirnov, momentsOf } from "../testing/goodness-of-fit.ts";
import * as make from "./description.ts";
import { type Distribution, prepare } from "./distribution.ts";

const DRAWS = 100_000;

const newStream = (purpose: string) => new StreamGenerator(streamSeed(2026, "host-1", purpose));

function samplesOf(dist: Distribution, count = DRAWS): number[] {
  const stream = newStream(dist.kind);
  const sampler = prepare(dist);
  return Array.from({ length: count }, () => sampler.draw(stream));
}

/** Excess over the expected chi-square; the last cell takes everything from there on. */
function misfit(samples: readonly number[], probabilities: readonly number[]): number {
  const counts = new Float64Array(probabilities.length);
  for (const x of samples) counts[Math.min(x, counts.length - 1)]!++;
  return chiSquareExcess(
    counts,
    probabilities.map((p) => p * samples.length),
  );
}

const share = (weights: readonly number[]) => {
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
};
const cells = (n: number, weight: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => weight(i));
const geometric = (mean: number, n: number) => {
  const stay = mean / (mean + 1);
  return cells(n, (k) => (k === n - 1 ? stay ** k : stay ** k * (1 - stay)));
};
const zipfShare = (size: number, skew: number) => share(cells(size, (k) => (k + 1) ** -skew));

describe("cell by cell", () => {
  it.each<readonly [Distribution, readonly number[]]>([
    [make.uniform(1), [1]],
    [make.uniform(2), share([1, 1])],
    [make.uniform(7), share(cells(7, () => 1))],
    [make.uniform(1000), share(cells(1000, () => 1))],
    [make.range(0, 9), share(cells(10, () => 1))],
    [make.bernoulli(1_000), [0.999, 0.001]],
    [make.bernoulli(0), [1, 0]],
    [make.bernoulli(3, 3), [0, 1]],
    [make.bernoulli(2 ** 51, 2 ** 53), [0.75, 0.25]],
    [make.exponential(0), [1]],
    [make.exponential(1), geometric(1, 12)],
    [make.exponential(5), geometric(5, 30)],
    [make.exponential(63), geometric(63, 300)],
    [make.exponential(64), geometric(64, 300)],
    [make.zipf(10, 0), share(cells(10, () => 1))],
    [make.zipf(1, 1000), [1]],
    [make.zipf(2, 1000), share([2, 1])],
    [make.zipf(50, 500), zipfShare(50, 0.5)],
    [make.zipf(50, 999), zipfShare(50, 0.999)],
    [make.zipf(50, 1000), zipfShare(50, 1)],
    [make.zipf(50, 1001), zipfShare(50, 1.001)],
    [make.zipf(50, 2000), zipfShare(50, 2)],
    [make.choice([5, 0, 3, 2]), [0.5, 0, 0.3, 0.2]],
    [make.permutation(4), share(cells(24, () => 1))],
    [
      make.empirical([
        { p: 0, value: 0 },
        { p: 0.5, value: 0 },
        { p: 1, value: 2 },
      ]),
      [0.625, 0.25, 0.125],
    ],
  ])("%j has its probabilities", (dist, probabilities) => {
    expect(misfit(samplesOf(dist), probabilities)).toBeLessThan(5);
  });

  it.each([
    3,
    2 ** 21 - 1,
    2 ** 21 + 1,
    3 * 2 ** 30,
    2 ** 32 - 1,
    2 ** 32 + 1,
    3 * 2 ** 51,
    2 ** 53,
  ])("uniform(%d) is even over 96 parts of its range, and in its low bits", (below) => {
    const samples = samplesOf(make.uniform(below));
    const parts = Math.min(96, below);
    const high = samples.map((x) => Math.floor((x / below) * parts));
    expect(misfit(high, share(cells(parts, () => 1)))).toBeLessThan(5);
    const low = samples.map((x) => x % Math.min(64, below));
    expect(misfit(low, share(cells(Math.min(64, below), () => 1)))).toBeLessThan(5);
  });

  it("canary: a remainder without rejection is caught", () => {
    const stream = newStream("uniform");
    const samples = cells(DRAWS, () => Math.floor((stream.nextUint32() % (3 * 2 ** 30)) / 2 ** 25));
    expect(misfit(samples, share(cells(96, () => 1)))).toBeGreaterThan(100);
  });
});

describe("by distribution function", () => {
  const exponentialCdf = (mean: number) => (k: number) =>
    -Math.expm1(-(k + 1) * Math.log1p(1 / mean));
  const normalCdf = (z: number) => 0.5 * (1 + Math.sign(z) * erf(Math.abs(z) / Math.SQRT2));

  it.each([1_000, 1_000_000, 3_600_000_000_000])("exponential(%d)", (mean) => {
    const samples = samplesOf(make.exponential(mean));
    expect(kolmogorovSmirnov(samples, exponentialCdf(mean))).toBeLessThan(1.95);
    const { mean: sampled, deviation } = momentsOf(samples);
    expect(Math.abs(sampled / mean - 1)).toBeLessThan(5 / Math.sqrt(DRAWS));
    expect(Math.abs(deviation / mean - 1)).toBeLessThan(0.02);
  });

  it("canary: an exponential with a mean 3 % off is caught", () => {
    const samples = samplesOf(make.exponential(1_000_000));
    expect(kolmogorovSmirnov(samples, exponentialCdf(1_030_000))).toBeGreaterThan(1.95);
  });

  it("normal, and normal truncated at 0", () => {
    const samples = samplesOf(make.normal(-500, 10_000));
    expect(kolmogorovSmirnov(samples, (k) => normalCdf((k + 500.5) / 10_000))).toBeLessThan(1.95);
    const { mean, deviation } = momentsOf(samples);
    expect(Math.abs(mean + 500)).toBeLessThan(150);
    expect(Math.abs(deviation / 10_000 - 1)).toBeLessThan(0.02);
    const below = normalCdf((-0.5 - 300) / 500);
    const cut = (k: number) => (normalCdf((k + 0.5 - 300) / 500) - below) / (1 - below);
    expect(kolmogorovSmirnov(samplesOf(make.truncatedNormal(300, 500)), cut)).toBeLessThan(1.95);
  });

  it("latency has its median and its 99th percentile, and is log-normal between", () => {
    const sigma = Math.log(2_000 / 180) / 2.3263478740408408;
    const cdf = (k: number) => normalCdf(Math.log((k + 0.5) / 180_000) / sigma);
    const samples = samplesOf(make.latency(180_000, 2_000_000));
    expect(kolmogorovSmirnov(samples, cdf)).toBeLessThan(1.95);
    const sorted = samples.sort((a, b) => a - b);
    expect(sorted[DRAWS / 2]! / 180_000).toBeCloseTo(1, 1);
    expect(sorted[DRAWS * 0.99]! / 2_000_000).toBeCloseTo(1, 1);
    expect(samplesOf(make.latency(90, 90), 100)).toEqual(cells(100, () => 90));
  });

  it("empirical goes through its quantiles, straight between them", () => {
    const quantiles = [
      { p: 0, value: 1_000 },
      { p: 0.5, value: 100_000 },
      { p: 0.99, value: 1_000_000 },
      { p: 1, value: 9_000_000 },
    ];
    const cdf = (k: number) => {
      const i = Math.max(
        1,
        quantiles.findIndex(({ value }) => k + 0.5 < value),
      );
      const [a, b] = [quantiles[i - 1]!, quantiles[i] ?? quantiles[3]!];
      const place = (k + 0.5 - a.value) / (b.value - a.value);
      return Math.min(1, a.p + (b.p - a.p) * place);
    };
    expect(kolmogorovSmirnov(samplesOf(make.empirical(quantiles)), cdf)).toBeLessThan(1.95);
  });

  it.each([
    [2 ** 40, 500],
    [2 ** 40, 1000],
    [2 ** 32, 1200],
  ])("zipf over %d ranks with skew %d has its share in each binary order of rank", (size, skew) => {
    const orders = Math.log2(size) + 1;
    const weight = (k: number) => rankWeight(2 ** k, Math.min(2 ** (k + 1), size + 1), skew / 1000);
    const order = samplesOf(make.zipf(size, skew)).map((rank) => Math.floor(Math.log2(rank + 1)));
    const expected = share(cells(orders, weight));
    // Orders that hardly occur are pooled with the first, where chi-square would not hold.
    const rare = expected.map((p) => p * DRAWS < 10);
    const pooled = expected.map((p, k) => (rare[k] ? 0 : p));
    const samples = order.filter((k) => !rare[k]);
    expect(misfit(samples, share(pooled))).toBeLessThan(5);
  });
});

/** The sum of k^-skew for from <= k < to; by the midpoint rule where there are many. */
function rankWeight(from: number, to: number, skew: number): number {
  if (to - from <= 4096)
    return cells(to - from, (i) => (from + i) ** -skew).reduce((a, b) => a + b);
  const [a, b] = [from - 0.5, to - 0.5];
  return skew === 1 ? Math.log(b / a) : (b ** (1 - skew) - a ** (1 - skew)) / (1 - skew);
}

/** erf(x), x >= 0: Abramowitz and Stegun 7.1.26, absolute error 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return 1 - series * Math.exp(-x * x);
}
