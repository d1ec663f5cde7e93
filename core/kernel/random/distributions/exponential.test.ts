/** Draws of the exponential against the same inversion in integers of 200 bits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as make from "./description.ts";
import { prepare } from "./distribution.ts";

const BITS = 200n;
const ONE = 1n << BITS;

/** ln(top/bottom) for top >= bottom > 0, in fixed point: halve until below 2, then 2 artanh. */
function fixedLog(top: bigint, bottom: bigint): bigint {
  let halvings = 0n;
  while (top >= 2n * bottom) {
    bottom *= 2n;
    halvings++;
  }
  return halvings * 2n * fixedArtanh(1n, 3n) + 2n * fixedArtanh(top - bottom, top + bottom);
}

function fixedArtanh(top: bigint, bottom: bigint): bigint {
  const z = (top * ONE) / bottom;
  const square = (z * z) >> BITS;
  let power = z;
  let sum = 0n;
  for (let k = 1n; power > 0n; k += 2n) {
    sum += power / k;
    power = (power * square) >> BITS;
  }
  return sum;
}

/** floor(-ln(u) / ln(1 + 1/mean)) for u = numerator/2^bits. */
function exactDraw(numerator: bigint, bits: bigint, mean: number): bigint {
  return fixedLog(1n << bits, numerator) / fixedLog(BigInt(mean) + 1n, BigInt(mean));
}

const scripted = (words: readonly number[]) => {
  let at = 0;
  return { nextUint32: () => words[at++]!, used: () => at };
};
const word = fc.integer({ min: 0, max: 0xffffffff });

describe("exponential", () => {
  it("is the exact inversion, but for 1 ns where rounding decides", () => {
    const mean = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 2 ** 42 }));
    let inexact = 0;
    fc.assert(
      fc.property(word, word, mean, (high, low, m) => {
        if (high < 2 ** 22) return;
        const drawn = BigInt(prepare(make.exponential(m)).draw(scripted([high, low])));
        const exact = exactDraw((BigInt(high) << 32n) | BigInt(low), 64n, m);
        if (drawn !== exact) inexact++;
        expect(drawn - exact <= 1n && exact - drawn <= 1n).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(inexact).toBeLessThan(20);
  });

  it("goes on into the tail with further bits when the leading ones are zeros", () => {
    const tail = fc.array(word, { minLength: 4, maxLength: 4 });
    const zeros = fc.integer({ min: 10, max: 70 });
    fc.assert(
      fc.property(zeros, tail, (count, random) => {
        const bits =
          "0".repeat(count) + "1" + random.map((w) => w.toString(2).padStart(32, "0")).join("");
        // The first two words, then of each further word its ten leading bits.
        const words = [bits.slice(0, 32), bits.slice(32, 64)].map((b) => parseInt(b, 2));
        for (let at = 64; at + 10 <= bits.length; at += 10) {
          words.push(parseInt(bits.slice(at, at + 10).padEnd(32, "1"), 2));
        }
        const source = scripted(words);
        const drawn = BigInt(prepare(make.exponential(1_000_000_000)).draw(source));
        const taken = 64 + 10 * (source.used() - 2);
        const exact = exactDraw(BigInt(`0b${bits.slice(0, taken)}`), BigInt(taken), 1_000_000_000);
        expect(source.used() - 2).toBe(Math.floor(count / 10));
        expect(drawn - exact <= 1n && exact - drawn <= 1n).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("has the mean that it is asked for: the step between results is ln(1 + 1/mean)", () => {
    // The least u that still gives k = 1 is (mean/(mean+1))^2, the greatest is mean/(mean+1).
    for (const m of [1, 2, 63, 64, 65, 1000]) {
      const sampler = prepare(make.exponential(m));
      const edge = (BigInt(m) << 64n) / BigInt(m + 1);
      const draw = (u: bigint) =>
        sampler.draw(scripted([Number(u >> 32n), Number(u & 0xffffffffn)]));
      const slack = 1n << 15n;
      expect([draw(edge + slack), draw(edge - slack)]).toEqual([0, 1]);
      const second = (edge * BigInt(m)) / BigInt(m + 1);
      expect([draw(second + slack), draw(second - slack)]).toEqual([1, 2]);
    }
  });

  it("saturates at the end of simulated time", () => {
    const draw = prepare(make.exponential(2 ** 53)).draw(scripted([2 ** 22, 0]));
    expect(draw).toBe(Number.MAX_SAFE_INTEGER);
  });
});
