// Runs the hold model once, in a process of its own, and prints what it cost as JSON. Arguments:
// timers, events, and the path of the trace, or "-" to record nothing. With node
// --expose-gc it collects after each tenth, to see what is in use; that costs time, and is for that alone.
import { argv, cpuUsage, memoryUsage, resourceUsage } from "node:process";
import { createTraceFile, PAUSE_EVENTS, Recorder } from "../../traces/index.ts";
import { holdWorld } from "./hold-world.ts";

/** Events before the clock starts: compiled by then, and the thread of the trace has started. */
const WARM_UP = 1_000_000;
const MARKS = 10;

export interface HoldFigures {
  readonly events: number;
  readonly wallSeconds: number;
  /** Of all threads, the closing of the trace included. */
  readonly cpuSeconds: number;
  readonly bytes: number;
  readonly tenths: readonly Tenth[];
}

interface Tenth {
  readonly seconds: number;
  /** Of the process so far, what the collector has not yet given back included. */
  readonly peakRssMiB: number;
  /** What is still in use after a collection; null where none was asked for. */
  readonly liveMiB: number | null;
}

const [timers, events] = [Number(argv[2]), Number(argv[3])];
const path = argv[4]!;
const recorder = path === "-" ? undefined : openRecorder();
const world = holdWorld({ seed: 1, ...(recorder && { sink: recorder.sink }) }, timers);
recorder?.attach(world);
world.run({ untilEvent: WARM_UP, pauseEvery: PAUSE_EVENTS });

const cpuBefore = cpuUsage();
const started = performance.now();
const tenths: Tenth[] = [];
for (let mark = 1; mark <= MARKS; mark++) {
  const from = performance.now();
  const untilEvent = WARM_UP + Math.round((events * mark) / MARKS);
  world.run({ untilEvent, pauseEvery: PAUSE_EVENTS });
  const elapsedMs = performance.now() - from;
  tenths.push({
    seconds: elapsedMs / 1_000,
    peakRssMiB: Math.round(resourceUsage().maxRSS / 1_024),
    liveMiB: liveMiB(),
  });
}
const wallSeconds = (performance.now() - started) / 1_000;
world.finish();
const end = { root: "", events: world.eventCount, timeNs: world.timeNs, finished: true };
await recorder?.close("complete", end);
const { user, system } = cpuUsage(cpuBefore);
const figures: HoldFigures = {
  events,
  wallSeconds,
  cpuSeconds: (user + system) / 1_000_000,
  bytes: recorder?.bytesWritten ?? 0,
  tenths,
};
console.log(JSON.stringify(figures));

function liveMiB(): number | null {
  if (global.gc === undefined) return null;
  global.gc();
  const { heapUsed, arrayBuffers } = memoryUsage();
  return (heapUsed + arrayBuffers) / 1_048_576;
}

function openRecorder(): Recorder {
  const writer = createTraceFile(path, {
    codeVersion: "0000000000000000",
    scenarioJson: "{}",
    seed: 1,
    epochEvents: 1 << 16,
    epochNs: 10_000_000_000,
    extra: { log: "full" },
  });
  return new Recorder({ writer, vms: [], log: "full", outputs: () => ({}) });
}
