/** Replacing seedrandom replaces our numbers: nothing here computes xor128 by itself. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type * as Random from "./index.ts";

const REPLACED = "seedrandom/lib/xor128.js";
let random: typeof Random;

beforeAll(async () => {
  vi.resetModules();
  vi.doMock(REPLACED, () => ({
    default: (_seed: number, options: { readonly state: { readonly x: number } }) => {
      let { x } = options.state;
      const next = () => 0;
      next.int32 = () => (x = (x + 0x80000001) | 0);
      next.state = () => ({ x, y: 1, z: 2, w: 3 });
      return next;
    },
  }));
  random = await import("./index.ts");
});

afterAll(() => {
  vi.doUnmock(REPLACED);
  vi.resetModules();
});

describe("a replaced seedrandom", () => {
  it("decides every draw, and its state is what is saved", () => {
    const { prepare, StreamGenerator, uniform } = random;
    const stream = new StreamGenerator([7, 0, 0, 0]);
    expect(stream.nextUint32()).toBe(0x80000008);
    expect(stream.save()).toEqual([0x80000008, 1, 2, 3]);
    expect(prepare(uniform(2 ** 32)).draw(stream)).toBe(9);
  });
});
