/**
 * The checkpoint file against plain memory, and against everything that can be done to it: cut at
 * each sector, changed in each byte region, of another VM, machine or version.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContentRun, SECTOR_BYTES, SectorContent, stampBase } from "../../kernel/index.ts";
import { writeFile } from "../testing/whole-file.ts";
import { bytesOf, bytesRun } from "./bytes.ts";
import { COMMIT_SECTOR, encodeHead } from "./layout.ts";
import { plainOfBytes, bytesOfPlain } from "./plain-bytes.ts";
import { readFile } from "./read-file.ts";

const BLOCK_PAGES = 4;
const HEAD = {
  vm: "db",
  checkpoint: "ck",
  machine: "m1",
  pages: 42,
  blockPages: BLOCK_PAGES,
  base: null,
};
const BLOCKS = Math.ceil(HEAD.pages / BLOCK_PAGES);

const page = fc.oneof(
  fc.constant<ContentRun>({ kind: "zero", sectors: 8 }),
  fc
    .record({ counter: fc.integer({ min: 1, max: 900 }), ratio: fc.constantFrom(0, 1, 2, 3) })
    .map(({ counter, ratio }): ContentRun => ({
      kind: "stamp",
      sectors: 8,
      stamp: stampBase(ratio * 2 ** 14, counter * 8 + 1),
    })),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((word) => {
    const bytes = new Uint8Array(4_096);
    for (let at = 0; at < bytes.length; at += 8) bytes.set(word, at);
    return bytesRun(bytes);
  }),
  fc.record({ seed: fc.nat(1e6), kind: fc.constantFrom("noise", "text") }).map(({ seed, kind }) => {
    let state = seed;
    const bytes = new Uint8Array(4_096).map((_, i) => {
      state = Math.imul(state, 1_664_525) + 1_013_904_223;
      return kind === "noise" ? state >>> 24 : (i * 7 + seed) % 97;
    });
    return bytesRun(bytes);
  }),
);
const memory = fc.array(page, { minLength: HEAD.pages, maxLength: HEAD.pages });
const order = fc.shuffledSubarray([...Array(BLOCKS).keys()], {
  minLength: BLOCKS,
  maxLength: BLOCKS,
});

/** Noise: the finaliser of MurmurHash3. */
function spread(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) & 255;
}

const contentIn = (pages: readonly ContentRun[]) => (block: number) =>
  pages.slice(block * BLOCK_PAGES, (block + 1) * BLOCK_PAGES);

const STATE = bytesOfPlain({
  timers: [1, 2.5, null],
  ram: Uint8Array.of(0, 255),
  deep: { a: "ä" },
});

const check = (file: SectorContent, head = HEAD) => readFile(file, head, () => undefined);

function sample(): SectorContent {
  const pages = fc.sample(memory, { seed: 3, numRuns: 1 })[0]!;
  return writeFile(HEAD, STATE, [...Array(BLOCKS).keys()], 3, contentIn(pages));
}

describe("a checkpoint file", () => {
  it("gives back every page and the device state, whatever the order of saving", () => {
    fc.assert(
      fc.property(memory, order, fc.integer({ min: 1, max: 5 }), (pages, blocks, together) => {
        const file = writeFile(HEAD, STATE, blocks, together, contentIn(pages));
        const found = new Map<number, readonly ContentRun[]>();
        const read = readFile(file, HEAD, (block, runs) => void found.set(block, runs));
        if (!read.ok) throw new Error(read.problem.message);
        expect(read.value.state).toEqual(STATE);
        for (let block = 0; block < BLOCKS; block++) {
          const given = Buffer.from(bytesOf(contentIn(pages)(block)));
          expect(given.equals(bytesOf(found.get(block)!))).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("keeps what compresses in less room, and what does not as it is", () => {
    const head = { ...HEAD, pages: 40 };
    const blocks = [...Array(10).keys()];
    const size = (run: ContentRun): number =>
      writeFile(head, STATE, blocks, 3, () => [run]).sectors;
    const noise = new Uint8Array(4 * 4_096).map((_, i) => spread(i));
    const text = new Uint8Array(4 * 4_096).map((_, i) => (i * 7) % 97);
    const stamps: ContentRun = { kind: "stamp", sectors: 32, stamp: stampBase(0, 9) };
    expect(size({ kind: "zero", sectors: 32 })).toBeLessThan(20);
    expect(size(stamps)).toBeLessThan(20 + 40 * 4);
    expect(size(bytesRun(text))).toBeLessThan(20 + 40 * 2);
    const raw = size(bytesRun(noise));
    expect(raw).toBeGreaterThanOrEqual(40 * 8);
    expect(raw).toBeLessThan(20 + 40 * 8);
  });

  it("that is cut at any sector is refused", () => {
    const file = sample();
    for (let sectors = 0; sectors < file.sectors; sectors++) {
      const cut = new SectorContent(Math.max(1, sectors));
      if (sectors > 0) cut.write(0, file.read(0, sectors));
      const read = check(cut);
      expect(read.ok, `cut to ${sectors}`).toBe(false);
      if (!read.ok) expect(read.problem.code).toMatch(/truncated|damaged/);
    }
  });

  it("that is changed in any region is refused", () => {
    const whole = sample();
    const image = whole.capture();
    const at = fc.nat(whole.sectors * SECTOR_BYTES - 1);
    const flip = (position: number, mask: number) => {
      const file = new SectorContent(whole.sectors);
      file.restore(image);
      const sector = Math.floor(position / SECTOR_BYTES);
      const bytes = bytesOf(file.read(sector, 1));
      bytes[position % SECTOR_BYTES]! ^= mask;
      file.write(sector, [bytesRun(bytes)]);
      return check(file);
    };
    fc.assert(
      fc.property(at, fc.integer({ min: 1, max: 255 }), (position, mask) => {
        expect(flip(position, mask).ok, `byte ${position}`).toBe(false);
      }),
      { numRuns: 400 },
    );
    for (let sector = 0; sector < whole.sectors; sector++) {
      for (const within of [0, 9, 255, 511]) {
        expect(flip(sector * SECTOR_BYTES + within, 1).ok, `sector ${sector}`).toBe(false);
      }
    }
  });

  it("of another VM, machine or version, or of something else, says so in one line", () => {
    const file = sample();
    const codeOf = (read: ReturnType<typeof readFile>) => (read.ok ? "ok" : read.problem.code);
    expect(codeOf(check(file, { ...HEAD, vm: "web" }))).toBe("wrong-vm");
    expect(codeOf(check(file, { ...HEAD, machine: "m2" }))).toBe("wrong-machine");
    expect(codeOf(check(new SectorContent(100)))).toBe("not-a-checkpoint");
    const uncommitted = sample();
    uncommitted.writeZeros(COMMIT_SECTOR, 1);
    expect(codeOf(check(uncommitted))).toBe("not-committed");
    const later = sample();
    later.write(0, [bytesRun(encodeHead(HEAD, 99))]);
    expect(codeOf(check(later))).toBe("unsupported-version");
  });

  it("brings plain data back as it was", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const given = { value, bytes: Uint8Array.of(1, 2, 254) } as never;
        const back = plainOfBytes(bytesOfPlain(given));
        expect(back.ok && JSON.stringify(back.value)).toBe(JSON.stringify(given));
      }),
      { numRuns: 30 },
    );
  });
});
