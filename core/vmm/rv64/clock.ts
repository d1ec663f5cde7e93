/**
 * Progress of a machine as a function of simulated time, and the other way round. Exact: at time t it
 * is floor((t - sinceNs) * instructionsPerSecond / 10^9) + from.
 */
import { SECOND, type TimeNs } from "../../kernel/index.ts";

export type ProgressClock = {
  /** Since when it runs without a stop, and what its progress was then. */
  readonly sinceNs: TimeNs;
  readonly from: number;
};

/** Progress at `atNs`, which is not before `sinceNs`. */
export function progressAt(
  { sinceNs, from }: ProgressClock,
  instructionsPerSecond: number,
  atNs: TimeNs,
): number {
  return from + floorProduct(atNs - sinceNs, instructionsPerSecond, SECOND);
}

/** The first instant at which its progress is `progress` or more. */
export function timeOf(
  { sinceNs, from }: ProgressClock,
  instructionsPerSecond: number,
  progress: number,
): TimeNs {
  if (progress <= from) return sinceNs;
  return sinceNs + floorProduct(progress - from, SECOND, instructionsPerSecond, true);
}

/** floor(a * b / c), or the quotient rounded up. */
function floorProduct(a: number, b: number, c: number, roundsUp = false): number {
  const product = a * b;
  if (product <= Number.MAX_SAFE_INTEGER - c) {
    return Math.floor((roundsUp ? product + c - 1 : product) / c);
  }
  const exact = BigInt(a) * BigInt(b) + (roundsUp ? BigInt(c) - 1n : 0n);
  return Number(exact / BigInt(c));
}
