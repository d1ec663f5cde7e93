// What a modelled VM of 64 GiB takes to move and to checkpoint: 16 million pages, 4 million written.
import { largeVmRun } from "./processes.ts";
import { type Row, verdictOf } from "./row.ts";

const GOAL = { seconds: 60, residentMiB: 1_024 };
const WORDS = { move: "moves", checkpoint: "is checkpointed" } as const;

export function benchLargeVm(): Row[] {
  return (["move", "checkpoint"] as const).map((what) => {
    const { outcome, wallSeconds, cpuSeconds, residentMiB } = largeVmRun(what);
    if (outcome !== "complete") throw new Error(`${what}: ${outcome}`);
    const isMet = wallSeconds <= GOAL.seconds && residentMiB <= GOAL.residentMiB;
    return {
      what: `a VM of 64 GiB ${WORDS[what]}`,
      reached:
        `${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of processor, ` +
        `${residentMiB.toFixed(0)} MiB`,
      peer: "",
      ratio: undefined,
      goal: `under ${GOAL.seconds} s and ${GOAL.residentMiB} MiB`,
      verdict: verdictOf(isMet),
    };
  });
}
