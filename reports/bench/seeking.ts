// Seeks in an opened trace of ten million events: restoring the saved snapshot and re-executing to
// the event, page cache warm.
import { join } from "node:path";
import { openTrace, RecordedRun, Timeline } from "../../traces/index.ts";
import { holdBuilder } from "./hold-world.ts";
import { holdRun, scratch } from "./processes.ts";
import { quantile, type Row, verdictOf } from "./row.ts";

const TIMERS = 1_024;
const EVENTS = 10_000_000;
const SEEKS = 200;
const GOAL_MS = 100;

export function benchSeeking(): Row[] {
  const path = join(scratch, "seek.orrery");
  holdRun(TIMERS, EVENTS, path);
  const opened = openTrace(path, { verify: "index" });
  if (!opened.ok) throw new Error(opened.message);
  const run = new RecordedRun(opened.trace);
  const timeline = new Timeline(run, holdBuilder(TIMERS));
  timeline.seekEvent(1 << 15);
  const times: number[] = [];
  let place = 12_345;
  for (let seek = 0; seek < SEEKS; seek++) {
    place = (place * 48_271) % 2_147_483_647;
    const started = performance.now();
    timeline.seekEvent(1 + (place % run.lastEvent));
    times.push(performance.now() - started);
  }
  opened.trace.close();
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return [
    {
      what: "seek in 10^7 events, cache warm, p99 of 200",
      reached: `${p99.toFixed(0)} ms (p50 ${p50.toFixed(0)} ms, ${run.snapshots.length} snapshots)`,
      peer: "TARDIS 680 ms worst, rr about 1 s",
      ratio: undefined,
      goal: `${GOAL_MS} ms or less`,
      verdict: verdictOf(p99 <= GOAL_MS),
    },
  ];
}
