/**
 * Which pages a stretch of a modelled guest's accesses falls on. One draw of the gate is the seed of a
 * whole stretch, so a million writes cost one event and one logged draw, and each access is placed
 * exactly as its distribution says.
 */
import {
  assert,
  type Distribution,
  type RandomSource,
  type Sampler,
  uniform,
  zipf,
} from "../../kernel/index.ts";
import type { TouchedSet } from "../../guest/index.ts";

/** Draw that seeds a stretch. */
export const STRETCH_SEED = uniform(2 ** 32);

/** sfc32 (Chris Doty-Humphrey, PractRand) from one word. */
export class Scatter implements RandomSource {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b);
    this.#c = Math.imul(seed ^ 0x6c07_8965, 0xc2b2_ae35);
    for (let round = 0; round < 12; round++) this.nextUint32();
  }

  nextUint32(): number {
    const word = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + word) | 0;
    return word >>> 0;
  }

  /** 0 up to, not including, `limit` (at most 2^32), all equally likely. */
  below(limit: number): number {
    const fair = 2 ** 32 - (2 ** 32 % limit);
    for (;;) {
      const word = this.nextUint32();
      if (word < fair) return word % limit;
    }
  }
}

/** Zipf's exponent 1, as for blocks. */
const SKEW = 1_000;

/** Where sequential writing goes on. */
export type Cursor = { next: number };

/** Page of the next access to one working set. */
export function placer(
  { workingSetPages, distribution }: Pick<TouchedSet, "workingSetPages" | "distribution">,
  source: Scatter,
  cursor: Cursor,
  samplerOf: (distribution: Distribution) => Sampler,
): () => number {
  assert(workingSetPages >= 1, "a working set of a page or more");
  if (distribution === "uniform") return () => source.below(workingSetPages);
  if (distribution === "zipf") {
    const sampler = samplerOf(zipf(workingSetPages, SKEW));
    return () => sampler.draw(source);
  }
  return () => {
    const page = cursor.next % workingSetPages;
    cursor.next = page + 1;
    return page;
  };
}

export type PlacedSet = {
  readonly firstPage: number;
  readonly reads: number;
  readonly writes: number;
  readonly place: () => number;
};

/** Page of the next access to several: each gets its share of accesses, in a drawn order. */
export function mixedPlacer(
  sets: readonly PlacedSet[],
  source: Scatter,
): (isWrite: boolean) => number {
  const totals = {
    reads: sets.reduce((sum, { reads }) => sum + reads, 0),
    writes: sets.reduce((sum, { writes }) => sum + writes, 0),
  };
  return (isWrite) => {
    const which = isWrite ? "writes" : "reads";
    let left = source.below(totals[which]);
    const chosen = sets.find((set) => (left -= set[which]) < 0)!;
    return chosen.firstPage + chosen.place();
  };
}
