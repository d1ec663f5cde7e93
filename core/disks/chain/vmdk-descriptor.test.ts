/** Text of descriptors: what is written is read back, and no damage passes for a descriptor. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asDescriptor,
  descriptorFileOf,
  type DiskDescriptor,
  readDescriptor,
} from "./descriptor.ts";
import { parseVmdkText, type VmdkText, writeVmdkText } from "./vmdk-descriptor.ts";

const word = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/);
const contentId = fc.integer({ min: 0, max: 0xffff_fffe });
const extent = fc.record({
  access: fc.constantFrom("RW" as const, "RDONLY" as const, "NOACCESS" as const),
  sectors: fc.integer({ min: 1, max: 2 ** 40 }),
  type: fc.constantFrom("FLAT", "SPARSE", "VMFS", "VMFSSPARSE"),
  file: word,
  offset: fc.integer({ min: 0, max: 2 ** 40 }),
});
const parents = fc.option(fc.record({ id: contentId, hint: word }));
const texts = fc
  .record({
    contentId,
    parent: parents,
    createType: word,
    extents: fc.array(extent, { minLength: 1, maxLength: 4 }),
    dataBase: fc.array(
      fc.tuple(
        word.map((key) => key.replaceAll("-", "_")),
        word,
      ),
    ),
  })
  .map(({ parent, ...rest }): VmdkText => ({
    ...rest,
    parentContentId: parent?.id ?? null,
    parentHint: parent?.hint ?? null,
  }));

const descriptors: fc.Arbitrary<DiskDescriptor> = fc
  .record({
    cid: contentId,
    parent: parents,
    volume: word,
    kind: fc.constantFrom("flat" as const, "redo" as const, "cow" as const),
    sectors: fc.integer({ min: 1, max: 2 ** 33 }),
    grainSectors: fc.constantFrom(1, 8, 128),
  })
  .map(({ parent, ...rest }) => ({
    ...rest,
    parentCid: parent?.id ?? 0,
    parent: parent?.hint ?? null,
  }));

describe("the text of a descriptor", () => {
  it("is read back as it was written, padded or not", () => {
    fc.assert(
      fc.property(texts, fc.nat(3), (text, padding) => {
        const written = writeVmdkText(text) + "\0".repeat(padding * 100);
        expect(parseVmdkText(written)).toEqual({ ok: true, descriptor: text });
      }),
    );
  });

  it("holds all of a modelled disk's layer", () => {
    fc.assert(
      fc.property(descriptors, (descriptor) => {
        expect(asDescriptor(descriptorFileOf(descriptor))).toEqual(descriptor);
      }),
    );
  });

  it("never passes cut short: a prefix is a problem, or says the same", () => {
    fc.assert(
      fc.property(texts, fc.double({ min: 0, max: 1, noNaN: true }), (text, part) => {
        const whole = writeVmdkText(text);
        const parsed = parseVmdkText(whole.slice(0, Math.floor(whole.indexOf("\n\n#") * part)));
        expect(parsed.ok).toBe(false);
      }),
    );
  });

  const sound = writeVmdkText({
    contentId: 7,
    parentContentId: 6,
    parentHint: "a.vmdk",
    createType: "vmfs",
    extents: [{ access: "RW", sectors: 8, type: "VMFS", file: "a", offset: 0 }],
    dataBase: [],
  });

  it.each([
    ["not-a-descriptor", (text: string) => text.slice(1)],
    ["unsupported-version", (text: string) => text.replace("version=1", "version=9")],
    ["damaged-line", (text: string) => text.replace("createType=", "create@@")],
    ["duplicate-field", (text: string) => text.replace("version=1", "CID=1\nversion=1")],
    ["missing-field", (text: string) => text.replace(/^CID=.*$/m, "")],
    ["missing-field", (text: string) => text.replace(/^RW.*$/m, "")],
    ["bad-content-id", (text: string) => text.replace("CID=00000007", "CID=x0000007")],
    ["bad-extent", (text: string) => text.replace("RW 8", "RW 0")],
    ["bad-extent", (text: string) => text.replace('VMFS "a"', "VMFS")],
    ["parent-mismatch", (text: string) => text.replace(/^parentFileNameHint.*$/m, "")],
    ["parent-mismatch", (text: string) => text.replace("00000006", "ffffffff")],
  ])("tells damage: %s", (code, damage) => {
    const parsed = parseVmdkText(damage(sound));
    expect(parsed.ok ? "sound" : parsed.problem.code).toBe(code);
    expect(readDescriptor({ text: damage(sound) })).toMatchObject({ ok: false, code });
  });
});
