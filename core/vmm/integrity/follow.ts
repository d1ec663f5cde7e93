/**
 * The tables of a run follow what its guest's own state says: after a reset, where it goes on from an
 * image or as another's copy, at every call of a real machine.
 */
import { integrity, type rv64 } from "../../guest/index.ts";
import { memoryOf } from "../pages/guest-memory.ts";
import { knownMemory } from "../pages/memory-state.ts";
import type { MachineEntity } from "../rv64/machine-state.ts";
import { MACHINE_KIND } from "../rv64/end-entry.ts";
import type { VmEntity } from "../vm-state.ts";
import { raiseAlerts } from "./alerts.ts";
import { changeTables, dropTables } from "./tables.ts";

/** What the guest's own state says; undefined: it has no integrity driver. */
export function driverOf(vm: VmEntity): integrity.IntegrityState | undefined {
  if (vm.kind !== MACHINE_KIND) return vm.volatile.guest.integrity;
  const { board } = (vm as unknown as MachineEntity).volatile;
  return (board as unknown as rv64.BoardState | null)?.integrity;
}

/** `behind`: the tables that a modelled guest had when an access of it was held. */
export function followDriver(
  vm: VmEntity | MachineEntity,
  behind?: integrity.SecondStage | null,
): void {
  const state = driverOf(vm as VmEntity);
  const memory = knownMemory(vm);
  if (memory?.volatile.tables !== undefined && state === undefined) return dropTables(memory);
  if (state === undefined || behind === null) return;
  const second = behind ?? integrity.secondStageOf(state);
  const known = memory?.volatile.tables;
  if (known === undefined || !integrity.isSameSecondStage(known, second)) {
    changeTables(memoryOf(vm as VmEntity), second);
  } else raiseAlerts(memory!);
}
