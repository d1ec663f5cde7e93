/** Several working sets of one guest: who gets which share, where they lie, where they go on. */
import { describe, expect, it } from "vitest";
import type { TouchedSet } from "../../guest/index.ts";
import { MS } from "../../kernel/index.ts";
import { smallWorld } from "../testing/small-world.ts";
import { memoryOf } from "./guest-memory.ts";
import { stampsOf } from "./memory-state.ts";
import { mixedPlacer, type PlacedSet, placer, Scatter } from "./placing.ts";
import { beginTouching, catchUpTouches } from "./touches.ts";

const SETS = [
  { firstPage: 0, pages: 40, reads: 5, writes: 0 },
  { firstPage: 40, pages: 10, reads: 1, writes: 70 },
  { firstPage: 50, pages: 30, reads: 0, writes: 30 },
] as const;
const DRAWN = 30_000;

/** Deviation of each set's share from what it should be, in standard deviations. */
function deviations(next: (isWrite: boolean) => number, isWrite: boolean): number[] {
  const counts = SETS.map(() => 0);
  for (let at = 0; at < DRAWN; at++) {
    const page = next(isWrite);
    counts[SETS.findIndex((set) => page < set.firstPage + set.pages)]!++;
  }
  const weights = SETS.map((set) => set[isWrite ? "writes" : "reads"]);
  const total = weights.reduce<number>((sum, each) => sum + each, 0);
  return weights.map((weight, at) => {
    const share = weight / total;
    const sigma = Math.sqrt(DRAWN * share * (1 - share));
    return Math.abs(counts[at]! - DRAWN * share) / Math.max(1, sigma);
  });
}

const uniform = (pages: number, source: Scatter) =>
  placer({ workingSetPages: pages, distribution: "uniform" }, source, { next: 0 }, () => {
    throw new Error("nothing is sampled");
  });

function mixed(seed: number, sets: readonly (typeof SETS)[number][] = SETS) {
  const source = new Scatter(seed);
  const placed = sets.map((set): PlacedSet => ({ ...set, place: uniform(set.pages, source) }));
  return mixedPlacer(placed, source);
}

describe("working sets", () => {
  it("get their shares of reads and of writes, each in its own pages", () => {
    for (const isWrite of [true, false]) {
      for (const deviation of deviations(mixed(11), isWrite)) expect(deviation).toBeLessThan(4);
    }
  });

  it("canary: with the shares of others it is noticed", () => {
    const [a, b, c] = SETS;
    const swapped = [a, { ...b, writes: c.writes }, { ...c, writes: b.writes }];
    expect(Math.max(...deviations(mixed(11, swapped as never), true))).toBeGreaterThan(10);
  });

  it("lie behind one another, and sequential ones go on where they were", () => {
    const { world, records, start } = smallWorld({ kind: "capture" });
    const memory = memoryOf(start(records[0]!, 0)!);
    const set = (pages: number, writes: number): TouchedSet => ({
      workingSetPages: pages,
      distribution: "sequential",
      reads: 0,
      writes,
    });
    const written: number[] = [];
    for (let round = 0; round < 3; round++) {
      const before = Array.from({ length: 64 }, (_, page) => stampsOf(memory).get(page));
      beginTouching(memory, { kind: "touch", ...set(16, 0), further: [set(8, 5), set(40, 0)] });
      world.run({ untilNs: world.timeNs + 12 * MS });
      catchUpTouches(memory);
      before.forEach((stamp, page) => {
        if (stampsOf(memory).get(page) !== stamp) written.push(page);
      });
    }
    expect(written).toEqual([16, 17, 18, 19, 20, 16, 17, 21, 22, 23, 18, 19, 20, 21, 22]);
    expect(memory.volatile.figures.lostWrites).toBe(0);
  });
});
