/**
 * The boundary of a virtual machine: everything its guest receives passes `cross`, which tells those
 * who record it and takes the guest's step.
 *
 * Must hold: entries of a boundary log and the draws in the streams of the virtual machine are all
 * that is needed to build the guest again. Recording is no state: it changes nothing.
 */
import { type ContentRun, type Editable, type PlainObject } from "../kernel/index.ts";
import {
  type GuestHome,
  type GuestInput,
  type GuestInputs,
  type GuestKinds,
  type GuestOutput,
  type GuestState,
  kindOf,
  referenced,
  type rv64,
  step,
} from "../guest/index.ts";
import type { AlertOutput } from "./integrity/judge.ts";
import { type OutputHash, withOutputs } from "./output-hash.ts";
import type { MachineStep } from "./rv64/machine-state.ts";
import type { VmRecord } from "./vm-record.ts";

/** Notice of every input that a guest takes; data is a `BoundaryEntry`. */
export const BOUNDARY_NOTICE = "boundary";

export type BoundaryEntry = {
  readonly vm: string;
  /** Inputs delivered before this one, since the first power-on. */
  readonly step: number;
  /** The guest's own time, which starts anew with each run. */
  readonly nowNs: number;
  readonly input: GuestInput;
  /** Results of the guest's draws in this step, of a machine whose log another one follows. */
  readonly draws?: readonly number[];
};

/**
 * No input: the guest is remembered as it is, or is again as it was remembered. An entry of its own, so
 * that a guest that goes on from a checkpoint can be built again alone.
 */
export type MarkEntry = Pick<BoundaryEntry, "vm" | "step" | "nowNs"> & {
  readonly input: { readonly kind: "image-taken" | "image-restored"; readonly image: string };
};

export function logMark(record: VmRecord, nowNs: number, input: MarkEntry["input"]): void {
  const durable = record.editDurable();
  const entry: MarkEntry = { vm: record.config.spec.vm, step: durable.steps++, nowNs, input };
  record.notice(BOUNDARY_NOTICE, entry as unknown as PlainObject);
}

/** What a step of a guarded machine took: enough for a copy to take it as well. */
export type LoggedStep = Required<Pick<BoundaryEntry, "nowNs" | "input" | "draws">>;

/** What leaves a guarded machine: its guest's, and what its host has to tell of it. */
export type HeldOutput = GuestOutput | rv64.BoardOutput | AlertOutput;

/** Of its guest alone: a machine built again from its log puts out this much. */
export const ofGuest = (outputs: readonly HeldOutput[]): readonly HeldOutput[] =>
  outputs.some(({ kind }) => kind === "alert")
    ? outputs.filter(({ kind }) => kind !== "alert")
    : outputs;

/** A step as the guard of a machine is told of it; of a real one also that it put something out. */
export type Crossed = {
  readonly step: LoggedStep | MachineStep;
  readonly outputs: readonly HeldOutput[];
  readonly readSectors: number;
};

/** Content of the record in which a disk's settled sectors are. */
export const settledLabel = (disk: number): string => `settled-${disk}`;

/** Delivers an input to the guest of a virtual machine; what it puts out is up to the caller. */
export function cross(
  kinds: GuestKinds,
  inputs: GuestInputs,
  record: VmRecord,
  state: Editable<GuestState>,
  nowNs: number,
  input: GuestInput,
): readonly GuestOutput[] {
  const { spec } = record.config;
  const durable = record.editDurable();
  const home = homeOf(inputs, record, state, nowNs);
  // Finding out what a log would hold costs time.
  if (record.world.isHeard(BOUNDARY_NOTICE)) {
    const entry = { vm: spec.vm, step: durable.steps, nowNs, input: referenced(home, input) };
    record.notice(BOUNDARY_NOTICE, entry as unknown as PlainObject);
  }
  const outputs = step(kindOf(kinds, spec), home, input);
  durable.steps++;
  durable.outputs = withOutputs(durable.outputs, outputs);
  return outputs;
}

/**
 * The same for a guarded machine: whether and when the step counts, for logs and for the hash of
 * what was put out, is up to its guard.
 */
export function crossGuarded(
  kinds: GuestKinds,
  inputs: GuestInputs,
  record: VmRecord,
  state: Editable<GuestState>,
  nowNs: number,
  input: GuestInput,
): Crossed {
  const draws: number[] = [];
  const plain = homeOf(inputs, record, state, nowNs);
  const home: GuestHome = {
    ...plain,
    draw: (purpose, distribution) => {
      const drawn = plain.draw(purpose, distribution);
      draws.push(drawn);
      return drawn;
    },
  };
  const logged = { nowNs, input: referenced(home, input), draws };
  const outputs = step(kindOf(kinds, record.config.spec), home, input);
  return { step: logged, outputs, readSectors: readSectors(input) };
}

/** What a read brought, counted before it became a reference. */
function readSectors(input: GuestInput): number {
  if (input.kind !== "block-done" || !input.ok || !Array.isArray(input.runs)) return 0;
  return (input.runs as readonly ContentRun[]).reduce((sum, { sectors }) => sum + sectors, 0);
}

/**
 * From now on a step of a guarded machine counts for the outside world, if the run does. `at`: inputs
 * before it, since the first power-on; one that counts already counts once.
 */
export function commitStep(
  record: VmRecord,
  { run, at }: { readonly run: number; readonly at: number },
  taken: LoggedStep | MachineStep,
  outputs: OutputHash,
): void {
  const { durable } = record;
  if (durable.steps !== at || durable.run !== run || durable.power === "off") return;
  const known = record.editDurable();
  const isMachine = !("draws" in taken);
  const number = isMachine ? { count: at } : { step: at };
  record.notice(BOUNDARY_NOTICE, { vm: record.name, ...number, ...taken } as never);
  known.steps++;
  known.outputs = outputs;
  if (!isMachine) return;
  const { step, nowNs, input } = taken;
  known.journal.own = input.kind === "end" ? {} : { step, nowNs };
}

function homeOf(
  inputs: GuestInputs,
  record: VmRecord,
  state: Editable<GuestState>,
  nowNs: number,
): GuestHome {
  const { spec } = record.config;
  return {
    spec,
    inputs,
    state,
    journal: record.editDurable().journal,
    settled: (disk) => record.content(settledLabel(disk), spec.disks[disk]!.sectors),
    draw: (purpose, distribution) => record.draw(purpose, distribution),
    nowNs,
  };
}
