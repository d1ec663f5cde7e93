/** A copy of a modelled guest: it takes the same steps, and computes as long as the machine computes. */
import type { integrity } from "../guest/index.ts";
import { clonePlain, type Editable } from "../kernel/index.ts";
import {
  bringBackSettled,
  copyOfRun,
  follow,
  type HeldOutput,
  type LoggedStep,
  type RunCopy,
  settledLabel,
  type Vmm,
} from "../vmm/index.ts";
import { followedRecord, type Follower, type Following } from "./follower-state.ts";
import { keepOutputs, tellDiverged } from "./pending-outputs.ts";

export function followingGuest(vmm: Vmm): Following {
  return {
    begin: (self, beginning) => {
      const { spec } = followedRecord(self).config;
      bringBackSettled(self, spec, beginning);
      return copyOfRun(vmm.kinds, spec, self.config.run, clonePlain(beginning as never));
    },
    catchUp: (self) => catchUp(self, vmm),
    isThere: ({ volatile: { queue } }) => queue.length === 0,
    behindNs: ({ volatile: { queue, copy } }) => {
      const last = queue.at(-1);
      return last === undefined ? 0 : last.step.nowNs - copy.nowNs;
    },
    beforeMore: () => {},
    haveLeft: (self, outputs) => {
      const tables = outputs.map(({ output }) => tablesOf(output)).filter((each) => each !== null);
      if (tables.length > 0)
        (self.edit().copy as Editable<RunCopy>).behind = tables.at(-1) as never;
    },
  };
}

const tablesOf = (output: HeldOutput): integrity.SecondStage | null =>
  output.kind === "integrity" && output.event.what === "tables" ? output.event.second : null;

/** As it goes on: tables that have not left come with what has not left, on top of those that have. */
export function copyToGoOn({ volatile: { copy, pending } }: Follower): RunCopy {
  const { behind, ...rest } = copy as RunCopy;
  const isBehind = pending.some(({ output }) => tablesOf(output) !== null);
  return isBehind ? { ...rest, behind: behind ?? null } : rest;
}

const copyOf = ({ volatile }: Follower): RunCopy => volatile.copy as RunCopy;

/** The copy takes every step that it can; one that ends a burst waits until that is computed. */
function catchUp(self: Follower, vmm: Vmm): void {
  for (;;) {
    compute(self);
    const next = self.volatile.queue[0];
    if (next === undefined) return;
    const endsBurst = next.step.input.kind === "cpu-done";
    if (endsBurst && self.volatile.computed === 0) return;
    const state = self.edit();
    state.queue.shift();
    if (endsBurst) state.computed--;
    const { spec } = followedRecord(self).config;
    const settled = (disk: number) => self.content(settledLabel(disk), spec.disks[disk]!.sectors);
    const parts = { kinds: vmm.kinds, inputs: vmm.inputs, spec, settled };
    const copy = state.copy as Editable<RunCopy>;
    keepOutputs(self, follow(parts, copy, next.step as LoggedStep));
    if (next.outputs.hash !== copyOf(self).outputs.hash) tellDiverged(self);
  }
}

/** One burst at a time, on this host's processor; after the vote as far as there are steps left. */
function compute(self: Follower): void {
  const { isComputing, computed, stage, queue } = self.volatile;
  const burst = copyOf(self).bursts[0]?.[computed];
  const isOver = stage === "live" && queue.length === 0;
  if (isComputing || burst === undefined || isOver) return;
  const { vm, powerOn } = self.config;
  const { shares } = followedRecord(self).config;
  self.edit().isComputing = true;
  const body = { vcpu: `${vm}/follower`, shares, workNs: burst.workNs };
  self.ask(powerOn.cpu, "run", body, { then: "computed" });
}
