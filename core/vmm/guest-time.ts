/** A guest's own time. */
import type { VmEntity } from "./vm-state.ts";

/** Since it was started, without stuns. */
export function guestNs(self: VmEntity): number {
  const { startedNs, stunnedNs, stuns, stunnedSinceNs } = self.volatile;
  const nowNs = stuns > 0 ? stunnedSinceNs : self.simulatedNs;
  return nowNs - startedNs - stunnedNs;
}
