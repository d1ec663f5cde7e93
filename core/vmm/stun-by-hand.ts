/**
 * Stuns of an operator, apart from those by which operations hold a machine for an instant. The outside
 * world counts them: they are of the machine, wherever it runs.
 *
 * Must hold: an operator takes back what an operator did, and never the stun of an operation: what that
 * does between stun and unstun is atomic for the guest. A machine that goes on elsewhere, moved or taken
 * over, stands still there as well; whoever switches it on, or resumes it, has it run.
 */
import type { Editable } from "../kernel/index.ts";
import type { VmRecord, VmRecordState } from "./vm-record.ts";
import { isSuperseded, recordOf, type VmEntity } from "./vm-state.ts";

/** Why an operator cannot let a machine go on: no operator has stunned it. */
export const NOT_STUNNED = "not-stunned";

/** Why an operator cannot stop a run, or let it go on: it is another host's by now, or over. */
export function notHere(vm: VmEntity): string | undefined {
  if (vm.volatile.stage !== "ended" && !isSuperseded(vm)) return undefined;
  return recordOf(vm).durable.instance < 0 ? "vm-off" : "moved";
}

export const stunsByHand = (vm: VmEntity): number => recordOf(vm).durable.stunsByHand ?? 0;

export function noteStunByHand(vm: VmEntity): void {
  recordOf(vm).editDurable().stunsByHand = stunsByHand(vm) + 1;
}

/** False: there is none to be taken back. */
export function takeStunByHand(vm: VmEntity): boolean {
  const stuns = stunsByHand(vm);
  if (stuns === 0) return false;
  if (stuns === 1) forgetStunsByHand(recordOf(vm));
  else recordOf(vm).editDurable().stunsByHand = stuns - 1;
  return true;
}

/** The run takes another's place, and stands still as that one did. */
export function stunAgain(vm: VmEntity): void {
  for (let stun = 1; stun <= stunsByHand(vm); stun++) {
    vm.world.call(vm as never, "stand-still", 0);
  }
}

/** The run is over, and another begins. */
export function forgetStunsByHand(record: VmRecord): void {
  if (record.durable.stunsByHand === undefined) return;
  delete (record.editDurable() as Partial<Editable<VmRecordState>>).stunsByHand;
}
