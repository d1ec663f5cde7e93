/** What replaying one guest alone reads of a trace, and what comes of it. */
import type { OutputHash } from "../../core/vmm/index.ts";
import type { BoundaryEntry } from "../../traces/index.ts";
import { breathe, type OpenRun } from "./with-run.ts";

/** Hash and length of the output at the end of an epoch. */
export interface ExpectedOutput {
  readonly hash: string;
  readonly length: number;
}

export interface Delivered {
  epochsVerified: number;
  interrupted: boolean;
  failure: string | undefined;
}

export interface LoneOutcome extends Readonly<Delivered> {
  /** Inputs delivered. */
  readonly steps: number;
  readonly outputs: OutputHash;
  /** Draws taken from the log. */
  readonly fromLog: number;
}

/** The boundary log of one VM, chunk by chunk. */
export async function* boundaryOf(
  run: OpenRun["run"],
  vm: string,
): AsyncGenerator<BoundaryEntry[]> {
  const { boundaryRows, chunkKinds } = await import("../../traces/index.ts");
  for (const chunk of run.trace.chunks(chunkKinds.boundary)) {
    if (chunk.meta["vm"] !== vm) continue;
    const read = run.trace.readPlain(chunk);
    if (!read.ok) throw new Error(`boundary log at byte ${chunk.offset}: ${read.message}`);
    yield boundaryRows(read.value as never);
    await breathe();
  }
}
