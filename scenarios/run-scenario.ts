/**
 * Runs a loaded scenario: builds its world, records it if asked, and gathers what happened. The
 * simulation is synchronous; between pieces of it the event loop gets a turn, so that Ctrl-C and
 * live input are seen. Nothing here can influence the run but what goes through the gate.
 */
import { randomBytes } from "node:crypto";
import { hashHex, domainRoots, type StreamState, type World } from "../core/kernel/index.ts";
import {
  codeVersion,
  type OutputHash,
  PAUSE_EVENTS,
  Recorder,
  RunSummary,
  type TraceHeader,
  type TraceWriter,
} from "../traces/index.ts";
import {
  checkExpectations,
  createBuilder,
  expectedViolations,
  type ImageInput,
  type ScenarioBuilder,
  type ScenarioInput,
} from "./building/index.ts";
import { NOTHING_BUILT, type OwnParts } from "./define.ts";
import type { LoadedScenario } from "./load.ts";

export interface RunProgress {
  readonly simulatedNs: number;
  readonly untilNs: number;
  readonly events: number;
}

export interface LiveInput {
  readonly target: string;
  readonly handler: string;
  readonly arg: string;
}

export interface RunScenarioOptions {
  readonly entropy: "seed" | "os";
  readonly untilNs: number;
  readonly log: "full" | "seed";
  /** Makes the writer of the trace; absent: nothing is recorded. */
  readonly openTrace?: (header: TraceHeader) => TraceWriter;
  readonly signal?: { readonly aborted: boolean };
  readonly onProgress?: (progress: RunProgress) => void;
  /** Lines typed since the last call. */
  readonly takeInput?: () => readonly LiveInput[];
}

export interface ScenarioRun {
  readonly world: World;
  readonly summary: RunSummary;
  readonly root: string;
  readonly domains: { readonly [name: string]: string };
  readonly outputs: { readonly [vm: string]: OutputHash };
  readonly outcome: "complete" | "violation" | "interrupted";
  /** States that the run could have reached and did not, by the names of their `sometimes`. */
  readonly unreached: readonly string[];
  readonly codeVersion: string;
  readonly wallMs: number;
  /** Size of the trace file; undefined when nothing was recorded. */
  readonly traceBytes: number | undefined;
}

/** A loaded scenario with its inputs read. */
export type ReadyScenario = Omit<LoadedScenario, "inputs" | "images"> & {
  readonly inputs: readonly ScenarioInput[];
  /** What disks begin with; absent: nothing. */
  readonly images?: readonly ImageInput[];
};

/** Events between two turns of the event loop, and about how long they may take. */
const EMBED_BYTES = 1_048_576;
const SLICE_EVENTS = 1 << 14;
/** The same for real guests, in units of work of about a microsecond. */
const SLICE_WORK = 1 << 15;

export async function runScenario(
  scenario: ReadyScenario,
  options: RunScenarioOptions,
): Promise<ScenarioRun> {
  const startedMs = performance.now();
  const version = codeVersion();
  const { inputs, images = [] } = scenario;
  const summary = new RunSummary();
  const builder = createBuilder(scenario.document, inputs, scenario.own, images);
  const recorder = openRecorder(scenario, options, version, builder);
  const world = builder.build({
    seed: scenario.document.seed,
    ...(recorder && { sink: recorder.sink }),
    ...(options.entropy === "os" && { entropy: osEntropy }),
  });
  recorder?.attach(world);
  embedSmall(recorder, [...inputs, ...images]);
  const recordNotice = world.hooks.onNotice;
  world.hooks.onNotice = (notice) => {
    recordNotice?.(notice);
    summary.add([notice.event, notice.timeNs, notice.entity, notice.kind, notice.data]);
  };
  const interrupted = await advance(world, recorder, options);
  const toTheEnd = !interrupted && options.untilNs >= builder.durationNs;
  if (!interrupted) world.finish();
  if (toTheEnd) checkExpectations(world, scenario.document, summary);
  const root = hashHex(world.root());
  const expected = expectedViolations(scenario.document);
  const failed = world.checker.violations.some((each) => !expected.has(each.invariant));
  const outcome = interrupted ? "interrupted" : failed ? "violation" : "complete";
  const outputs = builder.outputs(world);
  const unreached = unreachedIn(world, summary);
  await recorder?.close(outcome, {
    root,
    events: world.eventCount,
    timeNs: world.timeNs,
    untilNs: options.untilNs,
    finished: !interrupted,
    draws: world.gate.counts().draws,
    unreached: [...unreached],
  });
  return {
    world,
    summary,
    root,
    domains: domainRoots(world),
    outputs,
    outcome,
    unreached,
    codeVersion: version,
    wallMs: Math.round(performance.now() - startedMs),
    traceBytes: recorder?.bytesWritten,
  };
}

