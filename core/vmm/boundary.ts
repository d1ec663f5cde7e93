/**
 * The boundary of a virtual machine: everything its guest receives passes `cross`, which tells those
 * who record it and takes the guest's step.
 *
 * Must hold: entries of a boundary log and the draws in the streams of the virtual machine are all
 * that is needed to build the guest again. Recording is no state: it changes nothing.
 */
import { type Editable, type Entity, type PlainObject } from "../kernel/index.ts";
import {
  type GuestHome,
  type GuestInput,
  type GuestInputs,
  type GuestKinds,
  type GuestOutput,
  type GuestState,
  kindOf,
  referenced,
  step,
} from "../guest/index.ts";
import { withOutputs } from "./output-hash.ts";
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
  const home: GuestHome = {
    spec,
    inputs,
    state,
    journal: durable.journal,
    settled: (disk) => record.content(settledLabel(disk), spec.disks[disk]!.sectors),
    draw: (purpose, distribution) => record.draw(purpose, distribution),
    nowNs,
  };
  if (isRecorded(record as unknown as Entity)) {
    const entry = { vm: spec.vm, step: durable.steps, nowNs, input: referenced(home, input) };
    record.notice(BOUNDARY_NOTICE, entry as unknown as PlainObject);
  }
  const outputs = step(kindOf(kinds, spec), home, input);
  durable.steps++;
  durable.outputs = withOutputs(durable.outputs, outputs);
  return outputs;
}

/** Finding out what a log would hold costs time, so it is done only if somebody listens. */
const isRecorded = ({ world }: Entity): boolean =>
  world.hooks.onNotice !== undefined || world.checker.observesNotice(BOUNDARY_NOTICE);
