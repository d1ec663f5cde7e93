/** How fast the next round goes, and whether there is one (Clark et al. 2005, section 5.3). */
import { type MigrationSettings, PAGE_BYTES, type Round } from "./settings.ts";

/** Rate of the first round. */
export const firstRate = ({
  algorithm,
  minBitsPerSecond,
  maxBitsPerSecond,
}: MigrationSettings): number => (algorithm === "pre-copy" ? minBitsPerSecond : maxBitsPerSecond);

export type Decision =
  | { readonly stops: false; readonly bitsPerSecond: number }
  /** `forced`: more is dirtied than can be sent. */
  | { readonly stops: true; readonly forced: boolean };

export function afterRound(settings: MigrationSettings, rounds: readonly Round[]): Decision {
  const { dirtiedPages, ns } = rounds.at(-1)!;
  const { algorithm, maxBitsPerSecond, minBitsPerSecond, stepBitsPerSecond } = settings;
  if (dirtiedPages * PAGE_BYTES < settings.stopBelowBytes) return { stops: true, forced: false };
  if (rounds.length >= settings.maxRounds) return { stops: true, forced: true };
  const dirtied = Math.floor((dirtiedPages * PAGE_BYTES * 8 * 1e9) / Math.max(1, ns));
  if (algorithm === "fixed-rate") {
    // Nothing is won by a round that leaves as much as the one before.
    const before = rounds.at(-2)?.dirtiedPages ?? Infinity;
    if (dirtiedPages >= before) return { stops: true, forced: true };
    return { stops: false, bitsPerSecond: maxBitsPerSecond };
  }
  const wanted = dirtied + stepBitsPerSecond;
  if (wanted > maxBitsPerSecond) return { stops: true, forced: true };
  return { stops: false, bitsPerSecond: Math.max(minBitsPerSecond, wanted) };
}
