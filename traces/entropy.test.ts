/**
 * Surprisals against what is drawn: probabilities sum to 1, results come as often as they say, and
 * the mean surprisal of samples is the entropy that the formulas of the laws give.
 */
import { describe, expect, it } from "vitest";
import * as random from "../core/kernel/random/index.ts";
import { prepareSurprisal, surprisalBits } from "./entropy.ts";

const DRAWS = 50_000;

function samplesOf(dist: random.Distribution): number[] {
  const stream = new random.StreamGenerator(random.streamSeed(11, "host-1", dist.kind));
  const sampler = random.prepare(dist);
  return Array.from({ length: DRAWS }, () => sampler.draw(stream));
}

/** The largest distance of observed frequencies from 2^-bits, in sigmas. */
function worstFrequency(samples: readonly number[], bits: (result: number) => number): number {
  const counts = new Map<number, number>();
  for (const x of samples) counts.set(x, (counts.get(x) ?? 0) + 1);
  let worst = 0;
  for (const [result, count] of counts) {
    const expected = 2 ** -bits(result) * samples.length;
    if (!(expected > 0)) return Infinity;
    if (expected >= 20) worst = Math.max(worst, Math.abs(count - expected) / Math.sqrt(expected));
  }
  return worst;
}

const NARROW: readonly random.Distribution[] = [
  random.uniform(6),
  random.range(-3, 3),
  random.bernoulli(1, 3),
  random.bernoulli(0),
  random.exponential(0),
  random.exponential(4),
  random.normal(-3, 2),
  random.normal(1, 0),
  random.normal(0.3, 30),
  random.truncatedNormal(1, 3),
  random.zipf(30, 0),
  random.zipf(30, 1000),
  random.zipf(2000, 1500),
  random.latency(5, 20),
  random.latency(5, 5),
  random.empirical([
    { p: 0, value: 0 },
    { p: 0.25, value: 0 },
    { p: 0.5, value: 3 },
    { p: 1, value: 9 },
  ]),
  random.choice([5, 0, 3, 2]),
  random.permutation(3),
  random.constant(-7),
];

describe("surprisal", () => {
  it.each(NARROW)("of %j: sums to 1 and matches how often results come", (dist) => {
    const bits = prepareSurprisal(dist);
    let total = 0;
    for (let result = -300; result <= 4000; result++) total += 2 ** -bits(result);
    expect(total).toBeCloseTo(1, 5);
    expect(worstFrequency(samplesOf(dist), bits)).toBeLessThan(5);
  });

  it("canary: a wrong law is caught", () => {
    const samples = samplesOf(random.zipf(30, 1000));
    expect(worstFrequency(samples, prepareSurprisal(random.zipf(30, 900)))).toBeGreaterThan(5);
  });

  it.each<readonly [random.Distribution, number]>([
    [random.uniform(2 ** 30), 30],
    [random.exponential(1_000_000), Math.log2(Math.E * 1_000_000)],
    [random.normal(0, 1_000_000), Math.log2(1_000_000 * Math.sqrt(2 * Math.PI * Math.E))],
    [random.latency(1_000_000, 10_000_000), latencyEntropy(1_000_000, 10_000_000)],
    [random.zipf(2 ** 20, 1000), zipfEntropy(2 ** 20)],
  ])("of %j averages to the entropy", (dist, entropy) => {
    const bits = prepareSurprisal(dist);
    const mean = samplesOf(dist).reduce((sum, x) => sum + bits(x), 0) / DRAWS;
    expect(mean).toBeCloseTo(entropy, 1);
  });

  it("is infinite for what cannot be", () => {
    expect(surprisalBits(random.uniform(4), 4)).toBe(Infinity);
    expect(surprisalBits(random.exponential(4), -1)).toBe(Infinity);
    expect(surprisalBits(random.choice([1, 0]), 1)).toBe(Infinity);
    expect(surprisalBits(random.choice([1, 0]), 2)).toBe(Infinity);
    expect(surprisalBits(random.truncatedNormal(0, 5), -1)).toBe(Infinity);
    expect(surprisalBits(random.latency(5, 50), -1)).toBe(Infinity);
    expect(surprisalBits(random.zipf(5, 100), 5)).toBe(Infinity);
  });

  it("stays finite and right far out", () => {
    expect(surprisalBits(random.normal(0, 1), 8)).toBeCloseTo(-Math.log2(3.1909e-14), 2);
    expect(surprisalBits(random.normal(0, 1000), 40_000)).toBeCloseTo(800 * Math.LOG2E + 11.29, 1);
    expect(surprisalBits(random.zipf(2 ** 40, 1000), 0)).toBeCloseTo(Math.log2(28.303), 3);
  });
});

function latencyEntropy(median: number, p99: number): number {
  const sigma = Math.log(p99 / median) / 2.3263478740408408;
  return Math.log2(median * sigma * Math.sqrt(2 * Math.PI * Math.E));
}

function zipfEntropy(size: number): number {
  const weights = Array.from({ length: size }, (_, k) => 1 / (k + 1));
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.reduce((sum, w) => sum - (w / total) * Math.log2(w / total), 0);
}
