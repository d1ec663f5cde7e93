/**
 * What a real machine receives takes effect where it stands, and goes to its boundary log with the
 * progress at which it did.
 */
import type { PlainObject } from "../../kernel/index.ts";
import type { rv64 } from "../../guest/index.ts";
import { BOUNDARY_NOTICE } from "../boundary.ts";
import { tracesOn } from "../pages/machine-traces.ts";
import { isSuperseded, recordOf, type VmEntity } from "../vm-state.ts";
import { catchUp } from "./advancing.ts";
import {
  boardOf,
  type MachineEntity,
  type MachineEntry,
  type MachineInput,
} from "./machine-state.ts";

export const machineRecord = (self: MachineEntity) => recordOf(self as unknown as VmEntity);

/** Tells those who record it, before it takes effect. */
export function logInput(self: MachineEntity, input: MachineInput): void {
  const record = machineRecord(self);
  const count = record.editDurable().steps++;
  const step = self.volatile.board?.progress ?? 0;
  const nowNs = self.volatile.toNs - self.volatile.startedNs;
  const entry: MachineEntry = { vm: record.name, step, nowNs, count, input };
  record.notice(BOUNDARY_NOTICE, entry as unknown as PlainObject);
}

/** Hands an input to the machine; during a stun it is held, after the end it is lost. */
export function deliver(self: MachineEntity, input: rv64.BoardInput): void {
  const { stage, stuns, board } = self.volatile;
  if (stage !== "running" || board === null || board.halted !== null) return;
  if (isSuperseded(self as unknown as VmEntity)) return;
  if (stuns > 0) return void self.edit().held.push(input as never);
  catchUp(self);
  logInput(self, input);
  const traces = tracesOn(self);
  boardOf(self).deliver(input);
  traces?.keep();
  const state = self.edit();
  state.idleUntil = null;
}

/** Typed text, as the bytes that a terminal sends. */
export function typeText(self: MachineEntity, text: string): void {
  deliver(self, { kind: "console", port: "serial", bytes: new TextEncoder().encode(text) });
}
