/**
 * `orrery replay --vm` of a real guest: the machine alone, from the files that it boots and its boundary
 * log; every value that it was given is in there, so no draw is read.
 */
import type { LoneMachine, MachineConfig, MachineEntry } from "../../core/vmm/index.ts";
import type { Context } from "../context.ts";
import { boundaryOf, type Delivered, type ExpectedOutput, type LoneOutcome } from "./lone-log.ts";
import type { OpenRun } from "./with-run.ts";
import { breathe } from "./with-run.ts";

const SECOND = 1_000_000_000;

export async function replayMachine(
  context: Context,
  opened: OpenRun,
  vm: string,
  expected: readonly ExpectedOutput[],
): Promise<LoneOutcome> {
  const { LoneMachine: Lone } = await import("../../core/vmm/index.ts");
  const outcome: Delivered = { epochsVerified: 0, interrupted: false, failure: undefined };
  const compare = (): void => {
    for (;;) {
      const next = expected[outcome.epochsVerified];
      const { hash, bytes } = machine.outputs;
      if (next === undefined || next.hash !== hash || next.length !== bytes) return;
      outcome.epochsVerified++;
    }
  };
  const spec = opened.builder.guestSpec(vm);
  const machine: LoneMachine = new Lone(spec, opened.builder.machines, compare);
  compare();
  outcome.failure = await takeAll(context, opened, vm, machine, isDone);
  function isDone(): boolean {
    return outcome.epochsVerified === expected.length;
  }
  if (outcome.failure === undefined && !isDone()) {
    await runOut(context, opened, machine, isDone, spec.config as unknown as MachineConfig);
  }
  outcome.interrupted = context.signal.aborted;
  if (outcome.failure === undefined && !outcome.interrupted && !isDone()) {
    const wanted = expected[outcome.epochsVerified]!;
    const where = `epoch ${outcome.epochsVerified + 1}`;
    outcome.failure = `output ${machine.outputs.hash} at the end; ${where} has ${wanted.hash}`;
  }
  return { ...outcome, steps: machine.inputs, outputs: machine.outputs, fromLog: 0 };
}

/** Takes entries until nothing is left to compare; what did not fit, if anything. */
async function takeAll(
  context: Context,
  { run }: OpenRun,
  vm: string,
  machine: LoneMachine,
  isDone: () => boolean,
): Promise<string | undefined> {
  for await (const rows of boundaryOf(run, vm)) {
    for (const { progress: step, payload } of rows) {
      if (context.signal.aborted || isDone()) return undefined;
      const entry = { vm, step, ...payload } as unknown as MachineEntry;
      const taken = machine.take(entry);
      if (!taken.ok) return `${taken.code}: ${taken.message}`;
    }
  }
  return undefined;
}

/** After its last input it goes on to the end of the recording at most. */
async function runOut(
  context: Context,
  { run, builder }: OpenRun,
  machine: LoneMachine,
  isDone: () => boolean,
  { board }: MachineConfig,
): Promise<void> {
  const endNs = run.end?.timeNs ?? run.epochs.at(-1)?.timeNs ?? builder.durationNs;
  const most = Math.ceil((endNs / SECOND) * board.instructionsPerSecond);
  const stride = builder.machines.slice;
  while (machine.board !== undefined && !isDone() && !context.signal.aborted) {
    const progress = machine.board.progress();
    if (progress >= most || !machine.runTo(Math.min(most, progress + stride), () => !isDone())) {
      return;
    }
    await breathe();
  }
}
