/** What a vCPU has to make up for before it computes on: it paid for traces meanwhile. */
import type { MemoryEntity } from "./memory-state.ts";

export function takeOwed(self: MemoryEntity | undefined, vcpu: number): number {
  const owedNs = self?.volatile.owedNs[vcpu] ?? 0;
  if (owedNs > 0) self!.edit().owedNs[vcpu] = 0;
  return owedNs;
}
