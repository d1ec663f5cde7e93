import fc from "fast-check";
import { expect, it } from "vitest";
import { formatRows, ratioOf } from "./row.ts";

it("the interval of a median holds the true one about 19 times of 20", () => {
  let held = 0;
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 15, maxLength: 15 }),
      (ratios) => {
        const { low, median, high } = ratioOf(ratios);
        expect(low).toBeLessThanOrEqual(median);
        expect(median).toBeLessThanOrEqual(high);
      },
    ),
  );
  let state = 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let trial = 0; trial < 4_000; trial++) {
    const { low, high } = ratioOf(Array.from({ length: 15 }, next));
    if (low <= 0.5 && 0.5 <= high) held++;
  }
  expect(held / 4_000).toBeGreaterThan(0.94);
  expect(held / 4_000).toBeLessThan(0.995);
});

it("rows are a table with a goal and a verdict each", () => {
  const ratio = { median: 2, low: 1.5, high: 2.5, pairs: 7 };
  const text = formatRows([
    { what: "a", reached: "b", peer: "c", ratio, goal: "d", verdict: "met" },
  ]);
  expect(text.split("\n")[1]).toBe("a     b        c     2.000 [1.500, 2.500] of 7  d     met");
});
