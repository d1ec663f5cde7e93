/**
 * A run of a modelled guest as a copy elsewhere follows it, step by step from the log: the state that
 * the machine has after the same steps, and what it waits for then. Plain data of whoever follows.
 *
 * Must hold: the copy draws nothing and does nothing; what its guest puts out is remembered as far as
 * the machine waits for it (timers, computing, disk requests), so that the run can go on from here.
 */
import {
  assert,
  clonePlain,
  type Editable,
  equalPlain,
  type SectorContent,
} from "../kernel/index.ts";
import {
  type GuestHome,
  type GuestInput,
  type GuestInputs,
  type GuestJournal,
  type GuestKinds,
  type GuestOutput,
  type GuestSpec,
  type GuestState,
  initialState,
  type integrity,
  kindOf,
  resolved,
  step,
} from "../guest/index.ts";
import type { LoggedStep } from "./boundary.ts";
import { type Outside, outsideOf } from "./outside.ts";
import { type OutputHash, withOutputs } from "./output-hash.ts";
import type { BlockOutput } from "./perform.ts";
import type { VmRecord } from "./vm-record.ts";
import type { Burst, VmState } from "./vm-state.ts";

export type RunCopy = Pick<VmState, "nextTimer" | "pageReads" | "pageWrites"> & {
  readonly run: number;
  readonly guest: GuestState;
  readonly journal: GuestJournal;
  /** Inputs that the guest took, since the first power-on. */
  readonly steps: number;
  readonly outputs: OutputHash;
  /** The guest's own time at its last step. */
  readonly nowNs: number;
  readonly timers: { readonly [id: string]: Omit<VmState["timers"][string], "handle"> };
  readonly bursts: readonly (readonly Burst[])[];
  /** Disk requests that are not answered, by id. */
  readonly open: { readonly [id: string]: BlockOutput };
  /**
   * Second-stage tables of its integrity driver behind the last of its outputs that is known to have
   * left its machine; null: none. Absent: there is no driver, or all of it has left.
   */
  readonly behind?: integrity.SecondStage | null;
};

/** What a run begins with that is known outside: as of the event in which it begins. */
export type RunBeginning = Outside & { readonly steps: number; readonly outputs: OutputHash };

export function beginningOf(record: VmRecord): RunBeginning {
  const { steps, outputs } = record.durable;
  return clonePlain({ ...outsideOf(record), steps, outputs } as never);
}

/** Before its first step. */
export function copyOfRun(
  kinds: GuestKinds,
  spec: GuestSpec,
  run: number,
  { journal, steps, outputs }: RunBeginning,
): RunCopy {
  return {
    run,
    guest: initialState(kindOf(kinds, spec), spec),
    journal,
    steps,
    outputs,
    nowNs: 0,
    nextTimer: 1,
    timers: {},
    bursts: Array.from({ length: spec.vcpus }, () => []),
    open: {},
    pageReads: 0,
    pageWrites: 0,
  };
}

export type CopyParts = {
  readonly kinds: GuestKinds;
  readonly inputs: GuestInputs;
  readonly spec: GuestSpec;
  /** Content that is settled on each disk, as the copy's journal knows it. */
  readonly settled: (disk: number) => SectorContent;
};

/** Takes the next step; what the guest put out, in order. */
export function follow(
  { kinds, inputs, spec, settled }: CopyParts,
  copy: Editable<RunCopy>,
  { nowNs, input, draws }: LoggedStep,
): readonly GuestOutput[] {
  let drawn = 0;
  const home: GuestHome = {
    spec,
    inputs,
    settled,
    nowNs,
    state: copy.guest,
    journal: copy.journal,
    draw: () => {
      const value = draws[drawn++];
      assert(value !== undefined, () => `${spec.vm} drew more than its log holds`);
      return value;
    },
  };
  forgetCause(copy, nowNs, input);
  const outputs = step(kindOf(kinds, spec), home, resolved(home, input));
  assert(drawn === draws.length, () => `${spec.vm} drew less than its log holds`);
  copy.steps++;
  copy.nowNs = nowNs;
  copy.outputs = withOutputs(copy.outputs, outputs);
  for (const output of outputs) remember(copy, output as Editable<GuestOutput>);
  return outputs;
}

/** What led to the input is not waited for any more. Equal timers, and equal bursts, are one. */
function forgetCause(copy: Editable<RunCopy>, nowNs: number, input: GuestInput): void {
  if (input.kind === "block-done") delete copy.open[input.id];
  else if (input.kind === "timer") {
    const id = Object.keys(copy.timers).find((each) => {
      const { dueNs, tag } = copy.timers[each]!;
      return dueNs === nowNs && equalPlain(tag, input.tag);
    });
    assert(id !== undefined, "a timer went off that was never set");
    delete copy.timers[id];
  } else if (input.kind === "cpu-done") {
    const vcpu = copy.bursts.find((each) => equalPlain(each[0]?.tag, input.tag));
    assert(vcpu, "nothing is computed that could be done");
    vcpu.shift();
  }
}

function remember(copy: Editable<RunCopy>, output: Editable<GuestOutput>): void {
  if (output.kind === "timer") {
    const dueNs = copy.nowNs + output.delayNs;
    copy.timers[copy.nextTimer++] = { dueNs, tag: output.tag };
  } else if (output.kind === "cpu") {
    copy.bursts[output.vcpu]!.push({ workNs: output.workNs, tag: output.tag });
  } else if (output.kind === "block") {
    copy.open[output.id] = output as never;
  } else if (output.kind === "touch") {
    copy.pageReads += output.reads;
    copy.pageWrites += output.writes;
  }
}
