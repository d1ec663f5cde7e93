/**
 * `orrery replay --vm`: one guest built alone from its boundary log and its own draws, held against
 * the output hash of each epoch. No world is built, and none of the world's draws is read.
 */
import type { BoundaryEntry, LoneGuest } from "../../core/vmm/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { breathe, type OpenRun, traceStatus } from "./with-run.ts";

interface LoneOutcome {
  epochsVerified: number;
  interrupted: boolean;
  failure: string | undefined;
}

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
  const expected = run.epochs
    .filter(({ timeNs }) => timeNs <= untilNs)
    .map(({ outputs }) => outputs[vm]!);
  const outcome = await deliverAll(context, opened, vm, guest, expected);
  const verified = outcome.failure === undefined && !outcome.interrupted;
  const { hash, bytes, outputs } = guest.outputs;
  context.print(
    `${verified ? "verified" : outcome.interrupted ? "interrupted" : "DIVERGED"}  ${vm} alone  ` +
      `output ${hash} (${bytes.toLocaleString("en")} bytes in ${outputs.toLocaleString("en")})`,
  );
  context.print(
    `${guest.steps.toLocaleString("en")} inputs delivered, ` +
      `${outcome.epochsVerified} of ${expected.length} epochs verified, ` +
      `values: ${fromLog.toLocaleString("en")} from the log`,
  );
  if (outcome.failure !== undefined) context.print(`divergence: ${outcome.failure}`);
  context.result({
    scenario: document.name,
    seed: document.seed,
    vm,
    verified,
    epochsVerified: outcome.epochsVerified,
    epochs: expected.length,
    steps: guest.steps,
    outputs: guest.outputs,
    divergence: outcome.failure === undefined ? null : { message: outcome.failure },
    ...traceStatus(opened),
  });
  if (outcome.interrupted) return EXIT.interrupted;
  return verified ? EXIT.fine : EXIT.divergence;
}

/** Entries in order, until the output of each epoch has been seen or one cannot be. */
async function deliverAll(
  context: Context,
  { run }: OpenRun,
  vm: string,
  guest: LoneGuest,
  expected: readonly { readonly hash: string; readonly length: number }[],
): Promise<LoneOutcome> {
  const outcome: LoneOutcome = { epochsVerified: 0, interrupted: false, failure: undefined };
  const compare = (): void => {
    for (;;) {
      const next = expected[outcome.epochsVerified];
      const { hash, bytes } = guest.outputs;
      if (next === undefined || next.hash !== hash || next.length !== bytes) return;
      outcome.epochsVerified++;
    }
  };
  compare();
  for await (const entries of boundaryOf(run, vm)) {
    if (context.signal.aborted) return { ...outcome, interrupted: true };
    for (const entry of entries) {
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

/** The boundary log of one VM, chunk by chunk. */
async function* boundaryOf(run: OpenRun["run"], vm: string): AsyncGenerator<BoundaryEntry[]> {
  const { boundaryRows, chunkKinds } = await import("../../traces/index.ts");
  for (const chunk of run.trace.chunks(chunkKinds.boundary)) {
    if (chunk.meta["vm"] !== vm) continue;
    const read = run.trace.readPlain(chunk);
    if (!read.ok) throw new Error(`boundary log at byte ${chunk.offset}: ${read.message}`);
    yield boundaryRows(read.value as never).map(({ progress, payload }) => ({
      vm,
      step: progress,
      nowNs: payload["nowNs"] as number,
      input: payload["input"] as unknown as BoundaryEntry["input"],
    }));
    await breathe();
  }
}
