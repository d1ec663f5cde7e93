import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Arrays, type ArraysImage } from "./arrays.ts";
import { Bitmap, bitmapWords } from "./bitmap.ts";
import { NumberArray } from "./number-array.ts";

const LENGTH = 1_700;

const change = fc.oneof(
  fc.record({ op: fc.constant("set" as const), at: fc.nat(LENGTH - 1), value: fc.nat(9) }),
  fc.record({
    op: fc.constant("fill" as const),
    from: fc.nat(LENGTH - 1),
    count: fc.nat(1_100),
    first: fc.nat(9),
    step: fc.nat(8),
  }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(array: NumberArray, model: number[], each: Change): void {
  if (each.op === "set") {
    array.set(each.at, each.value);
    model[each.at] = each.value;
    return;
  }
  const count = Math.min(each.count, LENGTH - each.from);
  array.fill(each.from, count, each.first, each.step);
  for (let i = 0; i < count; i++) model[each.from + i] = each.first + i * each.step;
}

const valuesOf = (array: NumberArray): number[] =>
  Array.from({ length: array.length }, (_, i) => array.get(i));

describe("arrays of numbers", () => {
  it("hold what a plain array holds, go back to any image and over as a difference", () => {
    const changes = fc.array(fc.tuple(change, fc.boolean()), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(changes, fc.nat(), (script, pick) => {
        const arrays = new Arrays();
        const array = arrays.open("vm#pages", "f64", LENGTH);
        const model = new Array<number>(LENGTH).fill(0);
        const saved: { image: ArraysImage; model: number[]; digest: bigint }[] = [];
        for (const [each, captures] of script) {
          apply(array, model, each);
          if (!captures) continue;
          const digest = arrays.digest();
          saved.push({ image: arrays.capture(), model: [...model], digest });
        }
        expect(valuesOf(array)).toEqual(model);
        if (saved.length === 0) return;
        const wanted = saved[pick % saved.length]!;
        const base = saved[(pick * 7) % saved.length]!.image;
        const delta = structuredClone(arrays.encodeDelta(wanted.image, base));
        const fresh = new Arrays();
        fresh.restore(fresh.applyDelta(base, delta));
        arrays.restore(wanted.image);
        for (const each of [arrays, fresh]) {
          expect(valuesOf(each.get("vm#pages")!)).toEqual(wanted.model);
          expect(each.digest()).toBe(wanted.digest);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("hash what they hold, not how it came to be", () => {
    const [one, other] = [new NumberArray("f64", LENGTH), new NumberArray("f64", LENGTH)];
    one.fill(0, LENGTH, 8, 8);
    for (let i = LENGTH - 1; i >= 0; i--) other.set(i, 8 + 8 * i);
    expect(other.digest()).toBe(one.digest());
    other.set(900, 1);
    expect(other.digest()).not.toBe(one.digest());
  });

  it("are small while they are regular", () => {
    const arrays = new Arrays();
    arrays.open("vm#pages", "f64", 1 << 24).fill(0, 1 << 24, 8, 8);
    const first = arrays.capture();
    arrays.get("vm#pages")!.set(12_345, 7);
    const delta = arrays.encodeDelta(arrays.capture(), first);
    expect((delta["arrays"] as { contents: unknown[] }[])[0]!.contents).toHaveLength(1);
  });
});

describe("bitmaps", () => {
  it("are sets of bits", () => {
    const bits = 40_000;
    const touched = fc.array(
      fc.tuple(fc.boolean(), fc.nat(bits - 1), fc.constantFrom(1, 1, 7, 300, 17_000)),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(touched, (script) => {
        const bitmap = new Bitmap(new NumberArray("u32", bitmapWords(bits)), bits);
        const model = new Set<number>();
        for (const [adds, bit, count] of script) {
          const end = Math.min(bits, bit + count);
          if (adds) bitmap.addRange(bit, end - bit);
          else expect(bitmap.delete(bit)).toBe(model.delete(bit));
          for (let each = bit; each < (adds ? end : bit); each++) model.add(each);
        }
        const found: number[] = [];
        for (let bit = bitmap.next(0); bit >= 0; bit = bitmap.next(bit + 1)) found.push(bit);
        expect(found).toEqual([...model].sort((a, b) => a - b));
        expect(bitmap.count()).toBe(model.size);
      }),
      { numRuns: 100 },
    );
  });
});
