/**
 * Rounds of a pre-copy as plain arithmetic: of a set of W pages written r times a second, all alike,
 * W (1 - exp(-r t / W)) are dirty after t; of those, a round of t sends each that was not written again
 * before the scan came to it. No network, no latency, no cost of traces: it is for fitting, and it is
 * no part of the engine.
 */
export interface WorkingSet {
  readonly sizeMiB: number;
  readonly writesPerSecond: number;
}

/** Mbit/s of 2^20 bits. */
export interface RateRule {
  readonly minMbps: number;
  readonly maxMbps: number;
  readonly stepMbps: number;
  readonly stopBelowKiB: number;
}

const PAGES_PER_MIB = 256;
const MAX_ROUNDS = 30;
const HALVINGS = 60;

/** MiB sent in each round, and at last while it stands still. */
export function meanFieldRounds(
  memoryMiB: number,
  sets: readonly WorkingSet[],
  rule: RateRule,
): number[] {
  const heats = sets.map((set) => set.writesPerSecond / (set.sizeMiB * PAGES_PER_MIB));
  const written = sets.reduce((sum, { sizeMiB }) => sum + sizeMiB, 0);
  let dirty = sets.map(({ sizeMiB }) => sizeMiB);
  let still = Math.max(0, memoryMiB - written);
  let mbps = rule.minMbps;
  const rounds: number[] = [];
  while (rounds.length < MAX_ROUNDS) {
    const seconds = roundSeconds(still, dirty, heats, mbps);
    rounds.push((mbps * seconds) / 8);
    dirty = sets.map(({ sizeMiB }, at) => sizeMiB * (1 - Math.exp(-heats[at]! * seconds)));
    still = 0;
    const left = dirty.reduce((sum, each) => sum + each, 0);
    const wanted = (left * 8) / seconds + rule.stepMbps;
    if (left * 1_024 < rule.stopBelowKiB || wanted > rule.maxMbps) return [...rounds, left];
    mbps = Math.max(rule.minMbps, wanted);
  }
  return rounds;
}

/** A round lasts as long as sending takes of what is not written again in time. */
function roundSeconds(
  still: number,
  dirty: readonly number[],
  heats: readonly number[],
  mbps: number,
): number {
  const sent = (seconds: number): number =>
    dirty.reduce((sum, each, at) => {
      const writes = heats[at]! * seconds;
      return sum + each * (writes < 1e-9 ? 1 : (1 - Math.exp(-writes)) / writes);
    }, still);
  let [low, high] = [0, 1_000];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (sent(middle) * 8 > mbps * middle) low = middle;
    else high = middle;
  }
  return high;
}
