// Records a world into memory or a file, for this folder's tests and for the kept traces.
import { hashHex, type World } from "../../core/kernel/index.ts";
import {
  MemoryTraceWriter,
  openTrace,
  type TraceHeader,
  type TraceWriter,
} from "../format/index.ts";
import { Recorder } from "../recording/recorder.ts";
import { RecordedRun } from "../replaying/recorded-run.ts";
import type { WorldBuilder } from "../world-builder.ts";

export interface RecordOptions {
  readonly seed?: number;
  readonly log?: "full" | "seed";
  readonly pauseEvery?: number;
  /** The run is interrupted after so many events. */
  readonly stopsAt?: number;
  /** Runs the world; the whole of it unless told. */
  readonly drive?: (world: World, recorder: Recorder) => void;
}

export const header = (seed: number, log: "full" | "seed"): TraceHeader => ({
  codeVersion: "0000000000000000",
  scenarioJson: '{"name":"test"}',
  seed,
  epochEvents: 256,
  epochNs: 10_000_000_000,
  extra: { log },
});

/** Records into `writer`; returns the world at its end. */
export async function recordInto(
  writer: TraceWriter,
  builder: WorldBuilder,
  options: RecordOptions = {},
): Promise<World> {
  const { seed = 1, log = "full", pauseEvery = 64, stopsAt, drive } = options;
  const { vms, durationNs: untilNs } = builder;
  const recorder = new Recorder({ writer, vms, log, outputs: () => ({}) });
  const world = builder.build({ seed, sink: recorder.sink });
  recorder.attach(world);
  drive?.(world, recorder);
  const finished = stopsAt === undefined;
  world.run({ untilNs, pauseEvery, ...(!finished && { untilEvent: stopsAt }) });
  if (finished) world.finish();
  const { timeNs, eventCount: events } = world;
  const root = hashHex(world.root());
  const outcome = finished ? "complete" : "interrupted";
  await recorder.close(outcome, { root, events, timeNs, finished });
  return world;
}

export async function recordInMemory(
  builder: WorldBuilder,
  options: RecordOptions = {},
): Promise<{ readonly bytes: Uint8Array; readonly world: World }> {
  const writer = new MemoryTraceWriter(header(options.seed ?? 1, options.log ?? "full"));
  const world = await recordInto(writer, builder, options);
  return { bytes: writer.bytes(), world };
}

/** The run in these bytes, salvaged if need be. Throws when nothing can be read. */
export function runIn(bytes: Uint8Array | string): RecordedRun {
  const opened = openTrace(bytes);
  if (!opened.ok) throw new Error(opened.message);
  return new RecordedRun(opened.trace);
}
