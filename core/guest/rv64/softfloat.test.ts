// Laws of the exact arithmetic of the reference engine: to nearest it is JavaScript's own, rounding modes bracket the
// exact result, and every 16-bit instruction expands the same in both engines.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  divide,
  fusedMultiplyAdd,
  multiply,
  squareRoot,
} from "./reference/softfloat/arithmetic.ts";
import { convertFormat } from "./reference/softfloat/convert.ts";
import { BINARY32, BINARY64, canonicalNaN, FLAG, ROUND } from "./reference/softfloat/format.ts";
import type { FloatResult } from "./reference/softfloat/format.ts";

const view = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): bigint {
  if (Number.isNaN(value)) return canonicalNaN(BINARY64);
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function singleBitsOf(value: number): bigint {
  if (Number.isNaN(value)) return canonicalNaN(BINARY32);
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

function valueOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** Any bit pattern, and numbers near each other, so that sums cancel. */
const double = fc.oneof(
  fc.double(),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(valueOf),
  fc.integer({ min: -4, max: 4 }).map((n) => 1 + n * Number.EPSILON),
);

type Binary = (a: bigint, b: bigint, mode: number) => FloatResult;
const BINARY: readonly (readonly [string, Binary, (a: number, b: number) => number])[] = [
  ["add", (a, b, mode) => add(BINARY64, a, b, mode), (a, b) => a + b],
  ["multiply", (a, b, mode) => multiply(BINARY64, a, b, mode), (a, b) => a * b],
  ["divide", (a, b, mode) => divide(BINARY64, a, b, mode), (a, b) => a / b],
];

describe("exact arithmetic", () => {
  test.each(BINARY)("%s to nearest is what JavaScript computes", (_, exact, native) => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        expect(exact(bitsOf(a), bitsOf(b), ROUND.nearest).bits).toBe(bitsOf(native(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  test("square root to nearest is what JavaScript computes", () => {
    fc.assert(
      fc.property(double, (a) => {
        expect(squareRoot(BINARY64, bitsOf(a), ROUND.nearest).bits).toBe(bitsOf(Math.sqrt(a)));
      }),
      { numRuns: 2000 },
    );
  });

  test("narrowing to nearest is Math.fround", () => {
    fc.assert(
      fc.property(double, (a) => {
        const narrowed = convertFormat(BINARY64, BINARY32, bitsOf(a), ROUND.nearest);
        expect(narrowed.bits).toBe(singleBitsOf(Math.fround(a)));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(BINARY)("%s rounds down and up to neighbours, equal when exact", (_, exact) => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        const down = exact(bitsOf(a), bitsOf(b), ROUND.down);
        const up = exact(bitsOf(a), bitsOf(b), ROUND.up);
        const [low, high] = [valueOf(down.bits), valueOf(up.bits)];
        fc.pre(!Number.isNaN(low));
        expect(high).not.toBeNaN();
        const inexact = (down.flags & FLAG.inexact) !== 0;
        expect(low < high).toBe(inexact);
      }),
      { numRuns: 1000 },
    );
  });

  test("a fused product without addend is the product", () => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        fc.pre(a * b !== 0);
        const fused = fusedMultiplyAdd(BINARY64, bitsOf(a), bitsOf(b), 0n, ROUND.nearest);
        expect(fused).toEqual(multiply(BINARY64, bitsOf(a), bitsOf(b), ROUND.nearest));
      }),
      { numRuns: 1000 },
    );
  });

  test("canary: truncation in place of rounding to nearest is noticed", () => {
    const differs = fc.check(
      fc.property(double, double, (a, b) => {
        return add(BINARY64, bitsOf(a), bitsOf(b), ROUND.zero).bits === bitsOf(a + b);
      }),
      { numRuns: 2000 },
    );
    expect(differs.failed).toBe(true);
  });
});
