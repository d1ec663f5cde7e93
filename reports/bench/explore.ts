// Searches: runs a second of `orrery explore` on the storage storm, and what an event of them costs
// beside one of the hold model, which does nothing in its events. Processor time counts.
import { exploreRun, holdRun, searchRun } from "./processes.ts";
import { median, ratioOf, type Row, verdictOf } from "./row.ts";

const CORES = 2;
const BLOCKS = 4;
const PAIRS = 3;
const HOLD_TIMERS = 64;
const HOLD_EVENTS = 1_000_000;
const RUNS_PER_SECOND = 2_000;

/** Of a search with workers: what the later runs of the longer one cost is what a run costs. */
const SHORT_RUNS = 512;
const LONG_RUNS = 1_536;
const SHARED_PAIRS = 3;
const LINEAR = 0.9;

interface Shared {
  /** Milliseconds of processor time a run, of workers and of the coordinator. */
  readonly searching: number;
  readonly coordinating: number;
  readonly startMs: number;
  readonly wallMs: number;
}

function sharedBy(workers: number): Shared {
  const [short, long] = [searchRun(workers, SHORT_RUNS), searchRun(workers, LONG_RUNS)];
  const runs = long.runs - short.runs;
  const ofRun = (part: "searching" | "coordinating"): number =>
    (long.cost[part] - short.cost[part]) / runs;
  const startMs = short.cost.starting / workers;
  const wallMs = (long.wallMs - short.wallMs) / runs;
  return { searching: ofRun("searching"), coordinating: ofRun("coordinating"), startMs, wallMs };
}

/**
 * From one worker to two, by processor time, because that is the same on a machine that does something
 * else: one worker makes a run in c1 while the coordinator has the other core to itself; two make it
 * in c2 each and share their cores with the coordinator, which spends k on it. So two reach
 * c1 / (c2 + k) of twice as much. Starting and compiling are paid once a worker.
 */
function benchWorkers(): Row[] {
  const pairs = Array.from({ length: SHARED_PAIRS }, () => [sharedBy(1), sharedBy(2)] as const);
  const linear = pairs.map(([one, two]) => one.searching / (two.searching + two.coordinating));
  const share = median(pairs.map(([, two]) => two.coordinating / two.searching));
  const start = median(pairs.map(([, { startMs }]) => startMs));
  const walls = median(pairs.map(([one, two]) => one.wallMs / two.wallMs));
  return [
    {
      what: "search: from one worker to two, by processor time",
      reached:
        `${(median(linear) * 100).toFixed(0)} % of linear; coordinator ` +
        `${(share * 100).toFixed(1)} % of a run; a worker starts once in ${(start / 1_000).toFixed(1)} s`,
      peer: `real time ${walls.toFixed(2)} times as fast`,
      ratio: ratioOf(linear),
      goal: `${LINEAR * 100} %`,
      verdict: verdictOf(median(linear) >= LINEAR),
    },
  ];
}

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
    ...benchWorkers(),
  ];
}
