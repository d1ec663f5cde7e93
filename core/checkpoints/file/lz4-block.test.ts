/** The codec against itself, against hostile input, and against the `lz4` tool. */
import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import xxhash from "xxhash-wasm";
import { describe, expect, it } from "vitest";
import { compress, decompress } from "./lz4-block.ts";

/** Bytes with repetitions near and far, long ones too, and noise. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(255), fc.nat(5_000)).map(([byte, n]) => new Uint8Array(n).fill(byte)),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(200)).map(([word, n]) => {
        const out = new Uint8Array(word.length * n);
        for (let i = 0; i < n; i++) out.set(word, i * word.length);
        return out;
      }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(parts.flatMap((part) => [...part])));

const isSame = (found: Uint8Array | undefined, given: Uint8Array): boolean =>
  found !== undefined && Buffer.compare(found, given) === 0;

const room = (size: number): number => size + Math.ceil(size / 255) + 64;

describe("LZ4 blocks", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const block = compress(given, room(given.length))!;
        expect(isSame(decompress(block, given.length), given)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("are refused where they do not fit, and never longer than the room", () => {
    fc.assert(
      fc.property(bytes, fc.nat(20_000), (given, space) => {
        const block = compress(given, space);
        if (block !== undefined) expect(isSame(decompress(block, given.length), given)).toBe(true);
        expect(block?.length ?? 0).toBeLessThanOrEqual(space);
      }),
      { numRuns: 80 },
    );
  });

  it("of anybody's making do no harm", () => {
    const sized = fc.tuple(fc.uint8Array({ maxLength: 400 }), fc.nat(5_000));
    fc.assert(
      fc.property(sized, ([block, size]) => {
        const out = decompress(block, size);
        if (out !== undefined) expect(out.length).toBe(size);
      }),
      { numRuns: 300 },
    );
  });

  it("that are cut or changed never pass for what they were", () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (given, at) => {
        const block = compress(given, room(given.length))!;
        expect(decompress(block.subarray(0, at % block.length), given.length)).toBeUndefined();
        expect(decompress(block, given.length + 1)).toBeUndefined();
      }),
      { numRuns: 80 },
    );
  });
});

const hasLz4 = spawnSync("lz4", ["--version"]).status === 0;

describe.skipIf(!hasLz4)("LZ4 blocks in a frame (needs lz4)", () => {
  it("are what the tool reads", async () => {
    const wasm = await xxhash();
    const given = new Uint8Array(60_000).map((_, i) => (i % 700 < 400 ? i % 251 : (i * i) >>> 7));
    const block = compress(given, room(given.length))!;
    expect(block.length).toBeLessThan(given.length);
    const descriptor = Uint8Array.of(0x60, 0x40);
    const length = new Uint8Array(Uint32Array.of(block.length).buffer);
    const frame = [
      0x04,
      0x22,
      0x4d,
      0x18,
      ...descriptor,
      (wasm.h32Raw(descriptor) >>> 8) & 0xff,
      ...length,
      ...block,
      0,
      0,
      0,
      0,
    ];
    const read = execFileSync("lz4", ["-d", "-c", "-q"], { input: Uint8Array.from(frame) });
    expect(new Uint8Array(read)).toEqual(given);
  });
});
