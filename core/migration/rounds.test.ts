/** Scan order, rate rule and packing, each against plain words. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bitmap, bitmapWords, type ContentRun, NumberArray } from "../kernel/index.ts";
import { packPages, type PageSpan, unpackPages } from "./packing.ts";
import { afterRound, firstRate } from "./rate.ts";
import { groupsOf, pick, scanOf } from "./scan.ts";
import type { MigrationSettings } from "./settings.ts";

const PAGES = 700;

const bitmapOf = (pages: readonly number[]): Bitmap => {
  const bitmap = new Bitmap(new NumberArray("u32", bitmapWords(PAGES)), PAGES);
  for (const page of pages) bitmap.add(page);
  return bitmap;
};

describe("the scan of a round", () => {
  it("offers each wanted page once, in stretches, but for those dirtied again", () => {
    const some = fc.uniqueArray(fc.nat(PAGES - 1), { maxLength: 300 });
    const drawn = fc.nat(groupsOf(PAGES) - 1);
    fc.assert(
      fc.property(
        some,
        some,
        drawn,
        drawn,
        fc.integer({ min: 1, max: 90 }),
        (wanted, again, a, b, most) => {
          let scan = scanOf(PAGES, [a, b]);
          const offered: number[] = [];
          let skipped = 0;
          for (;;) {
            const picked = pick(scan, PAGES, most, bitmapOf(wanted), bitmapOf(again));
            skipped += picked.skipped;
            for (const { page, pages } of picked.ranges) {
              for (let each = page; each < page + pages; each++) offered.push(each);
            }
            if (picked.pages === 0) break;
            scan = { ...scan, next: picked.next };
          }
          const expected = wanted.filter((page) => !again.includes(page));
          expect([...offered].sort((x, y) => x - y)).toEqual(expected.sort((x, y) => x - y));
          expect(skipped).toBe(wanted.length - expected.length);
        },
      ),
    );
  });
});

describe("the rate of rounds", () => {
  const settings: MigrationSettings = {
    algorithm: "pre-copy",
    minBitsPerSecond: 100e6,
    maxBitsPerSecond: 500e6,
    lastBitsPerSecond: 500e6,
    stepBitsPerSecond: 50e6,
    stopBelowBytes: 256 * 1_024,
    maxRounds: 30,
    stopNs: 0,
    startUpNs: 0,
    patienceNs: 0,
    granularity: "1GiB",
    by: [0],
  };
  const round = (dirtiedPages: number, ns: number) => ({ bytes: 0, ns, dirtiedPages });
  const second = 1e9;

  it("begins low, is what was dirtied and 50 Mbit/s more, and ends at the highest", () => {
    expect(firstRate(settings)).toBe(100e6);
    const dirtied = Math.round(200e6 / 8 / 4_096);
    const next = afterRound(settings, [round(dirtied, second)]);
    expect(next).toMatchObject({ stops: false });
    expect((next as { bitsPerSecond: number }).bitsPerSecond / 250e6).toBeCloseTo(1, 3);
    expect(afterRound(settings, [round(dirtied * 3, second)])).toEqual({
      stops: true,
      forced: true,
    });
    expect(afterRound(settings, [round(63, second)])).toEqual({ stops: true, forced: false });
    expect(afterRound(settings, [round(64, second)])).toMatchObject({ bitsPerSecond: 100e6 });
  });

  it("is always the highest in the baseline, which stops when a round wins nothing", () => {
    const fixed = { ...settings, algorithm: "fixed-rate" } as const;
    expect(firstRate(fixed)).toBe(500e6);
    expect(afterRound(fixed, [round(900, second)])).toMatchObject({ bitsPerSecond: 500e6 });
    expect(afterRound(fixed, [round(900, second), round(900, second)])).toMatchObject({
      forced: true,
    });
  });
});

describe("pages on the wire", () => {
  it("come out as they went in", () => {
    const run = fc.oneof(
      fc.record({ kind: fc.constant("zero" as const), pages: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("stamp" as const), pages: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("bytes" as const), pages: fc.integer({ min: 1, max: 2 }) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), run), { maxLength: 20 }), (wishes) => {
        let page = 3;
        const spans = wishes.map(([isPrivate, { kind, pages }], at): PageSpan => {
          const sectors = pages * 8;
          const runs: ContentRun[] =
            kind === "zero"
              ? [{ kind, sectors }]
              : kind === "stamp"
                ? [{ kind, sectors, stamp: 17 + at * 1_000 }]
                : [{ kind, sectors, bytes: new Uint8Array(sectors * 512).fill(at + 1) }];
          const span = { page, pages, isPrivate, runs };
          page += pages + 1;
          return span;
        });
        const seen: PageSpan[] = [];
        unpackPages(packPages(spans), (span) => void seen.push(span));
        expect(seen).toEqual(spans);
      }),
      { numRuns: 50 },
    );
  });
});
