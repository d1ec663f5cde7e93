/** What holds for every description and every stream, whatever the law. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamGenerator } from "../stream-generator.ts";
import { streamSeed } from "../stream-seed.ts";
import { distributionProblem } from "./check-distribution.ts";
import * as make from "./description.ts";
import { type Distribution, prepare, SamplerCache } from "./distribution.ts";
import { isPossible, supportOf } from "./support.ts";

const TWO_53 = 2 ** 53;

const upTo = (max: number, min = 1) =>
  fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 100) }),
    fc.maxSafeNat().map((x) => min + (x % (max - min + 1))),
    fc.constantFrom(min, max, Math.max(min, max - 1)),
  );

const quantiles = fc
  .uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 5 })
  .chain((inner) => {
    const ps = [0, ...inner.sort((a, b) => a - b).map((p) => p / 1000), 1];
    return fc
      .array(fc.integer({ min: -1000, max: 1e9 }), { minLength: ps.length, maxLength: ps.length })
      .map((values) => values.sort((a, b) => a - b))
      .map((values) => make.empirical(ps.map((p, i) => ({ p, value: values[i]! }))));
  });

const distribution: fc.Arbitrary<Distribution> = fc.oneof(
  upTo(TWO_53).map(make.uniform),
  fc
    .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(1e12))
    .map(([low, span]) => make.range(low, low + span)),
  upTo(TWO_53).chain((d) => upTo(d, 0).map((n) => make.bernoulli(n, d))),
  upTo(TWO_53, 0).map(make.exponential),
  fc.tuple(upTo(1e12, 0), upTo(1e9, 0)).map(([m, s]) => make.normal(-m, s)),
  fc.tuple(upTo(1e12, 0), upTo(1e12, 0)).map(([m, s]) => make.truncatedNormal(m, s)),
  fc.tuple(upTo(2 ** 40), upTo(10_000, 0)).map(([n, s]) => make.zipf(n, s)),
  upTo(2 ** 30).chain((m) => upTo(1000 * m, m).map((p99) => make.latency(m, p99))),
  quantiles,
  fc
    .array(upTo(2 ** 40, 0), { minLength: 1, maxLength: 20 })
    .filter((weights) => weights.some((w) => w > 0))
    .map(make.choice),
  upTo(18).map(make.permutation),
  fc.maxSafeInteger().map(make.constant),
);

const stream = fc.nat().map((seed) => new StreamGenerator(streamSeed(seed, "host-1", "laws")));

describe("every distribution", () => {
  it("draws possible whole numbers, within its support", () => {
    fc.assert(
      fc.property(distribution, stream, (dist, source) => {
        expect(distributionProblem(dist)).toBeUndefined();
        const sampler = prepare(dist);
        const { low, high } = supportOf(dist);
        for (let i = 0; i < 50; i++) {
          const result = sampler.draw(source);
          expect(Object.is(result, -0)).toBe(false);
          expect(isPossible(dist, result)).toBe(true);
          expect(result >= low && result <= high).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("goes on the same from a saved stream, with samplers dropped and prepared again", () => {
    fc.assert(
      fc.property(fc.array(distribution, { minLength: 1, maxLength: 5 }), stream, (dists, a) => {
        const b = new StreamGenerator(a.save());
        const cache = new SamplerCache();
        for (let i = 0; i < 20; i++) {
          const dist = dists[i % dists.length]!;
          const copy = JSON.parse(JSON.stringify(dist)) as Distribution;
          expect(cache.samplerOf(dist).draw(a)).toBe(prepare(copy).draw(b));
          expect(cache.samplerOf(dist)).toBe(cache.samplerOf(dist));
          expect(a.save()).toEqual(b.save());
          b.load(a.save());
        }
      }),
    );
  });

  it("reaches its extremes at extreme words", () => {
    const zeros = { nextUint32: () => 0 };
    const ones = { nextUint32: () => 0xffffffff };
    const extremes = (dist: Distribution) => [zeros, ones].map((s) => prepare(dist).draw(s));
    expect(extremes(make.uniform(TWO_53 / 2))).toEqual([0, TWO_53 / 2 - 1]);
    expect(extremes(make.range(3, 6))).toEqual([3, 6]);
    expect(extremes(make.permutation(1))).toEqual([0, 0]);
    expect(prepare(make.exponential(1e15)).draw(ones)).toBe(0);
    expect(extremes(make.latency(100, 200)).map((x) => x > 0 && x < 10_000)).toEqual([true, true]);
    expect(extremes(make.normal(0, 1))).toEqual([-8, 8]);
    const pair = make.empirical([
      { p: 0, value: 7 },
      { p: 1, value: 9 },
    ]);
    expect(extremes(pair)).toEqual([7, 9]);
  });
});

describe("bad descriptions", () => {
  it.each<readonly [Distribution, RegExp]>([
    [make.uniform(0), /below: expected an integer from 1/],
    [make.uniform(TWO_53 + 2), /below/],
    [make.range(5, 4), /high/],
    [make.bernoulli(2, 1), /numerator/],
    [make.exponential(0.5), /mean/],
    [make.normal(0, -1), /sigma/],
    [make.normal(NaN, 1), /mean/],
    [make.normal(TWO_53, 1), /beyond/],
    [make.truncatedNormal(-1, 1), /truncated/],
    [make.zipf(2 ** 41, 1000), /size/],
    [make.zipf(10, 10_001), /skewPerMille/],
    [make.latency(10, 9), /p99/],
    [make.latency(10, 10_001), /p99/],
    [make.choice([]), /above 0/],
    [make.choice([0, 0]), /above 0/],
    [make.choice([1, -1]), /weights\/1/],
    [make.choice([TWO_53, 2]), /sum/],
    [make.permutation(19), /size/],
    [make.constant(0.5), /value/],
    [make.empirical([{ p: 0, value: 1 }]), /first/],
    [
      make.empirical([
        { p: 0, value: 2 },
        { p: 1, value: 1 },
      ]),
      /not to fall/,
    ],
    [
      make.empirical([
        { p: 0, value: 2 },
        { p: 0, value: 3 },
        { p: 1, value: 4 },
      ]),
      /rise/,
    ],
    [
      make.empirical([
        { p: 0, value: 0.5 },
        { p: 1, value: 4 },
      ]),
      /integer/,
    ],
  ])("%j is refused, in words", (dist, problem) => {
    expect(distributionProblem(dist)).toMatch(problem);
    expect(() => prepare(dist)).toThrow(problem);
  });
});
