/**
 * A virtual machine whose host stops it at integrity alerts: it stands still at the write, or the call,
 * that raised one, with nothing behind it done, until somebody lets it go on.
 *
 * Must hold: alerts of one instant, and those that come while it stands, are one stop; it ends once, by
 * whoever lets it go on. It stands wherever the run is: on another host, in a copy that takes its
 * place, and where it goes on from an image that was taken while it stood.
 */
import type { Editable } from "../../kernel/index.ts";
import { announce } from "../policy.ts";
import { recordOf, type VmEntity, type VmState } from "../vm-state.ts";
import type { VmRecord } from "../vm-record.ts";

/** Lifecycle events of the stop and of its end. */
export const PAUSED = "paused";
export const UNPAUSED = "unpaused";
/** And of a machine that goes on from a checkpoint, standing or not. */
export const RESUMED = "resumed";
/** Why a machine cannot be let go on: it does not stand at an alert. */
export const NOT_PAUSED = "not-paused";

export const stopsAtAlerts = (vm: VmEntity): boolean => recordOf(vm).config.stopsAtAlerts === true;

export const standsAtAlert = ({ volatile }: Pick<VmEntity, "volatile">): boolean =>
  volatile.standsAt !== undefined;

/** Stuns that somebody else has not taken back. */
export const stunsOfOthers = (vm: Pick<VmEntity, "volatile">): number =>
  vm.volatile.stuns - (standsAtAlert(vm) ? 1 : 0);

/** In the event of what raises an alert, before anything behind it. */
export function standStill(vm: VmEntity): void {
  if (!stopsAtAlerts(vm) || standsAtAlert(vm) || vm.volatile.stage !== "running") return;
  const alert = recordOf(vm).durable.standsAt ?? (recordOf(vm).durable.integrityAlerts ?? 0) + 1;
  vm.edit().standsAt = alert;
  vm.world.call(vm as never, "stand-still", alert);
}

/** The outside world has been told of an alert: it knows that the machine stands there. */
export function noteStop(vm: VmEntity): void {
  const { standsAt } = vm.volatile;
  const record = recordOf(vm);
  if (standsAt === undefined || record.durable.standsAt !== undefined) return;
  record.editDurable().standsAt = standsAt;
  announce(vm, PAUSED);
}

/** The run takes another's place: if that one stood, as far as anybody knows, so does this. */
export function standAgain(vm: VmEntity): void {
  if (recordOf(vm).durable.standsAt !== undefined) standStill(vm);
}

/**
 * The run goes on from an image, in its own stun. `isOld`: of a checkpoint, so that it stands as it did
 * then; else it has been moved, and may have been let go on its way.
 */
export function standAsBefore(vm: VmEntity, isOld: boolean): void {
  const record = recordOf(vm);
  const state = vm.edit() as Editable<VmState>;
  if (isOld && state.standsAt === undefined) forgetStop(record);
  else if (isOld) record.editDurable().standsAt = state.standsAt!;
  const { standsAt } = record.durable;
  if (standsAt === undefined) return void delete (state as { standsAt?: number }).standsAt;
  state.standsAt = standsAt;
  state.stuns++;
}

/** Before its stun is taken back; false: it does not stand at an alert of which somebody knows. */
export function endStop(vm: VmEntity): boolean {
  const record = recordOf(vm);
  if (!standsAtAlert(vm) || record.durable.standsAt === undefined) return false;
  forgetStop(record);
  delete (vm.edit() as { standsAt?: number }).standsAt;
  announce(vm, UNPAUSED);
  return true;
}

/** The run is over. */
export function forgetStop(record: VmRecord): void {
  if (record.durable.standsAt === undefined) return;
  delete (record.editDurable() as { standsAt?: number }).standsAt;
}
