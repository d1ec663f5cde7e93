/**
 * Who may stop a machine for good: what is suspended and what is moved stands still from then on, and
 * goes on elsewhere or later, as one or as the other.
 *
 * Must hold: one operation at a time. A claim ends with its operation, and does not travel.
 */
import type { EntityId } from "../kernel/index.ts";
import type { VmEntity } from "./vm-state.ts";

/** Of a machine that is about to be stopped: undefined, or the name of who has claimed that before. */
export function claimStop(vm: VmEntity, by: EntityId): string | undefined {
  const { stoppedBy = -1 } = vm.volatile;
  const other = stoppedBy === by ? undefined : vm.world.entityOrNone(stoppedBy);
  if (other === undefined) vm.edit().stoppedBy = by;
  return other?.name;
}
