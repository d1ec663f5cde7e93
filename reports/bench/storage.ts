// Storage: a million guest requests through sixteen layers, and whole small runs with and without
// their invariants. Processor time counts, so that what else the machine does matters little.
import { deepChainRun, smallRuns } from "./processes.ts";
import { median, ratioOf, type Row, verdictOf } from "./row.ts";

const REQUESTS = 1_000_000;
const LAYERS = 16;
const CHAIN_SECONDS = 10;
const CORES = 2;
const RUNS = 400;
const RUNS_PER_SECOND = 2_000;
const PAIRS = 5;
const CHECKED_RATIO = 2;

export function benchStorage(): Row[] {
  return [deepChain(), ...wholeRuns()];
}

function deepChain(): Row {
  const { cpuSeconds, events } = deepChainRun(REQUESTS, LAYERS);
  return {
    what: `${REQUESTS.toLocaleString("en")} requests through ${LAYERS} layers`,
    reached: `${cpuSeconds.toFixed(1)} s of processor time, ${(events / REQUESTS).toFixed(1)} events each`,
    peer: "",
    ratio: undefined,
    goal: `under ${CHAIN_SECONDS} s`,
    verdict: verdictOf(cpuSeconds < CHAIN_SECONDS),
  };
}

function wholeRuns(): Row[] {
  const rates: number[] = [];
  const unchecked: number[] = [];
  let [events, buildMs] = [0, 0];
  for (let pair = 0; pair < PAIRS; pair++) {
    const run = smallRuns("checked", RUNS);
    rates.push((RUNS / run.cpuSeconds) * CORES);
    ({ events, buildMs } = run);
    unchecked.push((RUNS / smallRuns("unchecked", RUNS).cpuSeconds) * CORES);
  }
  const cost = ratioOf(rates.map((rate, pair) => unchecked[pair]! / rate));
  const what = `storage runs of ${events.toLocaleString("en")} events`;
  return [
    {
      what: `${what}, checked, on ${CORES} cores`,
      reached: `${Math.round(median(rates))} runs/s, ${buildMs.toFixed(2)} ms of each to build`,
      peer: "",
      ratio: undefined,
      goal: `${RUNS_PER_SECOND.toLocaleString("en")} runs/s`,
      verdict: verdictOf(median(rates) >= RUNS_PER_SECOND),
    },
    {
      what: `${what}, cost of checking`,
      reached: `${cost.median.toFixed(2)} times the processor time`,
      peer: `unchecked ${Math.round(median(unchecked))} runs/s`,
      ratio: cost,
      goal: `at most ${CHECKED_RATIO}`,
      verdict: verdictOf(cost.median <= CHECKED_RATIO),
    },
  ];
}
