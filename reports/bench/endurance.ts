// Long runs: speed at the end against the start, memory that does not grow with the log, and what
// hashing takes of an epoch.
import { join } from "node:path";
import { holdWorld } from "./hold-world.ts";
import { holdRun, scratch } from "./processes.ts";
import { ratioOf, type Row, verdictOf } from "./row.ts";

const TIMERS = 1_024;
const EPOCH_EVENTS = 1 << 16;
const HASHED_EPOCHS = 40;

export function benchSteadiness(): Row[] {
  const ratios: number[] = [];
  for (let run = 0; run < 15; run++) {
    const { tenths } = holdRun(TIMERS, 5_000_000, join(scratch, "steady.orrery"));
    ratios.push(tenths[0]!.seconds / tenths[9]!.seconds);
  }
  const ratio = ratioOf(ratios);
  return [
    {
      what: "events/s in the last tenth of a run, recorded",
      reached: `${(ratio.median * 100).toFixed(1)} % of the first`,
      peer: "its first tenth",
      ratio,
      goal: "within 5 %",
      verdict: verdictOf(ratio.median >= 0.95),
    },
  ];
}

/** A run of 10^8 events: minutes. */
export function benchMemory(): Row[] {
  const { tenths, bytes } = holdRun(TIMERS, 100_000_000, join(scratch, "long.orrery"), [
    "--expose-gc",
  ]);
  const [early, late] = [tenths[0]!, tenths[9]!];
  const [before, after] = [early.liveMiB!, late.liveMiB!];
  return [
    {
      what: "memory at 10^7 and 10^8 events, recorded",
      reached:
        `${before.toFixed(0)} and ${after.toFixed(0)} MiB in use, ` +
        `peak RSS ${early.peakRssMiB} and ${late.peakRssMiB} MiB`,
      peer: `trace ${(bytes / 1_048_576).toFixed(0)} MiB`,
      ratio: undefined,
      goal: "in use does not grow with the log",
      verdict: verdictOf(after - before <= (0.05 * bytes) / 1_048_576),
    },
    {
      what: "events/s in the last tenth of 10^8, recorded",
      reached: `${((early.seconds / late.seconds) * 100).toFixed(1)} % of the first`,
      peer: "its first tenth",
      ratio: undefined,
      goal: "within 5 %",
      verdict: verdictOf(early.seconds / late.seconds >= 0.95),
    },
  ];
}

export function benchHashing(): Row[] {
  return [64, 1_024, 65_536].map((timers) => {
    const world = holdWorld({ seed: 1 }, timers);
    const shares: number[] = [];
    for (let epoch = 1; epoch <= HASHED_EPOCHS; epoch++) {
      const started = performance.now();
      // The epoch's own hash falls into the next call, and then finds nothing left to do.
      world.run({ untilEvent: epoch * EPOCH_EVENTS - 1 });
      const ran = performance.now();
      world.stateRoot();
      const hashed = performance.now() - ran;
      if (epoch > HASHED_EPOCHS / 4) shares.push(hashed / (ran - started + hashed));
    }
    const ratio = ratioOf(shares);
    return {
      what: `hashing, share of an epoch, ${timers.toLocaleString("en")} timers`,
      reached: `${(ratio.median * 100).toFixed(2)} %`,
      peer: "",
      ratio,
      goal: "a tenth or less",
      verdict: verdictOf(ratio.median <= 0.1),
    };
  });
}
