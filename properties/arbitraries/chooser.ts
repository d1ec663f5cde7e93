/**
 * Choices that make a random document. One source of whole numbers stands behind all of them: a
 * stream of the gate's own kind in a search, fast-check in a property. So one seed, or one list of
 * what was chosen, is the whole document.
 */
import fc from "fast-check";
import { StreamGenerator, streamSeed } from "../../core/kernel/index.ts";

export interface Chooser {
  /** A whole number from 0 up to but not including `n`. */
  below(n: number): number;
}

/** Choices of a run of a search: decided by the seed of the search and the number of the run. */
export function seededChooser(seed: number, run: number): Chooser {
  const stream = new StreamGenerator(streamSeed(seed, "explorer", `run ${run}`));
  return { below: (n) => Math.floor(stream.double53() * n) };
}

/** Documents that `make` chooses, as an arbitrary whose choices shrink towards the first ones. */
export function chosen<T>(make: (chooser: Chooser) => T): fc.Arbitrary<T> {
  return fc.gen().map((draw) => make({ below: (n) => draw(fc.nat, { max: n - 1 }) }));
}

export const between = (chooser: Chooser, low: number, high: number): number =>
  low + chooser.below(high - low + 1);

/** True in so many of a hundred cases. */
export const chance = (chooser: Chooser, percent: number): boolean => chooser.below(100) < percent;

/** The list must not be empty. */
export const oneOf = <T>(chooser: Chooser, list: readonly T[]): T =>
  list[chooser.below(list.length)]!;

/** A subset, each member in it with the same chance; that chance is chosen too. */
export function subset<T>(chooser: Chooser, list: readonly T[]): readonly T[] {
  const percent = between(chooser, 1, 9) * 10;
  return list.filter(() => chance(chooser, percent));
}

/** From `low` to `high`, small values as likely as large ones: a power of two, then within it. */
export function skewed(chooser: Chooser, low: number, high: number): number {
  let top = Math.max(1, low);
  let doublings = 0;
  for (let up = top * 2; up <= high; up *= 2) doublings++;
  for (let i = between(chooser, 0, doublings); i > 0; i--) top *= 2;
  return between(chooser, low, Math.min(high, Math.max(low, top)));
}
