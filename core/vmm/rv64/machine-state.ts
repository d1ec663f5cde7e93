/** State of a run of a real machine beside RAM and harts, and how its parts are reached. */
import type { Entity, PlainObject, TimeNs } from "../../kernel/index.ts";
import { type rv64 } from "../../guest/index.ts";
import type { WriteAlert } from "../integrity/judge.ts";
import type { OutputHash } from "../output-hash.ts";
import type { RunImage } from "../run-image.ts";
import type { NoState } from "../vm-record.ts";
import { isSuperseded, type VmEntity, type VmInstanceConfig, type VmState } from "../vm-state.ts";
import { type ProgressClock, progressAt, timeOf } from "./clock.ts";
import type { LiveMachine } from "./live-machine.ts";

/** Configuration of a real guest, in its specification. */
export type MachineConfig = {
  readonly board: rv64.BoardConfig;
  /** By nic: the VM at the other end. */
  readonly peers: { readonly [nic: string]: string };
  /** What is typed into its serial console, one after the other. */
  readonly typed: readonly Typing[];
};

export type Typing = {
  /** Typed once the console has shown this since the last was typed; null: after power-on. */
  readonly waitFor: string | null;
  readonly delayNs: number;
  readonly text: string;
};

/** What a machine receives: besides inputs of the board, the begin and the end of a run. */
export type MachineInput =
  | { readonly kind: "start"; readonly run: number }
  | rv64.BoardInput
  /** It put something out here: told only to whoever follows it on another host. */
  | { readonly kind: "put-out" }
  /**
   * It is remembered as it is, or is again as it was then, in a run that begins so. `isExit`: with outputs that are to
   * be carried out. `boots`: power-on and resets up to then.
   */
  | { readonly kind: "image-taken"; readonly image: string; readonly isExit: boolean }
  | {
      readonly kind: "image-restored";
      readonly image: string;
      readonly isExit: boolean;
      readonly run: number;
      readonly boots: number;
    }
  /** It ran to here and no further. `isCut`: what it put out here was never carried out. */
  | { readonly kind: "end"; readonly isCut: boolean };

/** What happened to a guarded machine: enough for a copy to take it as well. */
export type MachineStep = Pick<MachineEntry, "step" | "nowNs" | "input">;

/** An entry of the boundary log of a real guest. */
export type MachineEntry = {
  readonly vm: string;
  /** Progress of the machine in this run when it took effect. */
  readonly step: number;
  /** The guest's own time. */
  readonly nowNs: number;
  /** Inputs before this one, since the first power-on. */
  readonly count: number;
  readonly input: MachineInput;
};

/** Outputs of an instruction that have not been carried out yet. */
export type Exit = {
  readonly atNs: TimeNs;
  /** Outputs of the board, in order. */
  readonly outputs: readonly PlainObject[];
  /** It is an event by now. */
  readonly isScheduled: boolean;
};

/** The state of a board as a store keeps it. */
type KeptBoard = PlainObject & { readonly progress: number; readonly halted: PlainObject | null };

export type MachineState = Pick<
  VmState,
  | "stage"
  | "startedNs"
  | "stuns"
  | "stunnedSinceNs"
  | "stunnedNs"
  | "disks"
  | "timers"
  | "shutdownBy"
  | "isProtected"
  | "standsAt"
> & {
  /** What it goes on from once it has its disks; null: it starts. */
  readonly goesOnFrom: MachineCopy | RunImage | null;
  /** Power-ons and resets of this run. */
  readonly boots: number;
  /** null until it is started. */
  readonly board: KeptBoard | null;
  readonly clock: ProgressClock;
  /** It has run up to this time. */
  readonly toNs: TimeNs;
  /** Progress before which nothing happens by itself, -1: ever; null: it runs. */
  readonly idleUntil: number | null;
  readonly exit: Exit | null;
  /** Inputs that arrived during a stun. */
  readonly held: readonly PlainObject[];
  /** The end of what its console showed. */
  readonly console: string;
  readonly typing: TypingState;
};

/** What is to be typed next, and what the console has shown since the last was. */
export type TypingState = { readonly next: number; readonly shown: string };

/**
 * A run of a machine as a copy on another host follows it; RAM and harts are a memory of whoever
 * keeps it.
 */
export type MachineCopy = Pick<MachineState, "boots" | "board" | "console" | "typing"> & {
  readonly run: number;
  /** Its progress as a function of simulated time, which ends where nothing more is known. */
  readonly clock: ProgressClock;
  /** The guest's own time at the last step taken. */
  readonly nowNs: number;
  /** What it put out where it stands, while the log has not said so. */
  readonly exit: readonly PlainObject[] | null;
  readonly outputs: OutputHash;
  /** What it asked of its host and was not answered, by number. */
  readonly open: { readonly [request: string]: PlainObject };
  /** How often what is to be typed has arrived. */
  readonly typed: number;
  /** Writes where it stands that raise alerts, while the log has not said so; none: there are none. */
  readonly alerts?: readonly WriteAlert[];
};

export type MachineEntity = Entity<VmInstanceConfig, NoState, MachineState>;

export const RAM = "ram";

export const machineConfig = (self: MachineEntity): MachineConfig =>
  self.config.spec.config as unknown as MachineConfig;

/** RAM and harts of the machine that an entity keeps. */
export const liveMachine = ({ world, name }: Pick<Entity, "world" | "name">): LiveMachine =>
  world.memories.get(`${name}#${RAM}`)!.backing as LiveMachine;

/** The board, to be run or given something. */
export function boardOf(self: MachineEntity): rv64.Board {
  return liveMachine(self).board(
    machineConfig(self).board,
    self.edit().board as unknown as rv64.BoardState,
  );
}

export const progressOf = (self: MachineEntity, atNs: TimeNs): number =>
  progressAt(self.volatile.clock, machineConfig(self).board.instructionsPerSecond, atNs);

export const instantOf = (self: MachineEntity, progress: number): TimeNs =>
  timeOf(self.volatile.clock, machineConfig(self).board.instructionsPerSecond, progress);

/** Whether its time goes on. */
export function isRunning(self: MachineEntity): boolean {
  const { stage, stuns, board } = self.volatile;
  if (stage !== "running" || stuns > 0 || board === null || board.halted !== null) return false;
  return !isSuperseded(self as unknown as VmEntity);
}
