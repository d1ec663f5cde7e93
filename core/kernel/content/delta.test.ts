/** Comparing two contents, and carrying what changed through a trace. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CHUNK_SECTORS } from "./chunk.ts";
import { SECTOR_BYTES, type SectorRange } from "./content-run.ts";
import { expandSectors } from "./expand-sectors.ts";
import { SectorContent } from "./sector-content.ts";

const SECTORS = 3 * CHUNK_SECTORS + 7;

type Change = readonly [kind: number, sector: number, sectors: number, seed: number];

const arbitraryChanges = fc.array(
  fc.tuple(
    fc.nat(3),
    fc.oneof(fc.nat(30), fc.integer({ min: CHUNK_SECTORS - 10, max: SECTORS - 1 })),
    fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(2 * CHUNK_SECTORS)),
    fc.integer({ min: 1, max: 5 }),
  ),
  { maxLength: 8 },
);

function change(store: SectorContent, changes: readonly Change[]): SectorContent {
  for (const [kind, sector, wanted, seed] of changes) {
    const sectors = Math.min(wanted, SECTORS - sector);
    if (kind === 0) store.discard(sector, sectors);
    else if (kind === 1) store.writeZeros(sector, sectors);
    else if (kind === 2) store.writeStamps(sector, sectors, seed);
    else store.writeBytes(sector, new Uint8Array(Math.min(sectors, 20) * SECTOR_BYTES).fill(seed));
  }
  return store;
}

test("a delta turns the base into the image, through nothing but its own bytes", () => {
  fc.assert(
    fc.property(arbitraryChanges, arbitraryChanges, fc.boolean(), (before, after, useBase) => {
      const store = change(new SectorContent(SECTORS), before);
      const base = useBase ? store.capture() : undefined;
      store.digest(); // what it remembers of this must not outlive the change
      const image = change(store, after).capture();
      const copy = new SectorContent(1);
      copy.restore(copy.applyDelta(base, store.encodeDelta(image, base)));
      expect(copy.digest()).toBe(store.digest());
      expect(copy.equals(store, { allocation: true })).toBe(true);
      if (base !== undefined) {
        const baseStore = SectorContent.of(base);
        expect(baseStore.equals(change(new SectorContent(SECTORS), before))).toBe(true);
      }
    }),
  );
});

test("differing ranges are what a comparison of all bytes finds", () => {
  fc.assert(
    fc.property(arbitraryChanges, arbitraryChanges, fc.boolean(), (before, after, related) => {
      const a = change(new SectorContent(SECTORS), before);
      const b = related ? a.fork() : new SectorContent(SECTORS);
      expect(a.digest() === b.digest()).toBe(a.equals(b, { allocation: true }));
      change(b, after);
      const from = CHUNK_SECTORS - 20;
      const span: SectorRange = { sector: from, sectors: CHUNK_SECTORS + 30 };
      const bytesA = new Uint8Array(span.sectors * SECTOR_BYTES);
      const bytesB = new Uint8Array(span.sectors * SECTOR_BYTES);
      expandSectors(a, from, span.sectors, bytesA);
      expandSectors(b, from, span.sectors, bytesB);
      const differing = new Set<number>();
      for (let index = 0; index < span.sectors; index++) {
        const at = index * SECTOR_BYTES;
        const sectorA = bytesA.subarray(at, at + SECTOR_BYTES);
        if (Buffer.compare(sectorA, bytesB.subarray(at, at + SECTOR_BYTES)) !== 0) {
          differing.add(from + index);
        }
      }
      const ranges = a.diffRanges(b, { span });
      const found = ranges.flatMap(({ sector, sectors }) =>
        Array.from({ length: sectors }, (_, index) => sector + index),
      );
      expect(new Set(found)).toEqual(differing);
      expect(a.equals(b, { span })).toBe(differing.size === 0);
      expect(a.digest() === b.digest()).toBe(a.equals(b, { allocation: true }));
    }),
    { numRuns: 40 },
  );
});

test("a delta that was tampered with throws or gives a proper image, never anything else", () => {
  const store = change(new SectorContent(SECTORS), [
    [2, 0, 5, 3],
    [1, 9, 2, 1],
    [3, CHUNK_SECTORS - 1, 2, 4],
  ]);
  const { sectors, parts } = store.encodeDelta(store.capture(), undefined);
  const part = (parts as Uint8Array[])[0]!;
  const places = fc.oneof(fc.nat(30), fc.nat(part.length - 1));
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, flip, cut) => {
      const bytes = cut ? part.slice(0, place) : part.slice();
      if (!cut) bytes[place]! ^= flip;
      const copy = new SectorContent(1);
      try {
        copy.restore(copy.applyDelta(undefined, { sectors, parts: [bytes] }));
      } catch (error) {
        expect(String(error)).toMatch(/content delta|a disk of|stamps/);
        return;
      }
      expect(copy.read(0, SECTORS).reduce((sum, run) => sum + run.sectors, 0)).toBe(SECTORS);
    }),
  );
  for (const hostile of [{}, { sectors: -1, parts }, { sectors: 1e300, parts }, { sectors: 8 }]) {
    expect(() => store.applyDelta(undefined, hostile)).toThrow();
  }
});
