/** State of the guard of a protected machine, and how its parts are reached. */
import type { Entity, EntityId } from "../kernel/index.ts";
import type { HeldOutput, OutputHash, RunBeginning, VmEntity, VmRecord } from "../vmm/index.ts";
import type { LogEntry } from "./log-message.ts";
import type { Protection } from "./protection.ts";
import type { NoFields, Pair } from "./settings.ts";

export type GuardConfig = Pair & {
  /** Who follows on another host; -1: nobody. */
  readonly follower: EntityId;
  /** Of a run that goes on: steps and outputs that came before. */
  readonly from: { readonly steps: number; readonly outputs: number };
};

export type Held = {
  /** Steps of the run that led to it. */
  readonly entry: number;
  /** Its number among what is seen outside; -1: a request to a disk. */
  readonly number: number;
  readonly atNs: number;
  readonly output: HeldOutput;
};

/** A step that the backup is not known to have. */
export type Unacknowledged = LogEntry & { readonly atNs: number };

export type GuardState = {
  /**
   * `following`: a backup follows; `deciding`: it is not heard of, and the vote is on; `taking-over`:
   * the vote is won, and the machine gets its disks; `alone`: nobody is waited for.
   */
  readonly mode: "following" | "deciding" | "taking-over" | "alone";
  /** The machine; -1 before it begins. */
  readonly instance: EntityId;
  /** What the run began with, until that is sent with the first step. */
  readonly beginning: RunBeginning | null;
  /** Inputs of runs before this one; -1 before the first step here. */
  readonly base: number;
  /** Steps taken in this run, and how many of them the backup has. */
  readonly steps: number;
  readonly acknowledged: number;
  readonly unacknowledged: readonly Unacknowledged[];
  /** Of all that was put out; null before the first step here. */
  readonly outputs: OutputHash | null;
  readonly nextOutput: number;
  readonly held: readonly Held[];
  /** Outputs that have left. */
  readonly left: number;
  /** Own clock when the backup was last heard of. */
  readonly heardNs: number;
  /** Since when (simulated) the machine waits for the backup to catch up. */
  readonly pausedSinceNs: number | null;
};

export type Guard = Entity<GuardConfig, NoFields, GuardState>;

export const guardedRecord = (self: Guard): VmRecord =>
  self.world.entity(self.config.record) as unknown as VmRecord;

export const protectionOf = (self: Guard): Protection =>
  self.world.entity(self.config.protection) as unknown as Protection;

/** The machine that it guards; undefined before it begins, and when it is gone. */
export const machineOf = (self: Guard): VmEntity | undefined =>
  self.world.entityOrNone(self.volatile.instance) as unknown as VmEntity | undefined;

/** Somebody follows, or may still do so. */
export const isFollowed = ({ volatile: { mode } }: Guard): boolean =>
  mode === "following" || mode === "deciding";
