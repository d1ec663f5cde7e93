/**
 * Working sets that fit published rounds best: least squares of the logarithms of round sizes in the
 * mean-field model, by Nelder and Mead's simplex from given sets. Deterministic; fitting only.
 */
import { meanFieldRounds, type RateRule, type WorkingSet } from "./mean-field.ts";

export interface FitWish {
  readonly memoryMiB: number;
  readonly roundsMiB: readonly number[];
  readonly rule: RateRule;
  readonly start: readonly WorkingSet[];
  /** Weights of the first round and of the last; of the others 1. */
  readonly weights: { readonly first: number; readonly last: number };
}

/** What a round too many, or too few, counts as. */
const ROUND_MORE = 1;
const STEPS = 1_500;
const EDGE = 0.3;

/** Sum of squares. */
export function misfit(wish: FitWish, sets: readonly WorkingSet[]): number {
  const { memoryMiB, roundsMiB, rule, weights } = wish;
  const written = sets.reduce((sum, { sizeMiB }) => sum + sizeMiB, 0);
  if (written > memoryMiB) return Infinity;
  const found = meanFieldRounds(memoryMiB, sets, rule);
  const square = (value: number, wanted: number): number => Math.log(value / wanted) ** 2;
  let sum = weights.last * square(found.at(-1)!, roundsMiB.at(-1)!);
  const common = Math.min(found.length, roundsMiB.length) - 1;
  for (let round = 0; round < common; round++) {
    sum += (round === 0 ? weights.first : 1) * square(found[round]!, roundsMiB[round]!);
  }
  sum += ROUND_MORE * (found.length - roundsMiB.length) ** 2;
  return sum;
}

type Point = { readonly at: readonly number[]; readonly value: number };

/** Sizes and rates are searched by their logarithms, so both stay above 0. */
export function fitWorkingSets(wish: FitWish): readonly WorkingSet[] {
  const start = wish.start.flatMap((set) => [Math.log(set.sizeMiB), Math.log(set.writesPerSecond)]);
  const point = (at: readonly number[]): Point => ({ at, value: misfit(wish, setsOf(at)) });
  const corners = [
    point(start),
    ...start.map((_, axis) => point(start.map((each, at) => each + (at === axis ? EDGE : 0)))),
  ];
  for (let step = 0; step < STEPS; step++) improve(corners, point);
  return setsOf(sorted(corners)[0]!.at);
}

function setsOf(at: readonly number[]): WorkingSet[] {
  return Array.from({ length: at.length / 2 }, (_, set) => ({
    sizeMiB: Math.exp(at[2 * set]!),
    writesPerSecond: Math.exp(at[2 * set + 1]!),
  }));
}

const sorted = (corners: Point[]): Point[] => corners.sort((a, b) => a.value - b.value);

/** Replaces the worst corner by its mirror image, a farther or a nearer one, or shrinks them all. */
function improve(corners: Point[], point: (at: readonly number[]) => Point): void {
  sorted(corners);
  const worst = corners.at(-1)!;
  const kept = corners.slice(0, -1);
  const centre = worst.at.map(
    (_, axis) => kept.reduce((sum, { at }) => sum + at[axis]!, 0) / kept.length,
  );
  const along = (far: number): Point =>
    point(centre.map((middle, axis) => middle + far * (worst.at[axis]! - middle)));
  const mirrored = along(-1);
  if (mirrored.value < corners[0]!.value) {
    const farther = along(-2);
    corners[corners.length - 1] = farther.value < mirrored.value ? farther : mirrored;
    return;
  }
  if (mirrored.value < kept.at(-1)!.value) {
    corners[corners.length - 1] = mirrored;
    return;
  }
  const nearer = along(0.5);
  if (nearer.value < worst.value) {
    corners[corners.length - 1] = nearer;
    return;
  }
  const best = corners[0]!;
  corners.forEach(({ at }, corner) => {
    if (corner > 0) corners[corner] = point(at.map((each, axis) => (each + best.at[axis]!) / 2));
  });
}
