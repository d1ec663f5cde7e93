import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "./byte-writer.mjs";
import { decodeColumns, type DecodedColumn } from "./columns.ts";
import { encodeColumns, type Column } from "./encode-columns.mjs";

function roundTrip(column: Column): DecodedColumn {
  const result = decodeColumns(encodeColumns({ it: column }));
  if (!result.ok) throw new Error(result.message);
  return result.columns.get("it")!;
}

const anyNumber = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, -0, 1, 2 ** 52, 2 ** 53 - 1, 2 ** 53, -(2 ** 52), -(2 ** 53), NaN, Infinity),
);
const numberLists = fc.oneof(
  fc.array(fc.nat(1)),
  fc.array(fc.nat(9)),
  fc.array(fc.maxSafeNat()),
  fc.array(fc.maxSafeInteger()),
  fc.array(anyNumber),
);
const u32 = fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

function valuesBack(column: Column): unknown {
  const back = roundTrip(column);
  return "values" in back ? back.values : undefined;
}

describe("columns", () => {
  it("return every number exactly, -0 and NaN too, with and without delta", () => {
    fc.assert(
      fc.property(numberLists, fc.boolean(), (list, delta) => {
        const values = Float64Array.from(list);
        expect(valuesBack({ type: "numbers", values, delta })).toStrictEqual(values);
      }),
    );
  });

  it("return 32-bit numbers, bytes and strings", () => {
    const texts = fc.oneof(fc.constantFrom("", "\ufeffa", "x"), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(fc.array(u32), fc.uint8Array(), fc.array(texts), (numbers, bytes, strings) => {
        const values = Uint32Array.from(numbers);
        for (const delta of [false, true]) {
          expect(valuesBack({ type: "u32", values, delta })).toStrictEqual(values);
        }
        expect(valuesBack({ type: "bytes", values: bytes })).toStrictEqual(bytes);
        expect(valuesBack({ type: "strings", values: strings })).toStrictEqual(strings);
      }),
    );
  });

  it("return the values of each stream in the order of drawing", () => {
    const value = fc.oneof({ weight: 20, arbitrary: fc.nat(300) }, anyNumber);
    fc.assert(
      fc.property(fc.array(fc.tuple(u32, value)), (draws) => {
        const streams = Uint32Array.from(draws, ([stream]) => stream);
        const values = Float64Array.from(draws, ([, drawn]) => drawn);
        const back = roundTrip({ type: "streams", streams, values });
        const expected = [...new Set(streams)]
          .sort((a, b) => a - b)
          .map((stream) => ({
            stream,
            values: values.filter((_, index) => streams[index] === stream),
          }));
        expect(back).toStrictEqual({ type: "streams", streams: expected });
      }),
    );
  });

  it("take little more than the entropy of what they hold", () => {
    // xorshift32: the sizes must not depend on luck.
    let state = 2_463_534_242;
    const random = (): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
    const count = 65_536;
    const bytesPerValue = (draw: () => number): number => {
      const values = Float64Array.from({ length: count }, draw);
      const streams = Uint32Array.from({ length: count }, (_, index) => index % 100);
      return encodeColumns({ it: { type: "streams", streams, values } }).length / count;
    };
    expect(bytesPerValue(() => Math.floor(random() * 2 ** 30))).toBeLessThan(3.77);
    // An exponential of mean 10^6 has log2(e * 10^6) = 21.37 bits, 2.672 bytes.
    expect(bytesPerValue(() => Math.floor(-Math.log(1 - random()) * 1e6))).toBeLessThan(2.7);
    expect(bytesPerValue(() => (random() < 0.001 ? 1 : 0))).toBeLessThan(0.01);
  });
});

describe("hostile columns", () => {
  const whole = encodeColumns({
    numbers: { type: "numbers", values: Float64Array.of(1, 2, 70_000, 5) },
    signed: { type: "numbers", values: Float64Array.of(-1, 2, 3) },
    doubles: { type: "numbers", values: Float64Array.of(0.5, 2, 3) },
    rising: { type: "u32", values: Uint32Array.of(5, 6, 900), delta: true },
    bytes: { type: "bytes", values: new Uint8Array(200).fill(3) },
    strings: { type: "strings", values: ["a", "b", "a"] },
    streams: {
      type: "streams",
      streams: Uint32Array.of(3, 1, 3, 1),
      values: Float64Array.of(1, 900, 1, 0.5),
    },
  });

  it("decode to a result, whatever byte is changed or missing", () => {
    expect(decodeColumns(whole).ok).toBe(true);
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      expect(decodeColumns(whole.subarray(0, at)).ok).toBe(false);
      for (const value of [0, 1, 0x7f, 0x80, 0xff, whole[at]! ^ 1]) {
        const changed = whole.slice();
        changed[at] = value;
        if (!decodeColumns(changed).ok) refused++;
      }
    }
    expect(refused).toBeGreaterThan(whole.length);
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeColumns(bytes)));
  });

  it("stop at counts that no writer makes, before allocating", () => {
    const out = new ByteWriter();
    out.varint(1);
    out.varint(1);
    out.bytes(Uint8Array.of(97, 0));
    out.varint(2 ** 45);
    expect(decodeColumns(out.done())).toMatchObject({ ok: false });
  });

  it("stop at a budget: many columns that each unpack to much", () => {
    const bomb = new Uint8Array(1024 * 1024);
    const out = new ByteWriter();
    out.varint(8);
    for (let column = 0; column < 8; column++) {
      out.varint(1);
      out.bytes(Uint8Array.of(97 + column, 2));
      out.block(bomb);
    }
    expect(out.done().length).toBeLessThan(10_000);
    expect(decodeColumns(out.done()).ok).toBe(true);
    expect(decodeColumns(out.done(), 4 * 1024 * 1024)).toEqual({
      ok: false,
      message: "columns larger than any writer makes",
    });
  });

  it("stop a block at its announced length", () => {
    const bomb = new ByteWriter();
    bomb.block(new Uint8Array(1 << 20));
    const packed = bomb.done().subarray(4); // codec, then a raw length of three bytes
    const out = new ByteWriter();
    out.bytes(Uint8Array.of(1, 1, 97, 2, 1));
    out.varint(1000);
    out.bytes(packed);
    expect(decodeColumns(out.done())).toMatchObject({ ok: false });
  });
});
