// What recording costs: CPU of all threads, wall time, and bytes against the entropy of the draws.
import { join } from "node:path";
import { PAUSE_EVENTS, writeTraceInMemory, Recorder } from "../../traces/index.ts";
import { prepareSurprisal } from "../../traces/entropy.ts";
import { holdWorld, PACE } from "./hold-world.ts";
import { holdRun, scenarioRun, scratch } from "./processes.ts";
import { ratioOf, type Row, verdictOf } from "./row.ts";

const PAIRS = 15;
const EVENTS = 2_000_000;
const GOAL = 1.03;

/** One run of something, recorded or not: what a further workload has to offer to be compared. */
type RecordedOrNot = (recorded: boolean) => {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
};

const holdModel: RecordedOrNot = (recorded) =>
  holdRun(1_024, EVENTS, recorded ? join(scratch, "recording.orrery") : "-");

const tour: RecordedOrNot = (recorded) =>
  scenarioRun("scenarios/tour.ts", recorded ? join(scratch, "tour.orrery") : "-");

/** The tour is what the goal is of; the hold model does nothing but draw, and shows the worst. */
const WORKLOADS: { readonly [name: string]: RecordedOrNot } = {
  "the tour": tour,
  "hold model, 1,024 timers": holdModel,
};

export function benchRecording(): Row[] {
  return Object.entries(WORKLOADS).flatMap(([name, run]) => {
    const cpu: number[] = [];
    const wall: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      // The order alternates, so that a drift of the machine favours neither.
      const first = run(pair % 2 === 0);
      const second = run(pair % 2 !== 0);
      const [on, off] = pair % 2 === 0 ? [first, second] : [second, first];
      cpu.push(on.cpuSeconds / off.cpuSeconds);
      wall.push(on.wallSeconds / off.wallSeconds);
    }
    return [costRow(`recording, ${name}, CPU`, cpu), costRow(`recording, ${name}, wall`, wall)];
  });
}

export function costRow(what: string, ratios: readonly number[]): Row {
  const ratio = ratioOf(ratios);
  return {
    what,
    reached: `${((ratio.median - 1) * 100).toFixed(1)} % more`,
    peer: "not recording",
    ratio,
    goal: "interval ends at 3 % or less",
    verdict: verdictOf(ratio.high <= GOAL),
  };
}

/** Size of the file against the surprisal of every draw in it. */
export function benchTraceSize(): Row[] {
  return [64, 1_024].map((timers) => {
    const surprisal = prepareSurprisal(PACE);
    let bits = 0;
    let draws = 0;
    const header = {
      codeVersion: "0000000000000000",
      scenarioJson: "{}",
      seed: 1,
      epochEvents: 1 << 16,
      epochNs: 10_000_000_000,
      extra: { log: "full" },
    };
    const bytes = writeTraceInMemory(header, (writer) => {
      const recorder = new Recorder({ writer, vms: [], log: "full", outputs: () => ({}) });
      const sink = (streams: Uint32Array, results: Float64Array): void => {
        for (const result of results) bits += surprisal(result);
        draws += results.length;
        recorder.sink(streams, results);
      };
      const world = holdWorld({ seed: 1, sink }, timers);
      recorder.attach(world);
      world.run({ untilEvent: EVENTS, pauseEvery: PAUSE_EVENTS });
      world.finish();
    }).length;
    const entropy = bits / 8 / draws;
    const size = bytes / draws;
    return {
      what: `trace size, hold model, ${timers.toLocaleString("en")} timers`,
      reached: `${size.toFixed(2)} B a draw`,
      peer: `entropy ${entropy.toFixed(2)} B a draw`,
      ratio: undefined,
      goal: "entropy + 0.5 B or less",
      verdict: verdictOf(size <= entropy + 0.5),
    };
  });
}