/** Small inputs travel with the trace; larger ones are found again by their hash. */
function embedSmall(
  recorder: Recorder | undefined,
  inputs: readonly (ScenarioInput | ImageInput)[],
): void {
  const embedded = new Set<string>();
  for (const { vm, name, sha256, bytes } of inputs) {
    if (bytes.length > EMBED_BYTES || embedded.has(sha256)) continue;
    recorder?.embed({ vm, name, sha256 }, bytes);
    embedded.add(sha256);
  }
}

function openRecorder(
  scenario: ReadyScenario,
  { openTrace, log, entropy }: RunScenarioOptions,
  version: string,
  builder: ScenarioBuilder,
): Recorder | undefined {
  if (openTrace === undefined) return undefined;
  const { document, canonical } = scenario;
  const header: TraceHeader = {
    codeVersion: version,
    scenarioJson: canonical,
    seed: document.seed,
    epochEvents: 1 << 16,
    epochNs: 10_000_000_000,
    extra: {
      log,
      entropy,
      inputs: [
        ...scenario.inputs.map(({ vm, name, sha256 }) => ({ vm, name, sha256 })),
        ...(scenario.images ?? []).map(({ vm, disk, name, sha256 }) => ({
          vm,
          disk,
          name,
          sha256,
        })),
      ],
      name: document.name,
      path: scenario.path,
      node: process.version,
      ownParts: bringsParts(scenario.own),
    },
  };
  const { vms, outputs } = builder;
  return new Recorder({ writer: openTrace(header), vms, log, outputs });
}

/** Code of the scenario file that a replay needs again. */
function bringsParts({ mechanisms, invariants, build }: Required<OwnParts>): boolean {
  return mechanisms.length + invariants.length > 0 || build !== NOTHING_BUILT;
}

/** True when the user interrupted it. */
async function advance(
  world: World,
  recorder: Recorder | undefined,
  options: RunScenarioOptions,
): Promise<boolean> {
  const { untilNs, signal, onProgress, takeInput } = options;
  for (;;) {
    for (const { target, handler, arg } of takeInput?.() ?? []) {
      if (recorder) recorder.inject(target, handler, arg);
    }
    const untilEvent = world.eventCount + SLICE_EVENTS;
    const untilWork = world.extraWork + SLICE_WORK;
    const reason = world.run({ untilNs, untilEvent, untilWork, pauseEvery: PAUSE_EVENTS });
    onProgress?.({ simulatedNs: world.timeNs, untilNs, events: world.eventCount });
    if (reason !== "event" && reason !== "work") return false;
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) return true;
  }
}

/** `--entropy os`: each stream starts from the operating system's randomness. */
function osEntropy(): StreamState {
  const words = new Uint32Array(randomBytes(16).buffer.slice(0, 16));
  return [words[0]! | 1, words[1]!, words[2]!, words[3]!].map((word) => word >>> 0) as never;
}

/** What belongs to an operation that the run never began says nothing about the run. */
function unreachedIn(world: World, { operations }: RunSummary): readonly string[] {
  const begun = new Set(operations.map(({ kind }) => kind));
  return world.checker.unreachedOf(
    (mechanism) => begun.has(mechanism) || !world.registry.knows(`operation:${mechanism}`),
  );
}
