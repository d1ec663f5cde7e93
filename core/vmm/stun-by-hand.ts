/**
 * Stuns of an operator, apart from those by which operations hold a machine for an instant.
 *
 * Must hold: an operator takes back what an operator did, and never the stun of an operation: what that
 * does between stun and unstun is atomic for the guest.
 */
import type { VmEntity } from "./vm-state.ts";

/** Why an operator cannot let a machine go on: no operator has stunned it. */
export const NOT_STUNNED = "not-stunned";

export function noteStunByHand(vm: VmEntity): void {
  const state = vm.edit();
  state.stunsByHand = (state.stunsByHand ?? 0) + 1;
}

/** False: there is none to be taken back. */
export function takeStunByHand(vm: VmEntity): boolean {
  const { stunsByHand = 0 } = vm.volatile;
  if (stunsByHand === 0) return false;
  const state = vm.edit() as { stunsByHand?: number };
  if (stunsByHand === 1) delete state.stunsByHand;
  else state.stunsByHand = stunsByHand - 1;
  return true;
}
