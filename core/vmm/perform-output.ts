/** Carries out what a machine put out that somebody held, whatever kind of guest it has. */
import type { GuestOutput, rv64 } from "../guest/index.ts";
import type { HeldOutput } from "./boundary.ts";
import { tellWrite } from "./integrity/alerts.ts";
import { standStill } from "./integrity/standing.ts";
import { perform } from "./perform.ts";
import { catchUp } from "./rv64/advancing.ts";
import { MACHINE_KIND } from "./rv64/end-entry.ts";
import type { MachineEntity } from "./rv64/machine-state.ts";
import { performMachine, performSeen } from "./rv64/outputs.ts";
import type { VmEntity } from "./vm-state.ts";

const isMachine = (vm: VmEntity): boolean => vm.kind === MACHINE_KIND;

export function performOutput(vm: VmEntity, output: HeldOutput): void {
  if (output.kind === "alert") {
    standStill(vm);
    return tellWrite(vm, output.alert);
  }
  if (isMachine(vm)) performMachine(vm as unknown as MachineEntity, output as rv64.BoardOutput);
  else perform(vm, output as GuestOutput);
}

/** The outside world has seen it before, from the instance whose place this one took. */
export function performSeenOutput(vm: VmEntity, output: HeldOutput): void {
  if (output.kind === "alert") return;
  if (isMachine(vm)) performSeen(vm as unknown as MachineEntity, output as rv64.BoardOutput);
  // What was told was told; the tables are those of this host.
  else if (output.kind === "integrity" && output.event.what === "tables")
    perform(vm, output as GuestOutput);
}

/** Progress that a real machine has reached without any input that it was not told of; else 0. */
export function progressReached(vm: VmEntity): number {
  if (!isMachine(vm)) return 0;
  const machine = vm as unknown as MachineEntity;
  catchUp(machine);
  return machine.volatile.board?.progress ?? 0;
}
