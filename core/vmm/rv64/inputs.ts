/**
 * What a real machine receives takes effect where it stands, and goes to its boundary log with the
 * progress at which it did.
 */
import type { Plain, PlainObject } from "../../kernel/index.ts";
import type { rv64 } from "../../guest/index.ts";
import { BOUNDARY_NOTICE } from "../boundary.ts";
import { followDriver } from "../integrity/follow.ts";
import { tellHeld } from "../pages/held.ts";
import { tracesOn } from "../pages/machine-traces.ts";
import { knownMemory } from "../pages/memory-state.ts";
import { isSuperseded, recordOf, type VmEntity } from "../vm-state.ts";
import { catchUp } from "./advancing.ts";
import { stun } from "./stun.ts";
import {
  boardOf,
  type MachineEntity,
  type MachineEntry,
  type MachineInput,
  type MachineStep,
} from "./machine-state.ts";

export const machineRecord = (self: MachineEntity) => recordOf(self as unknown as VmEntity);

/** Tells those who record it, before it takes effect; false: nobody guards a guarded machine. */
export function logInput(self: MachineEntity, input: MachineInput): boolean {
  const record = machineRecord(self);
  const step = self.volatile.board?.progress ?? 0;
  const nowNs = self.volatile.toNs - self.volatile.startedNs;
  if (self.config.guard >= 0) return cross(self, { step, nowNs, input }, []);
  const count = record.editDurable().steps++;
  const entry: MachineEntry = { vm: record.name, step, nowNs, count, input };
  record.notice(BOUNDARY_NOTICE, entry as unknown as PlainObject);
  return true;
}

/** Of a guarded machine: whether and when it counts, and what is put out leaves, is up to the guard. */
export function cross(
  self: MachineEntity,
  step: MachineStep,
  outputs: readonly rv64.BoardOutput[],
): boolean {
  const guard = self.world.entityOrNone(self.config.guard);
  if (guard === undefined) return false;
  const crossed = { step, outputs, readSectors: readSectors(step.input), vm: self.id };
  self.world.call(guard, "crossed", crossed as unknown as Plain);
  return true;
}

/** What a read brought. */
function readSectors(input: MachineInput): number {
  if (input.kind !== "block-done") return 0;
  return (input.runs ?? []).reduce((sum, { sectors }) => sum + sectors, 0);
}

/** Hands an input to the machine; during a stun it is held, after the end it is lost. */
export function deliver(self: MachineEntity, input: rv64.BoardInput): void {
  const { stage, stuns, board } = self.volatile;
  if (stage !== "running" || board === null || board.halted !== null) return;
  if (isSuperseded(self as unknown as VmEntity)) return;
  if (stuns > 0) return void self.edit().held.push(input as never);
  catchUp(self);
  const isGuarded = self.config.guard >= 0;
  if (isGuarded && !logInput(self, input)) return;
  const traces = tracesOn(self);
  // It stands before a page that is not there, and its host is about to stop it.
  if (traces?.isHeld === true) return void self.edit().held.push(input as never);
  const waits = boardOf(self).offer(input);
  traces?.keep();
  if (waits !== null) return waitForPage(self, input);
  if (!isGuarded) logInput(self, input);
  followDriver(self);
  const state = self.edit();
  state.idleUntil = null;
}

/** A device has to write into a page that is not there: the machine stands until it can have the input. */
function waitForPage(self: MachineEntity, input: rv64.BoardInput): void {
  self.edit().held.push(input as never);
  stun(self);
  tellHeld(knownMemory(self)!, true);
}

/** Typed text, as the bytes that a terminal sends. */
export function typeText(self: MachineEntity, text: string): void {
  deliver(self, { kind: "console", port: "serial", bytes: new TextEncoder().encode(text) });
}
