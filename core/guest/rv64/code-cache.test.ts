// Decoded pages are bounded, and the page entered least recently goes first; whatever goes, the guest computes the same.

import { expect, test } from "vitest";
import { CompiledEngine, DEFAULT_CODE_PAGES } from "./compiled/engine.ts";
import * as layout from "./layout.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";

const PAGES = 12;
const OPTIONS = { ramBytes: PAGES * layout.PAGE_BYTES, harts: 1 } as const;
const HOT = 1;
const COLD = [2, 3, 4, 5, 6, 7, 8, 9];
const ROUNDS = 3;
const RETURN = 0x00008067;

/** jal ra, distance. */
const call = (distance: number): number =>
  ((distance & 0xff000) | ((distance & 0x800) << 9) | ((distance & 0x7fe) << 20) | 0xef) >>> 0;

/** Page 0 calls the hot page before each of the cold ones, round after round. */
function program(): { readonly ram: Uint8Array; readonly calls: number } {
  const ram = new Uint8Array(OPTIONS.ramBytes);
  const view = new DataView(ram.buffer);
  for (let page = 1; page < PAGES; page++) view.setUint32(page * layout.PAGE_BYTES, RETURN, true);
  const visited = Array.from({ length: ROUNDS }, () => COLD.flatMap((cold) => [HOT, cold])).flat();
  visited.forEach((page, i) => view.setUint32(i * 4, call(page * layout.PAGE_BYTES - i * 4), true));
  return { ram, calls: visited.length };
}

function run(codePages: number) {
  const { ram, calls } = program();
  const engine = new CompiledEngine({ ...OPTIONS, module: image, codePages });
  const reference = new ReferenceEngine(OPTIONS);
  for (const each of [engine, reference]) {
    each.writeRam(0, ram);
    expect(each.run(0, 2 * calls).executed).toBe(2 * calls);
  }
  expect(engine.readHart(0)).toEqual(reference.readHart(0));
  return engine.decodedPages();
}

test("pages in use stay, the least recently entered one goes", () => {
  // With room for four, the caller and the hot page stay; each visit of a cold page decodes it again.
  expect(run(4)).toBe(2 + ROUNDS * COLD.length);
  // With room for all, each is decoded once.
  expect(run(2 + COLD.length)).toBe(2 + COLD.length);
});

test("canary: with room for two, the caller or the hot page has to go as well", () => {
  expect(run(2)).toBeGreaterThan(2 + ROUNDS * COLD.length);
});

test("by default they take at most 64 MiB", () => {
  const { byteLength: small } = new CompiledEngine({ ...OPTIONS, module: image, codePages: 1 }).ram
    .buffer;
  const { byteLength: full } = new CompiledEngine({ ...OPTIONS, module: image }).ram.buffer;
  expect(DEFAULT_CODE_PAGES).toBeGreaterThan(4000);
  expect(full - small).toBeLessThanOrEqual(64 * 2 ** 20);
});
