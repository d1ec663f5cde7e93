import { Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePlain, decodePlainMap, encodePlain, type Plain } from "./plain.ts";

const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, -1, 2 ** 53 - 1, -(2 ** 53), 0.1, 1e300),
    fc.integer(),
    fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.dictionary(fc.string(), tie("value"), { noNullPrototype: true }),
  ),
})).value;

const forbidden = ["__proto__", "constructor", "prototype"];
const holdsForbidden = (value: unknown): boolean => {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  const own = Object.keys(value);
  return own.some((key) => forbidden.includes(key)) || Object.values(value).some(holdsForbidden);
};

describe("plain data", () => {
  it("returns as it was written", () => {
    fc.assert(
      fc.property(plain, (value) => {
        fc.pre(!holdsForbidden(value));
        expect(decodePlain(encodePlain(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it("refuses keys of the prototype on both sides", () => {
    for (const key of forbidden) {
      const value = JSON.parse(`{"a":[{"${key}":1}]}`) as Plain;
      expect(() => encodePlain(value)).toThrow(/prototype/);
      expect(decodePlain(new Encoder().encode(value)).ok).toBe(false);
    }
    expect(encodePlain({ constructors: 1, proto: 2 }).length).toBeGreaterThan(0);
  });

  it("refuses lengths beyond its bytes, at any depth, before allocating", () => {
    const claim = Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff, 0x01);
    expect(decodePlain(claim)).toEqual({ ok: false, message: "cut short" });
    // A million arrays in each other, each of which claims what the ones inside could fill.
    const nest = new Uint8Array(1_000_000).fill(0x91);
    expect(decodePlain(nest)).toMatchObject({ ok: false, message: /nested deeper/ });
    expect(decodePlain(Uint8Array.of(0xdb, 0x7f, 0xff, 0xff, 0xff, 97)).ok).toBe(false);
    expect(decodePlain(Uint8Array.of(0xdf, 0x00, 0x10, 0x00, 0x00, 0xa1, 97, 0)).ok).toBe(false);
  });

  it("refuses extension types, keys that are no strings, and bytes after the value", () => {
    for (const bytes of [[0xd4, 1, 0], [0xc7, 0, 1], [0xc1], [0x81, 1, 1], [0x81, 0x90, 1]]) {
      expect(decodePlain(Uint8Array.from(bytes)).ok).toBe(false);
    }
    expect(decodePlain(Uint8Array.of(1, 2))).toEqual({ ok: false, message: "bytes after its end" });
    expect(decodePlainMap(encodePlain([1]))).toEqual({ ok: false, message: "no map" });
  });

  it("gives a result for any bytes and for every cut", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodePlain(bytes)));
    const bytes = encodePlain({ a: [1, "two", { b: new Uint8Array(9) }], c: 1.5, d: null });
    for (let length = 0; length < bytes.length; length++) {
      expect(decodePlain(bytes.subarray(0, length)).ok).toBe(false);
    }
  });
});
