import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamGenerator } from "./stream-generator.ts";
import { streamSeed, type StreamState } from "./stream-seed.ts";

const word = fc.integer({ min: 0, max: 0xffffffff });
const state: fc.Arbitrary<StreamState> = fc
  .tuple(word, word, word, word)
  .filter((words) => words.some((w) => w !== 0));

/** Marsaglia's published step, in BigInt. */
function marsaglia([x, y, z, w]: StreamState): { readonly next: StreamState } {
  const mask = 0xffffffffn;
  const t = (BigInt(x) ^ (BigInt(x) << 11n)) & mask;
  const next = (BigInt(w) ^ (BigInt(w) >> 19n) ^ t ^ (t >> 8n)) & mask;
  return { next: [y, z, w, Number(next)] };
}

describe("a stream", () => {
  it("follows the published xor128 from any state", () => {
    fc.assert(
      fc.property(state, (start) => {
        const stream = new StreamGenerator(start);
        let expected = start;
        for (let i = 0; i < 20; i++) {
          expected = marsaglia(expected).next;
          expect(stream.nextUint32()).toBe(expected[3]);
          expect(stream.save()).toEqual(expected);
        }
      }),
    );
  });

  it("continues from a saved position", () => {
    fc.assert(
      fc.property(state, fc.nat(50), fc.nat(50), (start, before, after) => {
        const stream = new StreamGenerator(start);
        for (let i = 0; i < before; i++) stream.nextUint32();
        const saved = JSON.parse(JSON.stringify(stream.save())) as StreamState;
        const expected = Array.from({ length: after }, () => stream.double53());
        const fork = new StreamGenerator(saved);
        expect(Array.from({ length: after }, () => fork.double53())).toEqual(expected);
        stream.load(saved);
        expect(Array.from({ length: after }, () => stream.double53())).toEqual(expected);
      }),
    );
  });

  it("makes doubles of 53 bits: the high 27 of one word and the high 26 of the next", () => {
    const stream = new StreamGenerator(streamSeed(1, "host-1", "test"));
    const words = new StreamGenerator(stream.save());
    for (let i = 0; i < 1000; i++) {
      const bits = (BigInt(words.nextUint32() >>> 5) << 26n) | BigInt(words.nextUint32() >>> 6);
      expect(BigInt(stream.double53() * 2 ** 53)).toBe(bits);
    }
  });
});
