/** Runs are the same exactly where what they say, sector by sector and byte by byte, is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalBytes } from "../canonical.ts";
import { type ContentRun, sameRuns } from "./content-run.ts";

const SECTOR_BYTES = 512;

/** Bytes that are the same but for one, or for none. */
const bytes = fc
  .record({ sectors: fc.integer({ min: 1, max: 2 }), at: fc.nat(1_023), value: fc.nat(1) })
  .map(({ sectors, at, value }): ContentRun => {
    const held = new Uint8Array(sectors * SECTOR_BYTES);
    held[at % held.length] = value;
    return { kind: "bytes", sectors, bytes: held } as ContentRun;
  });

const run: fc.Arbitrary<ContentRun> = fc.oneof(
  bytes,
  fc.record({ kind: fc.constant("zero" as const), sectors: fc.integer({ min: 1, max: 2 }) }),
  fc.record({
    kind: fc.constant("stamp" as const),
    sectors: fc.integer({ min: 1, max: 2 }),
    stamp: fc.integer({ min: 1, max: 2 }),
  }),
);

const runs = fc.array(run, { maxLength: 3 });

const textOf = (each: readonly ContentRun[]): string =>
  Buffer.from(canonicalBytes(each as never)).toString("hex");

describe("two lists of runs", () => {
  it("are the same where all that they say is the same, and nowhere else", () => {
    let same = 0;
    fc.assert(
      fc.property(runs, runs, fc.boolean(), (a, b, isCopy) => {
        const other = isCopy ? structuredClone(a) : b;
        const expected = textOf(a) === textOf(other);
        if (expected) same++;
        expect(sameRuns(a, other)).toBe(expected);
        expect(sameRuns(other, a)).toBe(expected);
      }),
      { numRuns: 400 },
    );
    expect(same).toBeGreaterThan(100);
  });

  it("are not the same when one byte anywhere differs, nor when one is longer", () => {
    for (const at of [0, 1, 511, 512, 1_023]) {
      const [a, b] = [0, 1].map((value) => {
        const held = new Uint8Array(1_024);
        held[at] = value;
        return [{ kind: "bytes", sectors: 2, bytes: held } as ContentRun];
      });
      expect(sameRuns(a!, b!), `byte ${at}`).toBe(false);
      expect(sameRuns(a!, [...a!, ...b!])).toBe(false);
    }
  });
});
