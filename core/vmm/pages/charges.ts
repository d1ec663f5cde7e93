/** What vCPUs pay for traces: their progress comes later. */
import { stallMachine } from "../rv64/advancing.ts";
import type { MachineEntity } from "../rv64/machine-state.ts";
import { type MemoryEntity, ownerOf } from "./memory-state.ts";

/** A vCPU of a modelled guest, or a hart of a real one, stands still for so long. */
export function charge(self: MemoryEntity, vcpu: number, ns: number): void {
  if (ns === 0) return;
  const state = self.edit();
  state.figures.chargedNs += ns;
  self.measure("traced-ns", ns);
  if (self.config.isReal) {
    const machine = ownerOf(self) as unknown as MachineEntity | undefined;
    // Harts take turns: what one loses, the machine loses of their common progress.
    if (machine !== undefined) stallMachine(machine, Math.ceil(ns / self.config.vcpus));
    return;
  }
  state.owedNs[vcpu]! += ns;
  if (state.batch !== null) state.batch.stallNs += ns;
}
