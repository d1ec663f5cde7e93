/**
 * A copy of a real machine: it executes as fast as the machine does, up to the progress that the log
 * is known to cover, and takes every input at exactly its own. It works when it is looked at: what it
 * had the time for by then is a function of its state and of simulated time.
 */
import type { Editable } from "../kernel/index.ts";
import type { rv64 } from "../guest/index.ts";
import {
  type CopyKeeper,
  copyOfMachine,
  copyProgress,
  copyReaches,
  followMachine,
  type MachineConfig,
  type MachineCopy,
  type MachineStep,
  resumeCopy,
  runCopy,
  shownByCopy,
  type Vmm,
} from "../vmm/index.ts";
import { followedRecord, type Follower, type Following } from "./follower-state.ts";
import type { Held } from "./guard-state.ts";
import type { LogEntry } from "./log-message.ts";
import { forgetLeft, keepOutputs, tellDiverged } from "./pending-outputs.ts";

export function followingMachine(vmm: Vmm): Following {
  return {
    begin: ({ config: { run } }, { outputs }) => copyOfMachine(run, outputs),
    catchUp: (self) => catchUp(self, vmm),
    isThere,
    behindNs: (self) => {
      const copy = copyOf(self);
      if (copy.board === null) return 0;
      const { config } = followedRecord(self).config.spec;
      const atNs = copyReaches(config as unknown as MachineConfig, copy, goalOf(self));
      return Math.max(0, atNs - self.simulatedNs);
    },
    beforeMore: (self) => {
      catchUp(self, vmm);
      if (isThere(self)) resumeCopy(keeperOf(self, vmm));
    },
    haveLeft: (self, outputs) => showTo(keeperOf(self, vmm), outputs),
  };
}

function isThere(self: Follower): boolean {
  const copy = copyOf(self);
  if (self.volatile.queue.length > 0) return false;
  return copy.board === null || copyProgress(copy) >= goalOf(self);
}

/** To the person at its console. */
function showTo(keeper: CopyKeeper, outputs: readonly Held[]): void {
  for (const { output } of outputs) shownByCopy(keeper, output as rv64.BoardOutput);
}

const copyOf = ({ volatile }: Follower): MachineCopy => volatile.copy as MachineCopy;

function keeperOf(self: Follower, { machines }: Vmm): CopyKeeper {
  const config = followedRecord(self).config.spec.config as unknown as MachineConfig;
  return { self, config, machines, copy: self.edit().copy as Editable<MachineCopy> };
}

/** The last progress of this boot that is known to be safe. */
function goalOf({ volatile: { queue, reached, copy } }: Follower): number {
  const start = queue.findIndex(({ step }) => step.input.kind === "start");
  if (start < 0) return reached;
  return start === 0 ? copyProgress(copy as MachineCopy) : stepOf(queue[start - 1]!).step;
}

const stepOf = ({ step }: LogEntry): MachineStep => step as MachineStep;

function catchUp(self: Follower, vmm: Vmm): void {
  const keeper = keeperOf(self, vmm);
  for (;;) {
    const next = self.volatile.queue[0];
    const isStart = next?.step.input.kind === "start";
    const goal = next === undefined ? self.volatile.reached : stepOf(next).step;
    if (!isStart && !runCopy(keeper, goal)) return;
    if (next === undefined) return;
    self.edit().queue.shift();
    take(self, keeper, next);
  }
}

function take(self: Follower, keeper: CopyKeeper, { step, outputs }: LogEntry): void {
  const machineStep = step as MachineStep;
  const { kind } = machineStep.input;
  if (kind !== "start" && copyProgress(keeper.copy) !== machineStep.step) return tellDiverged(self);
  keepOutputs(self, followMachine(keeper, machineStep));
  showTo(keeper, forgetLeft(self));
  if (kind === "put-out" && outputs.hash !== keeper.copy.outputs.hash) tellDiverged(self);
}
