/** Our elementary functions against the host's, whose last bits may differ but not much more. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expm1OverX, LN2, log1pOverX, naturalExp, naturalLog, normalQuantile } from "./index.ts";

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const check = (min: number, max: number, law: (x: number) => void) =>
  fc.assert(
    fc.property(between(min, max), (x) => {
      law(x);
    }),
    { numRuns: 5_000 },
  );
const relative = (value: number, truth: number) => Math.abs(value / truth - 1);

describe("exact functions", () => {
  it("agree with the host's logarithm and exponential", () => {
    expect(LN2).toBe(Math.LN2);
    check(1e-300, 1e300, (x) => {
      const error = Math.abs(naturalLog(x) - Math.log(x));
      expect(error).toBeLessThan(2 ** -50 * Math.max(1, Math.abs(Math.log(x))));
    });
    check(-700, 700, (x) => expect(relative(naturalExp(x), Math.exp(x))).toBeLessThan(2 ** -50));
    expect(() => naturalExp(701)).toThrow(/range/);
  });

  it("keep their precision near 0", () => {
    check(-0.999, 30, (x) => {
      if (Math.abs(x) < 1e-300) return;
      expect(relative(log1pOverX(x), Math.log1p(x) / x)).toBeLessThan(2 ** -45);
      expect(relative(expm1OverX(x), Math.expm1(x) / x)).toBeLessThan(2 ** -45);
    });
    expect([log1pOverX(0), expm1OverX(0)]).toEqual([1, 1]);
  });

  it("give the quantiles of tables, rising and symmetric", () => {
    expect(normalQuantile(0.5)).toBe(0);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
    expect(normalQuantile(1e-15)).toBeCloseTo(-7.941345326170997, 13);
    expect(normalQuantile(1e-3)).toBeCloseTo(-3.090232306167813, 14);
    const p = fc.integer({ min: 1, max: 2 ** 52 - 1 }).map((k) => k / 2 ** 52);
    fc.assert(
      fc.property(p, p, (a, b) => {
        if (a < b) expect(normalQuantile(a)).toBeLessThanOrEqual(normalQuantile(b));
        expect(normalQuantile(1 - a)).toBe(-normalQuantile(a));
      }),
    );
  });
});
