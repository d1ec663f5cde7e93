// Searches: runs a second of `orrery explore` on the storage storm, and what an event of them costs
// beside one of the hold model, which does nothing in its events. Processor time counts.
import { exploreRun, holdRun } from "./processes.ts";
import { median, ratioOf, type Row, verdictOf } from "./row.ts";

const CORES = 2;
const BLOCKS = 1;
const PAIRS = 3;
const HOLD_TIMERS = 64;
const HOLD_EVENTS = 1_000_000;
const RUNS_PER_SECOND = 2_000;

export function benchExplore(): Row[] {
  const runs = [];
  const hold: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    runs.push(exploreRun(BLOCKS));
    const { cpuSeconds, events } = holdRun(HOLD_TIMERS, HOLD_EVENTS);
    hold.push((cpuSeconds / events) * 1e9);
  }
  const costs = runs.map(({ cpuSeconds, events }) => (cpuSeconds / events) * 1e9);
  const rate = median(runs.map(({ runs: made, cpuSeconds }) => (made / cpuSeconds) * CORES));
  const { runs: made, forks, events, parts } = runs[0]!;
  const whole = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const shares = Object.entries(parts).map(
    ([part, us]) => `${part} ${Math.round((100 * us) / whole)} %`,
  );
  return [
    {
      what:
        `search: runs of ${Math.round(events / made).toLocaleString("en")} events, ` +
        `${Math.round((100 * forks) / made)} % forked, on ${CORES} cores`,
      reached: `${Math.round(rate)} runs/s, ${Math.round(median(costs))} ns an event`,
      peer: `hold model ${Math.round(median(hold))} ns an event`,
      ratio: ratioOf(costs.map((cost, pair) => cost / hold[pair]!)),
      goal: `${RUNS_PER_SECOND.toLocaleString("en")} runs/s`,
      verdict: verdictOf(rate >= RUNS_PER_SECOND),
    },
    {
      what: "search: a run from the beginning",
      reached: `${(whole / 1_000).toFixed(1)} ms: ${shares.join(", ")}`,
      peer: "",
      ratio: undefined,
      goal: "",
      verdict: "shown",
    },
  ];
}
