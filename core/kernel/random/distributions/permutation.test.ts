import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { factorial, orderOf, shuffled } from "./permutation.ts";

describe("orders", () => {
  it("are numbered without gap or repetition", () => {
    for (const size of [1, 2, 3, 4, 5, 6]) {
      const orders = Array.from({ length: factorial(size) }, (_, n) => orderOf(n, size).join());
      expect(new Set(orders).size).toBe(factorial(size));
      expect([...orders].sort()).toEqual(orders);
    }
  });

  it("go up to 18 items", () => {
    expect(BigInt(factorial(18))).toBe(6402373705728000n);
    expect(orderOf(factorial(18) - 1, 18)).toEqual(Array.from({ length: 18 }, (_, i) => 17 - i));
    expect(() => factorial(19)).toThrow();
    expect(() => orderOf(6, 3)).toThrow();
  });
});

describe("shuffled", () => {
  it("reaches every order once over all picks, keeps the items, leaves its argument alone", () => {
    const orders = new Set<string>();
    for (const a of [0, 1]) {
      for (const b of [0, 1, 2]) {
        for (const c of [0, 1, 2, 3]) {
          const picks = [c, b, a];
          orders.add(shuffled(["w", "x", "y", "z"], () => picks.shift()!).join());
        }
      }
    }
    expect(orders.size).toBe(24);
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.infiniteStream(fc.nat()), (items, numbers) => {
        const before = [...items];
        const result = shuffled(items, (below) => numbers.next().value! % below);
        expect(items).toEqual(before);
        const inOrder = (a: number, b: number) => a - b;
        expect([...result].sort(inOrder)).toEqual([...items].sort(inOrder));
      }),
    );
  });
});
