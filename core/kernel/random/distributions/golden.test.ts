/**
 * Draws are part of the trace format: a change of any of them changes the root of every run. The
 * values were computed once; what they should be is for the other suites to say.
 */
import { describe, expect, it } from "vitest";
import { StreamGenerator } from "../stream-generator.ts";
import { streamSeed } from "../stream-seed.ts";
import { type Distribution, prepare, sample } from "./distribution.ts";

/** The first 20 draws of the stream (7, "host-1", kind). */
const GOLDEN: readonly (readonly [Distribution, readonly number[]])[] = [
  [{ kind: "uniform", below: 6 }, [4, 3, 3, 3, 5, 3, 0, 3, 5, 0, 3, 2, 5, 4, 0, 0, 2, 2, 2, 5]],
  [
    { kind: "uniform", below: 3000000000 },
    [
      2803464459, 2634302717, 2806237313, 2544882909, 674449785, 2441972542, 315223693, 2684556588,
      1563078249, 224710567, 87388548, 1559792899, 1505313866, 1921753389, 1150572972, 538003095,
      290452267, 1701940290, 2014420871, 380235013,
    ],
  ],
  [
    { kind: "uniform", below: 9007199254740992 },
    [
      8261827663853835, 1201756130494593, 5132063261840605, 5428811039345470, 2748818039369357,
      867705215954537, 6227950436746832, 1354216160719236, 6910444970787914, 3273443090646953,
      5728098420842080, 4942819201269463, 4862689248539435, 4939293233405629, 4960477153717509,
      5453641546244847, 548847203512972, 4151485537151009, 2078118143064087, 1141117540731206,
    ],
  ],
  [
    { kind: "range", low: -5, high: 5 },
    [-3, -3, -4, 5, -3, 1, 4, 0, -1, 4, 5, -4, 0, -1, 0, -4, 1, -4, -1, -2],
  ],
  [
    { kind: "bernoulli", numerator: 250000, denominator: 1000000 },
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0],
  ],
  [
    { kind: "exponential", mean: 5 },
    [0, 1, 15, 1, 2, 10, 0, 3, 17, 1, 3, 8, 7, 10, 8, 0, 2, 1, 5, 3],
  ],
  [
    { kind: "exponential", mean: 1000000 },
    [
      125527, 290166, 2783733, 252414, 537163, 1827579, 9075, 727592, 3129763, 336954, 707214,
      1529187, 1380897, 1882121, 1526289, 122501, 399307, 266519, 1016090, 652888,
    ],
  ],
  [
    { kind: "exponential", mean: 3600000000000 },
    [
      451897781534, 1044599260237, 10021436058457, 908691424179, 1933786570022, 6579283619829,
      32673248302, 2619330477255, 11267144112475, 1213035755847, 2545970765474, 5505070571825,
      4971228238436, 6775632806775, 5494640749974, 441005504345, 1437506736885, 959469732473,
      3657923950553, 2350397894196,
    ],
  ],
  [
    { kind: "normal", mean: 0, sigma: 10 },
    [3, -4, 3, -4, -16, 14, 0, 9, 9, 5, 16, -12, -2, -1, -7, 2, -1, -4, -5, 2],
  ],
  [
    { kind: "normal", mean: 50, sigma: 40, truncated: true },
    [62, 32, 60, 35, 105, 51, 86, 87, 72, 114, 0, 43, 44, 22, 60, 45, 34, 29, 59, 32],
  ],
  [
    { kind: "zipf", size: 100, skewPerMille: 1000 },
    [46, 34, 6, 58, 16, 3, 56, 18, 0, 23, 63, 10, 1, 21, 0, 13, 0, 0, 65, 0],
  ],
  [
    { kind: "zipf", size: 1099511627776, skewPerMille: 990 },
    [
      29026084828, 6576508591, 1796627, 83354227499, 164248634, 121707, 74821505699, 319222265, 179,
      1006333593, 124330872281, 18811753, 1005, 585487153, 25, 71900321, 79, 35, 150773061248, 9,
    ],
  ],
  [
    { kind: "latency", median: 180000, p99: 2000000 },
    [
      207814, 170295, 896505, 261041, 75022, 102129, 41648, 304118, 90040, 383928, 253790, 445355,
      1037171, 298133, 34923, 255572, 58464, 239605, 270619, 522881,
    ],
  ],
  [
    {
      kind: "empirical",
      quantiles: [
        { p: 0, value: 10 },
        { p: 0.5, value: 100 },
        { p: 0.99, value: 1000 },
        { p: 1, value: 5000 },
      ],
    },
    [818, 75, 863, 620, 755, 15, 68, 904, 846, 40, 415, 423, 30, 73, 906, 51, 535, 99, 537, 89],
  ],
  [
    { kind: "choice", weights: [5, 0, 3, 2] },
    [3, 2, 3, 3, 3, 2, 3, 0, 3, 3, 3, 0, 0, 0, 3, 2, 0, 0, 2, 0],
  ],
  [
    { kind: "permutation", size: 4 },
    [11, 6, 2, 15, 22, 13, 18, 8, 8, 13, 8, 0, 10, 15, 14, 18, 10, 13, 23, 17],
  ],
];

describe("the first 20 draws", () => {
  it.each(GOLDEN)("of %j are pinned", (distribution, expected) => {
    const seed = streamSeed(7, "host-1", distribution.kind);
    const stream = new StreamGenerator(seed);
    const sampler = prepare(distribution);
    expect(expected.map(() => sampler.draw(stream))).toEqual(expected);
    expect(sampler.distribution).toBe(distribution);
    expect(sample(distribution, new StreamGenerator(seed))).toBe(expected[0]);
  });
});
