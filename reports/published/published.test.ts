/** Published rows against their own text, and working sets against the fit that they come from. */
import { describe, expect, it } from "vitest";
import { type FitWish, fitWorkingSets, misfit } from "./fit-working-sets.ts";
import { CLARK_RATES, clarkMigrations, workingSetsOf } from "./index.ts";

const rowOf = (name: string) => clarkMigrations.find((row) => row.name === name)!;
const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);

describe("the rows of Clark et al. 2005", () => {
  it("reconcile with their own text", () => {
    const { roundsMiB, firstRoundS, sentMiB, given, downtimeMs } = rowOf("specweb99");
    expect(sum(roundsMiB!)).toBeCloseTo(959.5, 1);
    expect(sentMiB! / given.memoryMiB).toBeCloseTo(1.2, 2);
    expect((roundsMiB![0]! * 8) / firstRoundS!).toBeCloseTo(CLARK_RATES.minMbps, 0);
    expect((roundsMiB!.at(-1)! * 8_000) / (downtimeMs! - given.startUpMs)).toBeCloseTo(724, 0);
    const quake = rowOf("quake3");
    expect(sum(quake.roundsMiB!)).toBeCloseTo(88.4, 1);
    expect(quake.sentMiB! / quake.given.memoryMiB).toBeCloseTo(1.37, 1);
  });
});

const START = {
  specweb99: [
    { sizeMiB: 250, writesPerSecond: 1_000 },
    { sizeMiB: 30, writesPerSecond: 10_000 },
  ],
  quake3: [
    { sizeMiB: 50, writesPerSecond: 1_000 },
    { sizeMiB: 2, writesPerSecond: 5_000 },
  ],
};

const wishOf = (name: keyof typeof START): FitWish => ({
  memoryMiB: rowOf(name).given.memoryMiB,
  roundsMiB: rowOf(name).roundsMiB!,
  rule: CLARK_RATES,
  start: START[name],
  weights: { first: 20, last: 6 },
});

describe("working sets of published workloads", () => {
  it.each(["specweb99", "quake3"] as const)("%s: are as good as the fit's own", (name) => {
    const wish = wishOf(name);
    const best = misfit(wish, fitWorkingSets(wish));
    expect(misfit(wish, workingSetsOf[name]!) / best).toBeLessThan(1.05);
  });

  it("canary: those of the other workload are far off", () => {
    const wish = { ...wishOf("specweb99"), memoryMiB: 900 };
    const own = misfit(wish, workingSetsOf["specweb99"]!);
    expect(misfit(wish, workingSetsOf["quake3"]!)).toBeGreaterThan(20 * own);
  });
});
