import fc from "fast-check";
import { expect, it } from "vitest";
import { packPage, unpackPages } from "./packed-page.ts";

const PAGE = 4_096;
/** Mostly zeros, as memory is. */
const page = fc.array(fc.tuple(fc.nat(PAGE - 1), fc.nat(255)), { maxLength: 200 }).map((bytes) => {
  const content = new Uint8Array(PAGE);
  for (const [at, value] of bytes) content[at] = value;
  return content;
});
const pages = fc.array(fc.oneof(page, fc.constant(new Uint8Array(PAGE).fill(7))), {
  minLength: 1,
  maxLength: 6,
});

function pack(content: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint32Array(2_048 * content.length);
  let length = 0;
  for (const each of content) length = packPage(each, packed, length);
  return new Uint8Array(packed.buffer, 0, 4 * length);
}

it("pages come back as they were, and zeros take next to nothing", () => {
  fc.assert(
    fc.property(pages, (content) => {
      const unpacked = unpackPages(pack(content), content.length)!;
      expect(Buffer.compare(unpacked, Buffer.concat(content))).toBe(0);
    }),
  );
  expect(pack([new Uint8Array(PAGE)]).length).toBe(64);
});

it("damaged chunks are refused, never read beyond their end", () => {
  fc.assert(
    fc.property(pages, fc.nat(), fc.integer({ min: 1, max: 255 }), (content, place, flip) => {
      const packed = pack(content);
      const changed = packed.slice();
      changed[place % packed.length]! ^= flip;
      const unpacked = unpackPages(changed, content.length);
      if (unpacked === undefined) return;
      expect(unpacked.length).toBe(PAGE * content.length);
      expect(Buffer.compare(unpacked, Buffer.concat(content))).not.toBe(0);
    }),
  );
  const packed = pack([new Uint8Array(PAGE).fill(1)]);
  expect(unpackPages(packed.subarray(0, packed.length - 4), 1)).toBeUndefined();
  expect(unpackPages(packed.subarray(0, packed.length - 1), 1)).toBeUndefined();
  expect(unpackPages(packed, 2)).toBeUndefined();
});
