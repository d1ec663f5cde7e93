import fc from "fast-check";
import { expect, test } from "vitest";
import { hash64, hashHex, StreamHash64 } from "./hash.ts";

test("hash64 is xxhash64: published values", () => {
  expect(hashHex(hash64(new Uint8Array(0)))).toBe("ef46db3751d8e999");
  expect(hashHex(hash64(new TextEncoder().encode("xxhash")))).toBe("32dd38952c4bc720");
  expect(hashHex(hash64(new TextEncoder().encode("xxhash"), 20141025n))).toBe("b559b98d844e0635");
});

/** However cut, saved and loaded, a stream ends where the hash of the whole ends. */
const streamLaw = (makeHash: (seed: bigint) => StreamHash64) =>
  fc.property(
    fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 12 }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.boolean(),
    (pieces, seed, reload) => {
      let stream = makeHash(seed);
      for (const piece of pieces) {
        stream.update(piece);
        if (reload) stream = StreamHash64.load(stream.save())!;
      }
      const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
      return (
        stream.digest() === hash64(whole, seed) &&
        stream.length === whole.length &&
        hash64(stream.save()) === hash64(new StreamHash64(seed).update(whole).save())
      );
    },
  );

test("a stream equals the hash of the whole, however cut, saved and loaded", () => {
  fc.assert(streamLaw((seed) => new StreamHash64(seed)));
});

test("canary: a stream that drops the last byte of a piece is caught", () => {
  class Dropping extends StreamHash64 {
    override update(bytes: Uint8Array): this {
      return super.update(bytes.subarray(0, Math.max(0, bytes.length - 1)));
    }
  }
  expect(fc.check(streamLaw((seed) => new Dropping(seed))).failed).toBe(true);
});

test("a damaged saved state is refused", () => {
  const saved = new StreamHash64().update(new Uint8Array(5)).save();
  expect(StreamHash64.load(saved.subarray(1))).toBeUndefined();
  expect(StreamHash64.load(saved.fill(255))).toBeUndefined();
});
