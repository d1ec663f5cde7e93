/**
 * Alerts: who hears of them, and when. A write is told of in an event at its time, once; the outside
 * world counts them, and a count survives hosts and images.
 */
import type { PlainObject } from "../../kernel/index.ts";
import type { integrity } from "../../guest/index.ts";
import { type MemoryEntity, ownerOf } from "../pages/memory-state.ts";
import { MACHINE_KIND } from "../rv64/end-entry.ts";
import type { MachineEntity } from "../rv64/machine-state.ts";
import { announce } from "../policy.ts";
import { recordOf, type VmEntity } from "../vm-state.ts";
import type { AlertOutput, WriteAlert } from "./judge.ts";
import { noteStop, standStill } from "./standing.ts";

/** Notice of an alert; data is an `IntegrityAlert`. */
export const INTEGRITY_ALERT = "integrity-alert";
/** Notice of the memory that an alert of a guarded machine is on its way; data is {page, vcpu, holds}. */
export const ALERT_HELD = "integrity-alert-held";
/** Notice of a call that was refused and is no attack; data is {vm, vcpu, message}. */
export const INTEGRITY_REFUSED = "integrity-refused";
/** Lifecycle event of each alert, to which policies can be bound. */
export const ALERT_EVENT = "integrity-alert";

export type IntegrityAlert = {
  readonly vm: string;
  readonly number: number;
  /** `write`, or what else the guest tried. */
  readonly what: "write" | integrity.IntegrityOffence;
  /** -1: a device. */
  readonly vcpu: number;
  readonly message: string;
  /** Of a write, as in `WriteAlert`. */
  readonly page?: number;
  readonly table?: 1 | 2;
  readonly holds?: "code" | "data" | "registered";
  readonly pc?: string;
  readonly progress?: number;
};

/** Of writes that have happened by now. */
export function raiseAlerts(memory: MemoryEntity): void {
  const alerts = memory.volatile.tables?.alerts ?? [];
  const vm = ownerOf(memory);
  if (alerts.length === 0 || vm === undefined) return;
  memory.edit().tables!.alerts = [];
  standStill(vm);
  if (vm.config.guard >= 0 && vm.kind === MACHINE_KIND) return putOut(vm, memory, alerts);
  for (const alert of alerts) tellWrite(vm, alert);
}

/** Of a real machine that another host follows: told once that has the log up to here. */
function putOut(vm: VmEntity, memory: MemoryEntity, alerts: readonly WriteAlert[]): void {
  for (const { page, vcpu, holds } of alerts) memory.notice(ALERT_HELD, { page, vcpu, holds });
  const guard = vm.world.entityOrNone(vm.config.guard);
  if (guard === undefined) return;
  const { board, toNs, startedNs } = (vm as unknown as MachineEntity).volatile;
  const input = { kind: "put-out" };
  const step = { step: board!.progress, nowNs: toNs - startedNs, input };
  const outputs = alerts.map((alert): AlertOutput => ({ kind: "alert", alert }));
  vm.world.call(guard, "crossed", { step, outputs, readSectors: 0, vm: vm.id } as never);
}

/** Of a write that has happened. */
export function tellWrite(vm: VmEntity, alert: WriteAlert): void {
  const { page, vcpu, table, holds, ...place } = alert;
  const { pc } = place;
  const by = vcpu < 0 ? "a device" : `vCPU ${vcpu}${pc === undefined ? "" : ` at 0x${pc}`}`;
  const where = vcpu >= 0 && table === 2 ? "integrity mode" : "normal mode";
  const what = holds === "registered" ? "protected page" : `page ${page} of the driver's ${holds}`;
  const target = holds === "registered" ? `${what} ${page}` : what;
  const mode = vcpu < 0 ? "" : ` in ${where}`;
  const message = `${by} wrote ${target}${mode}`;
  tell(vm, { what: "write", vcpu, message, page, table, holds, ...place });
}

/** Of a call of the guest. */
export function tellCall(
  vm: VmEntity,
  event: Exclude<integrity.IntegrityEvent, { what: "tables" }>,
): void {
  const { vcpu, message } = event;
  if (event.what === "offence") {
    standStill(vm);
    return tell(vm, { what: event.offence, vcpu, message });
  }
  recordOf(vm).notice(INTEGRITY_REFUSED, { vm: vm.config.spec.vm, vcpu, message });
}

function tell(vm: VmEntity, alert: PlainObject): void {
  const record = recordOf(vm);
  const durable = record.editDurable();
  const number = (durable.integrityAlerts ?? 0) + 1;
  durable.integrityAlerts = number;
  record.notice(INTEGRITY_ALERT, { vm: vm.config.spec.vm, number, ...alert });
  vm.measure("integrity-alerts", 1);
  announce(vm, ALERT_EVENT);
  noteStop(vm);
}
