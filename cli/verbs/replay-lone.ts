/**
 * `orrery replay --vm`: one guest built alone from its boundary log and its own draws, held against
 * the output hash of each epoch. No world is built, and none of the world's draws is read.
 */
import type { BoundaryEntry, LoneGuest } from "../../core/vmm/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { boundaryOf, type Delivered, type ExpectedOutput, type LoneOutcome } from "./lone-log.ts";
import { replayMachine } from "./replay-machine.ts";
import { type OpenRun, traceStatus } from "./with-run.ts";

export async function replayLone(
  context: Context,
  opened: OpenRun,
  vm: string,
  untilNs = Infinity,
): Promise<ExitCode> {
  const { run, builder, document } = opened;
  if (!builder.vms.includes(vm)) {
    return context.usage(`no VM is named ${vm} (one of ${builder.vms.join(", ")})`);
  }
  const expected = run.epochs
    .filter(({ timeNs }) => timeNs <= untilNs)
    .map(({ outputs }) => outputs[vm]!);
  const isReal = builder.guestSpec(vm).kind === REAL_GUEST;
  const outcome = await (isReal ? replayMachine : replayModelled)(context, opened, vm, expected);
  const { failure, interrupted, epochsVerified, fromLog, steps } = outcome;
  const verified = failure === undefined && !interrupted;
  const { hash, bytes, outputs } = outcome.outputs;
  context.print(
    `${verified ? "verified" : interrupted ? "interrupted" : "DIVERGED"}  ${vm} alone  ` +
      `output ${hash} (${bytes.toLocaleString("en")} bytes in ${outputs.toLocaleString("en")})`,
  );
  context.print(
    `${steps.toLocaleString("en")} inputs delivered, ` +
      `${epochsVerified} of ${expected.length} epochs verified, ` +
      `values: ${fromLog.toLocaleString("en")} from the log`,
  );
  if (failure !== undefined) context.print(`divergence: ${failure}`);
  context.result({
    scenario: document.name,
    seed: document.seed,
    vm,
    verified,
    epochsVerified,
    epochs: expected.length,
    steps,
    outputs: outcome.outputs,
    divergence: failure === undefined ? null : { message: failure },
    ...traceStatus(opened),
  });
  if (interrupted) return EXIT.interrupted;
  return verified ? EXIT.fine : EXIT.divergence;
}

const REAL_GUEST = "rv64";

async function replayModelled(
  context: Context,
  opened: OpenRun,
  vm: string,
  expected: readonly ExpectedOutput[],
): Promise<LoneOutcome> {
  const { run, builder } = opened;
  const { LoneGuest: Lone } = await import("../../core/vmm/index.ts");
  const { DrawLog } = await import("../../traces/index.ts");
  const isLogged = run.log === "full";
  let fromLog = 0;
  const log = new DrawLog(run.trace, vm);
  const guest = new Lone({
    spec: builder.guestSpec(vm),
    kinds: builder.kinds,
    inputs: builder.inputs,
    draws: {
      at: (entity, purpose) => {
        const value = isLogged ? log.at(entity, purpose) : undefined;
        if (value !== undefined) fromLog++;
        return value;
      },
    },
    ...(!isLogged && { seed: run.trace.header.seed }),
  });
  const delivered = await deliverAll(context, opened, vm, guest, expected);
  return { ...delivered, steps: guest.steps, outputs: guest.outputs, fromLog };
}

/** Entries in order, until the output of each epoch has been seen or one cannot be. */
async function deliverAll(
  context: Context,
  { run }: OpenRun,
  vm: string,
  guest: LoneGuest,
  expected: readonly ExpectedOutput[],
): Promise<Delivered> {
  const outcome: Delivered = { epochsVerified: 0, interrupted: false, failure: undefined };
  const compare = (): void => {
    for (;;) {
      const next = expected[outcome.epochsVerified];
      const { hash, bytes } = guest.outputs;
      if (next === undefined || next.hash !== hash || next.length !== bytes) return;
      outcome.epochsVerified++;
    }
  };
  compare();
  for await (const rows of boundaryOf(run, vm)) {
    if (context.signal.aborted) return { ...outcome, interrupted: true };
    for (const { progress: step, payload } of rows) {
      const entry = { vm, step, ...payload } as unknown as BoundaryEntry;
      if (outcome.epochsVerified === expected.length) break;
      const delivered = guest.replay([entry]);
      if (!delivered.ok) return { ...outcome, failure: `${delivered.code}: ${delivered.message}` };
      compare();
    }
  }
  if (outcome.epochsVerified === expected.length) return outcome;
  const { hash } = guest.outputs;
  const wanted = expected[outcome.epochsVerified]!;
  const where = `epoch ${outcome.epochsVerified + 1}`;
  outcome.failure = `output ${hash} after the last input; ${where} has ${wanted.hash}`;
  return outcome;
}
