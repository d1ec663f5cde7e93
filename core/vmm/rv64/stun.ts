/** How a real machine is stopped by its host. */
import { announce } from "../policy.ts";
import type { VmEntity } from "../vm-state.ts";
import { catchUp } from "./advancing.ts";
import type { MachineEntity } from "./machine-state.ts";

/** It stops where it stands. */
export function stun(self: MachineEntity): void {
  catchUp(self);
  const state = self.edit();
  if (state.stuns++ > 0) return;
  state.stunnedSinceNs = self.simulatedNs;
  announce(self as unknown as VmEntity, "stunned");
}
