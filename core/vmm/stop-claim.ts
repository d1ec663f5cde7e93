/**
 * Who may stop a machine for good: what is suspended and what is moved stands still from then on, and
 * goes on elsewhere or later, as one or as the other.
 *
 * Must hold: one operation at a time. A claim ends with its operation, and does not travel.
 */
import type { Entity, EntityId } from "../kernel/index.ts";
import type { VmEntity } from "./vm-state.ts";

/** Of a machine that is about to be stopped: undefined, or the name of who has claimed that before. */
export function claimStop(vm: VmEntity, by: EntityId): string | undefined {
  const claimer = claimerOf(vm);
  const other = claimer?.id === by ? undefined : claimer;
  if (other === undefined) vm.edit().stoppedBy = by;
  return other?.name;
}

/**
 * Name of what suspends the machine: how it stands is in that one's image, or soon will be, and a change
 * of that would be gone when it is resumed. What is moved takes such a change along.
 */
export function suspendedBy(vm: VmEntity): string | undefined {
  const claimer = claimerOf(vm);
  return claimer?.kind === SUSPENDING ? claimer.name : undefined;
}

const SUSPENDING = "operation:checkpoint";

const claimerOf = ({ world, volatile }: VmEntity): Entity | undefined =>
  world.entityOrNone(volatile.stoppedBy ?? -1);
