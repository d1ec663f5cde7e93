/**
 * A run of a real machine as a copy on another host follows it, from the log of what it received and
 * of where it put something out. The copy is a machine of its own, kept by whoever follows: RAM and
 * harts are a memory of that entity, the rest is plain data in its state.
 *
 * Must hold: the copy never runs beyond what the log is known to cover, and takes every input at
 * exactly its progress; so it is at every instant what the machine was at that progress. It draws
 * nothing and does nothing.
 */
import { assert, type Editable, type Entity, type TimeNs } from "../../kernel/index.ts";
import type { rv64 } from "../../guest/index.ts";
import type { HeldOutput } from "../boundary.ts";
import type { WriteAlert } from "../integrity/judge.ts";
import { type OutputHash, withOutputs } from "../output-hash.ts";
import { progressAt, timeOf } from "./clock.ts";
import { CopyWatch } from "./copy-watch.ts";
import type { Machines } from "./live-machine.ts";
import {
  liveMachine,
  type MachineConfig,
  type MachineCopy,
  type MachineInput,
  type MachineStep,
} from "./machine-state.ts";
import { powerMachine } from "./power-machine.ts";
import { textOf } from "./outputs.ts";
import { firstTyping, onShown, withShown } from "./typing.ts";

/** Instructions of a guest in a unit of work, about a microsecond of real time. */
const INSTRUCTIONS_PER_WORK = 400;

/** Under which it is kept that the machine asked for orders of its harts. */
const ORDERS = "orders";

export type CopyKeeper = {
  /** Its memory is the machine's. */
  readonly self: Pick<Entity, "world" | "name">;
  readonly config: MachineConfig;
  readonly machines: Machines | undefined;
  /** In the state of `self`. */
  readonly copy: Editable<MachineCopy>;
};

/** Before its first step. */
export function copyOfMachine(run: number, outputs: OutputHash): MachineCopy {
  return {
    run,
    boots: 0,
    board: null,
    clock: { sinceNs: 0, from: 0 },
    nowNs: 0,
    exit: null,
    outputs,
    open: {},
    console: "",
    typing: { next: 0, shown: "" },
    typed: 0,
  };
}

export const copyProgress = ({ board }: Pick<MachineCopy, "board">): number => board?.progress ?? 0;

/** Its own time begins anew here, after it had nothing that it could have executed. */
export function resumeCopy({ self, copy }: CopyKeeper): void {
  copy.clock = { sinceNs: self.world.timeNs, from: copyProgress(copy) };
}

/** When it will have come to a progress, if that is known to be safe. */
export const copyReaches = (config: MachineConfig, copy: MachineCopy, progress: number): TimeNs =>
  timeOf(copy.clock, config.board.instructionsPerSecond, progress);

/** Executes what it had the time for; whether it stands at `progress`, which is safe. */
export function runCopy(keeper: CopyKeeper, progress: number): boolean {
  const { self, config, copy, machines } = keeper;
  if (copy.board === null || copyProgress(copy) >= progress) return true;
  const { instructionsPerSecond } = config.board;
  const due = progressAt(copy.clock, instructionsPerSecond, self.world.timeNs);
  const target = Math.min(progress, due);
  const from = copyProgress(copy);
  const board = boardOf(keeper);
  const isStopped = (): boolean =>
    copy.exit !== null || copy.alerts !== undefined || board.state.halted !== null;
  while (!isStopped() && board.progress() < target) {
    const watch = new CopyWatch(liveMachine(self), board);
    note(copy, watch.run(Math.min(target, board.progress() + machines!.slice)).outputs);
    noteAlerts(copy, watch);
  }
  self.world.addWork(Math.ceil((board.progress() - from) / INSTRUCTIONS_PER_WORK));
  // One that gets no further has left the way of its machine: its next step will tell.
  return board.progress() >= progress || (isStopped() && board.progress() < target);
}

