/** What the two sides of a pair tell each other. */
import { canonicalBytes } from "../kernel/index.ts";
import type { LoggedStep, MachineStep, OutputHash, RunBeginning } from "../vmm/index.ts";

/** A step of the primary. */
export type LogEntry = {
  readonly step: LoggedStep | MachineStep;
  /** Of all that the guest put out, this step included. */
  readonly outputs: OutputHash;
};

/** Sent with every step, and now and then to say that the primary is there. */
export type LogMessage = {
  /** Steps of this run before this one. */
  readonly first: number;
  readonly entry: LogEntry | null;
  /** Outputs of this run that have left the machine. */
  readonly left: number;
  /** Inputs of runs before this one, since the first power-on; -1 before the first step. */
  readonly base: number;
  /** Of a real machine, without an entry: what it has executed since its last step. */
  readonly reached: number;
  /** With the first step. It is known outside, and takes no room on the wire. */
  readonly beginning?: RunBeginning;
};

export type Acknowledgement = {
  /** Steps of this run that the backup has, whatever becomes of the primary. */
  readonly received: number;
  /** Guest's time between the last of them and the last that its copy has taken. */
  readonly behindNs: number;
};

const HEADER_BYTES = 48;
const SECTOR_BYTES = 512;

export const ACK_BYTES = 64;

/** Size on the wire: what a disk read found goes with it, whoever wrote it. */
export function messageBytes(entry: LogEntry | null, readSectors: number): number {
  if (entry === null) return HEADER_BYTES;
  const { input } = entry.step;
  const known = input.kind === "block-done" && input.ok ? { ...input, runs: undefined } : input;
  const bytes = canonicalBytes({ ...entry.step, input: known } as never).length;
  return HEADER_BYTES + bytes + readSectors * SECTOR_BYTES;
}
