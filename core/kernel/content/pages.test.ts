/** What is kept of a page of bytes: no more than it needs, and nothing that its hash could tell. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hash64 } from "../hash.ts";
import { clearBytes, copyBytes, gatherBytes, hashPage, type PageHolder } from "./pages.ts";

const SECTORS = 40;
const span = fc
  .record({ from: fc.nat(SECTORS - 1), sectors: fc.integer({ min: 1, max: 12 }) })
  .map(({ from, sectors }) => ({ from, to: Math.min(SECTORS, from + sectors) }));
const step = fc.record({ span, fill: fc.nat(3), adopt: fc.boolean() });

/** Fill 0 makes sectors none of bytes. */
function apply(holder: PageHolder, model: Uint8Array, { span: { from, to }, fill, adopt }: Step) {
  model.fill(fill, from * 512, to * 512);
  const bytes = model.slice(from * 512, to * 512);
  if (fill > 0) copyBytes(holder, from, to, bytes, 0, adopt);
  else if (holder.pages !== null) clearBytes(holder, holder.pages, from, to);
}
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const pageOf = (model: Uint8Array, index: number) =>
  model.slice(index * 4_096, (index + 1) * 4_096);

describe("pages", () => {
  test("hold what a plain array holds, and hash as whole pages do", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const holder: PageHolder = { pages: null };
        const model = new Uint8Array(SECTORS * 512);
        for (const each of steps) apply(holder, model, each);
        const pages = holder.pages ?? [];
        const wanted = [...Array(SECTORS / 8).keys()].filter((i) => pageOf(model, i).some(Boolean));
        expect(pages.map(({ index }) => index)).toEqual(wanted);
        for (const page of pages) {
          expect(hashPage(page)).toBe(hash64(pageOf(model, page.index)));
          expect(page.data.length).toBeLessThanOrEqual(4_096 - page.first * 512);
        }
        for (let sector = 0; sector < SECTORS; sector++) {
          const bytes = model.slice(sector * 512, (sector + 1) * 512);
          if (!bytes.some(Boolean)) continue;
          const found = new Uint8Array(512);
          gatherBytes(pages, sector, sector + 1, found, 0);
          expect(Buffer.compare(found, bytes)).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("of one sector keep one sector, and of a page that is cut the rest", () => {
    const holder: PageHolder = { pages: null };
    const kept = () => holder.pages!.map(({ first, data }) => [first, data.length]);
    copyBytes(holder, 11, 12, new Uint8Array(512).fill(7), 0, false);
    expect(kept()).toEqual([[3, 512]]);
    copyBytes(holder, 8, 16, new Uint8Array(4_096).fill(8), 0, false);
    clearBytes(holder, holder.pages!, 12, 20);
    expect(kept()).toEqual([[0, 2_048]]);
    clearBytes(holder, holder.pages!, 0, 40);
    expect(holder.pages).toBeNull();
  });
});