/** Takes the next step of the log, at whose progress it stands; what the machine put out there. */
export function followMachine(keeper: CopyKeeper, step: MachineStep): readonly HeldOutput[] {
  const { copy } = keeper;
  const { input } = step;
  copy.nowNs = step.nowNs;
  switch (input.kind) {
    case "start":
      powerOn(keeper);
      return [];
    case "end":
      keeper.self.world.memories.removeOwned(keeper.self.name);
      copy.board = null;
      return [];
    // Who is followed is neither saved nor brought back.
    case "image-taken":
    case "image-restored":
      return [];
    case "put-out":
      return putOut(keeper);
    default:
      forgetCause(keeper, input);
      give(keeper, input);
      return [];
  }
}

/** What the outside world has seen of it: the person at the console has, too. */
export function shownByCopy({ config, copy }: CopyKeeper, output: rv64.BoardOutput): void {
  if (output.kind !== "console") return;
  const text = textOf(output.bytes);
  copy.console = withShown(copy.console, text);
  copy.typing = onShown(config.typed, copy.typing, text).typing;
}

function boardOf({ self, config, copy }: CopyKeeper): rv64.Board {
  assert(copy.board !== null, "it has been started");
  return liveMachine(self).board(config.board, copy.board as unknown as rv64.BoardState);
}

function powerOn(keeper: CopyKeeper): void {
  const { self, config, machines, copy } = keeper;
  copy.board = powerMachine(self, config.board, machines) as never;
  copy.boots++;
  copy.exit = null;
  delete (copy as { alerts?: unknown }).alerts;
  copy.open = {};
  copy.typing = firstTyping(config.typed).typing;
  copy.typed = 0;
  resumeCopy(keeper);
}

function note(copy: Editable<MachineCopy>, outputs: readonly rv64.BoardOutput[]): void {
  if (outputs.length > 0) copy.exit = outputs as never;
}

function noteAlerts(copy: Editable<MachineCopy>, watch: CopyWatch): void {
  const met = watch.takeMet();
  if (met.length > 0) copy.alerts = [...(copy.alerts ?? []), ...met] as never;
}

function give(keeper: CopyKeeper, input: rv64.BoardInput): void {
  const board = boardOf(keeper);
  const watch = new CopyWatch(liveMachine(keeper.self), board);
  board.deliver(input);
  noteAlerts(keeper.copy, watch);
}

/** Alerts are put out apart from, and ahead of, what the guest itself puts out there. */
function putOut(keeper: CopyKeeper): readonly HeldOutput[] {
  const { copy } = keeper;
  const { alerts } = copy;
  if (alerts !== undefined) {
    delete (copy as { alerts?: unknown }).alerts;
    return alerts.map((alert) => ({ kind: "alert", alert: alert as WriteAlert }));
  }
  // What is put out at power-on comes with the first look.
  if (copy.exit === null) note(copy, boardOf(keeper).run(copyProgress(copy)).outputs);
  const outputs = (copy.exit ?? []) as unknown as readonly rv64.BoardOutput[];
  copy.exit = null;
  copy.outputs = withOutputs(copy.outputs, outputs as never);
  for (const output of outputs) {
    if (output.kind === "block" || output.kind === "need-random") {
      copy.open[output.request] = output as never;
    } else if (output.kind === "need-orders") copy.open[ORDERS] = output;
  }
  return outputs;
}

/** What led to the input is not waited for any more. */
function forgetCause({ config, copy }: CopyKeeper, input: MachineInput): void {
  if (input.kind === "block-done" || input.kind === "random") delete copy.open[input.request];
  if (input.kind === "hart-orders") delete copy.open[ORDERS];
  if (input.kind !== "console") return;
  const awaited = copy.typed < copy.typing.next ? config.typed[copy.typed] : undefined;
  if (awaited?.text === new TextDecoder().decode(input.bytes)) copy.typed++;
}
