/**
 * How a real machine goes on with time: it is run up to an instant, or to its first output, and stands
 * there. Must hold: the state afterwards does not depend on how the way was cut into pieces.
 */
import { type Advance, assert, type TimeNs } from "../../kernel/index.ts";
import { type rv64 } from "../../guest/index.ts";
import { tracesOn } from "../pages/machine-traces.ts";
import {
  boardOf,
  instantOf,
  isRunning,
  liveMachine,
  machineConfig,
  type MachineEntity,
  progressOf,
} from "./machine-state.ts";

/** Instructions of a guest in a unit of work, about a microsecond of real time. */
const INSTRUCTIONS_PER_WORK = 400;

export const machineAdvance = (slice: number): Advance => ({
  nextNs: (self: MachineEntity): TimeNs => {
    if (!isRunning(self) || self.volatile.exit !== null) return Infinity;
    const { idleUntil, toNs } = self.volatile;
    if (idleUntil === null) return toNs;
    return idleUntil < 0 ? Infinity : Math.max(toNs, instantOf(self, idleUntil));
  },
  exitNs: ({ volatile: { exit } }: MachineEntity): TimeNs =>
    exit === null || exit.isScheduled ? Infinity : exit.atNs,
  runTo: (self: MachineEntity, untilNs: TimeNs): void => runTo(self, untilNs, slice),
  leave: (self: MachineEntity): void => {
    const { exit } = self.volatile;
    assert(exit !== null, "it stands at an exit");
    self.edit().exit = { ...exit, isScheduled: true } as never;
    self.after(exit.atNs - self.simulatedNs, "exit");
  },
  settle: catchUp,
});

function runTo(self: MachineEntity, untilNs: TimeNs, slice: number): void {
  const board = boardOf(self);
  const machine = liveMachine(self);
  const before = machine.executed();
  const traces = tracesOn(self);
  board.stopsAtIntegrity = true;
  let isAlarming = false;
  let run = runBoard(self, board, untilNs, slice);
  while (run?.stop?.reason === "trace") {
    const { page, writes } = run.stop;
    const hart = run.hart!;
    // A device, or the firmware, has come to a page that is not there.
    if (traces!.isHeld) break;
    const { ns, isOpen, isHeld } = traces!.hit(hart, page, writes);
    stallAt(self, board, ns);
    if (isHeld) break;
    run = undefined;
    if (!isOpen) {
      const stepped = traces!.stepOver(board, hart, page);
      stallAt(self, board, stepped.ns);
      if (stepped.isHeld) {
        run = stepped.run;
        break;
      }
      const isEvent = stepped.run.outputs.length > 0 || stepped.run.reason === "asked";
      if (isEvent || stepped.isAlarming) run = stepped.run;
      if (stepped.isAlarming) isAlarming = true;
    }
    run ??= runBoard(self, board, untilNs, slice);
  }
  traces?.keep();
  const isAsked = isAlarming || run?.reason === "asked";
  const state = self.edit();
  // A stall that ends later: until then it does nothing, and is no more idle than a busy one.
  state.idleUntil = run === undefined ? null : idleUntilOf(run);
  state.toNs = run === undefined ? self.volatile.clock.sinceNs : untilNs;
  // Held before an access it stands at an exit without outputs until that is released; at a call of its
  // integrity driver, or behind a write that raises an alert, until its host has attended to that.
  const isHeld = run?.stop?.reason === "trace";
  if (run !== undefined && (run.outputs.length > 0 || isHeld || isAsked)) {
    if (isHeld || isAsked) state.idleUntil = null;
    // An access that is held is one of the next instruction, whose time may have begun in the past.
    const at = board.progress() + (isHeld ? 1 : 0);
    state.toNs = Math.max(instantOf(self, at), self.volatile.clock.sinceNs);
    state.exit = { atNs: state.toNs, outputs: run.outputs as never, isScheduled: false };
  }
  self.world.addWork(Math.ceil((machine.executed() - before) / INSTRUCTIONS_PER_WORK));
}

/** Executed over a trace that it then pays for, it is an instruction ahead of its time for a moment. */
const dueProgress = (self: MachineEntity, board: rv64.Board, atNs: TimeNs): number =>
  Math.max(board.progress(), progressOf(self, atNs));

/** Undefined: it stands still until later than `untilNs`. */
function runBoard(
  self: MachineEntity,
  board: rv64.Board,
  untilNs: TimeNs,
  slice: number,
): rv64.BoardRun | undefined {
  if (untilNs < self.volatile.clock.sinceNs) return undefined;
  const target = dueProgress(self, board, untilNs);
  let run: rv64.BoardRun;
  do run = board.run(Math.min(target, board.progress() + slice));
  while (run.reason === "budget" && board.progress() < target);
  const isDebug = run.reason === "debug" && run.stop?.reason !== "trace";
  assert(!isDebug, "no debugger is attached to a machine that a world runs");
  return run;
}

/** Before its next instruction it stands still for so long. */
function stallAt(self: MachineEntity, board: rv64.Board, ns: number): void {
  if (ns === 0) return;
  const { harts } = machineConfig(self).board;
  const atNs = Math.max(instantOf(self, board.progress()), self.volatile.clock.sinceNs);
  self.edit().clock = { sinceNs: atNs + Math.ceil(ns / harts), from: board.progress() };
}

/** It stands still for so long from now on: its host does something at its cost. */
export function stallMachine(self: MachineEntity, ns: number): void {
  if (!isRunning(self)) return;
  catchUp(self);
  const state = self.edit();
  const sinceNs = Math.max(self.simulatedNs, self.volatile.toNs) + ns;
  state.clock = { sinceNs, from: self.volatile.board!.progress };
  state.toNs = sinceNs;
}

const idleUntilOf = ({ idleUntil }: rv64.BoardRun): number | null =>
  idleUntil === Infinity ? -1 : idleUntil;

/** An idle machine lets time pass in one step, when something needs it to be at the present. */
export function catchUp(self: MachineEntity): void {
  const { toNs, idleUntil } = self.volatile;
  const nowNs = self.simulatedNs;
  if (!isRunning(self) || toNs >= nowNs || idleUntil === null) return;
  const board = boardOf(self);
  const { outputs } = board.run(dueProgress(self, board, nowNs));
  assert(outputs.length === 0, "an idle machine puts nothing out");
  self.edit().toNs = nowNs;
}
