import fc from "fast-check";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { hash64, hashHex } from "../hash.ts";
import { SECTOR_BYTES } from "./content-run.ts";
import { expandRuns } from "./expand-sectors.ts";
import { expandStamp, recognise, viewOf } from "./expansion.ts";
import {
  COMPRESSION_RATIOS,
  diskNumber,
  isStamp,
  stampBase,
  stampParts,
  STAMPS_PER_DISK,
} from "./stamp.ts";

const arbitraryStamp = fc.oneof(
  fc.integer({ min: 1, max: 1000 }),
  fc.integer({ min: 1, max: 2 ** 53 - 1 }),
);

function expansion(stamp: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  expandStamp(stamp, viewOf(bytes), 0);
  return bytes;
}

test("a stamp is its disk and counter, and nothing else", () => {
  const parts = fc.record({
    disk: fc.nat(2 ** 16 - 1),
    counter: fc.integer({ min: 1, max: STAMPS_PER_DISK - 1 }),
  });
  fc.assert(
    fc.property(parts, ({ disk, counter }) => {
      const stamp = stampBase(disk, counter);
      expect(isStamp(stamp)).toBe(true);
      expect(stampParts(stamp)).toEqual({ disk, counter });
    }),
  );
  expect(() => stampBase(0, 0)).toThrow();
  expect(() => stampBase(1, STAMPS_PER_DISK - 1, 2)).toThrow("used up");
  expect(() => stampBase(2 ** 16, 1)).toThrow();
  expect(() => diskNumber(2 ** 14)).toThrow();
  expect(stampBase(diskNumber(2 ** 14 - 1, 16), STAMPS_PER_DISK - 1)).toBe(2 ** 53 - 1);
});

/** Recognised if whole, not recognised if any single byte differs. */
const recognitionLaw = (look: typeof recognise) =>
  fc.property(
    arbitraryStamp,
    fc.nat(SECTOR_BYTES - 1),
    fc.integer({ min: 1, max: 255 }),
    (stamp, position, flip) => {
      const bytes = new Uint8Array(3 + SECTOR_BYTES);
      bytes.set(expansion(stamp), 3); // at an odd place
      if (look(viewOf(bytes), 3) !== stamp) return false;
      bytes[3 + position]! ^= flip;
      return look(viewOf(bytes), 3) === undefined;
    },
  );

test("an expansion is recognised, a near miss is not", () => {
  fc.assert(recognitionLaw(recognise), { numRuns: 3000 });
  expect(recognise(new DataView(new ArrayBuffer(512)), 0)).toBe(0);
  const last = new Uint8Array(512);
  last[511] = 1;
  expect(recognise(viewOf(last), 0)).toBeUndefined();
});

test("canary: recognition by header alone is caught", () => {
  const byHeader: typeof recognise = (view, at) => {
    const stamp = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
    return view.getInt32(at, true) === 0x6572724f && isStamp(stamp) ? stamp : undefined;
  };
  expect(fc.check(recognitionLaw(byHeader)).failed).toBe(true);
});

test("the layout of an expansion is pinned: changing it changes every root", () => {
  const stamps = COMPRESSION_RATIOS.map((ratio) => stampBase(diskNumber(3, ratio), 0x123456789));
  expect(stamps.map((stamp) => hashHex(hash64(expansion(stamp))))).toMatchInlineSnapshot(`
    [
      "88495486d7e244fa",
      "3df17d0439842969",
      "fc9068af38b6f9cd",
      "48f6414633f71899",
    ]
  `);
});

test("compressors reach the declared ratio within 7 %", () => {
  for (const ratio of COMPRESSION_RATIOS) {
    const sectors = 2048;
    const bytes = new Uint8Array(sectors * SECTOR_BYTES);
    const stamp = stampBase(diskNumber(7, ratio), 12345);
    expandRuns([{ kind: "stamp", sectors, stamp }], bytes);
    const reached = bytes.length / deflateSync(bytes).length;
    expect(Math.abs(reached / ratio - 1)).toBeLessThan(0.07);
  }
});
