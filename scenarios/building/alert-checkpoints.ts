/**
 * Checkpoints at integrity alerts: a VM with the policy `snapshot` stands still at what raised one, is
 * saved there, and goes on as soon as the checkpoint has its instant.
 *
 * Must hold: alerts at which it stood once lead to one checkpoint; whatever becomes of that, the VM goes
 * on in the end, also where it is suspended as it stands. One that is brought back as it stood once before
 * is left to whoever did that.
 */
import { checkpoint } from "../../core/checkpoints/index.ts";
import { fromMs, type OperationEntity, type PlainObject } from "../../core/kernel/index.ts";
import { suspendedBy, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import { alertCheckpoint } from "../validate/directory.ts";
import type { Driver } from "./driver.ts";
import { saveAtAlert } from "./operations/checkpoints.ts";
import { vmOfDocument } from "./operations/vm-access.ts";

/** Saving is tried again: another checkpoint is being made, or the VM is on its way to a host. */
const RETRY_NS = fromMs(10);
/** Any other failure, so often. */
const MOST_FAILURES = 4;
const PASSING: readonly string[] = ["busy", "version-conflict", "vm-off", "no-path"];

/** Of a VM with the policy. */
export type AlertSaves = {
  /** Checkpoints that have their instant. */
  readonly taken: number;
  /** The one under way, how often it was tried, and how often that failed for good reason. */
  readonly id: string;
  readonly tries: number;
  readonly failed: number;
  /** It stands at an alert and is to be let go on; absent: it does not, or somebody else does that. */
  readonly isDue?: true;
};

const NONE: AlertSaves = { taken: 0, id: "", tries: 0, failed: 0 };

const savesOf = (self: Driver, vm: string): AlertSaves => self.durable.alertSaves?.[vm] ?? NONE;

function note(self: Driver, vm: string, change: Partial<AlertSaves>): void {
  const state = self.editDurable();
  state.alertSaves = { ...state.alertSaves, [vm]: { ...savesOf(self, vm), ...change } };
}

/** It stands still at an alert. */
export function onAlertStop(self: Driver, vm: string): void {
  const policy = vmOfDocument(self, vm).onAlert;
  if (policy?.do !== "snapshot") return;
  note(self, vm, { isDue: true });
  if (savesOf(self, vm).taken >= policy.atMost) return letGoOn(self, vm);
  note(self, vm, { id: "", tries: 0, failed: 0 });
  saveNow(self, vm);
}

/** It was suspended as it stood, before it was saved or could be let go on. */
export function onAlertWake(self: Driver, vm: string): void {
  if (savesOf(self, vm).isDue === true) onAlertStop(self, vm);
}

/** It goes on. */
export function onAlertEnd(self: Driver, vm: string): void {
  const { isDue, ...saves } = savesOf(self, vm);
  if (isDue === undefined) return;
  const state = self.editDurable();
  state.alertSaves = { ...state.alertSaves, [vm]: saves };
}

export function saveNow(self: Driver, vm: string): void {
  const { standsAt } = vmRecordOf(self.world, vm).durable;
  const { on } = vmOfDocument(self, vm).onAlert!;
  if (standsAt === undefined || on === undefined) return;
  if (isSaving(self, vm)) return void self.after(RETRY_NS, "save-at-alert", { vm });
  const { tries, taken } = savesOf(self, vm);
  const checkpoint = alertCheckpoint(vm, taken + 1);
  const id = tries === 0 ? checkpoint : `${checkpoint}-try-${tries + 1}`;
  note(self, vm, { id, tries: tries + 1 });
  saveAtAlert(self, { id, checkpoint, vm, on });
}

/** A checkpoint of it is made: that goes on without the guest, and comes to an end. */
function isSaving({ world }: Driver, vm: string): boolean {
  for (const entity of world.entities()) {
    if (entity.kind !== checkpoint.kind) continue;
    if ((entity as unknown as OperationEntity).config.params["vm"] === vm) return true;
  }
  return false;
}

/** The checkpoint has its instant: what it saves is there, however long it takes. */
export function onAlertPhase(self: Driver, { id, phase }: PlainObject): void {
  const vm = phase === "goesOn" ? savedBy(self, id as string) : undefined;
  if (vm === undefined) return;
  note(self, vm, { taken: savesOf(self, vm).taken + 1 });
  letGoOn(self, vm);
}

export function onAlertSaveEnd(self: Driver, id: string, outcome: string): void {
  const vm = savedBy(self, id);
  if (vm === undefined || outcome === "complete") return;
  if (vmRecordOf(self.world, vm).durable.standsAt === undefined) return;
  const failed = savesOf(self, vm).failed + (PASSING.includes(outcome) ? 0 : 1);
  note(self, vm, { failed });
  if (failed < MOST_FAILURES) return void self.after(RETRY_NS, "save-at-alert", { vm });
  letGoOn(self, vm);
}

const savedBy = (self: Driver, id: string): string | undefined =>
  Object.entries(self.durable.alertSaves ?? {}).find(([, saves]) => saves.id === id)?.[0];

/** Where it is by now; one on its way is looked for again. */
export function letGoOn(self: Driver, vm: string): void {
  const record = vmRecordOf(self.world, vm);
  if (record.durable.standsAt === undefined) return;
  const instance = vmOf(record);
  if (instance === undefined || suspendedBy(instance) !== undefined) {
    return void self.after(RETRY_NS, "let-go-on", { vm });
  }
  self.send(instance.id, "unpause", {});
}
