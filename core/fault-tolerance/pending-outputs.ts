/** What a copy puts out, until it is known to have left its machine. */
import type { HeldOutput } from "../vmm/index.ts";
import { followedRecord, type Follower } from "./follower-state.ts";
import type { Held } from "./guard-state.ts";
import { isSeenOutside } from "./outputs.ts";
import { PROTECTION_NOTICE } from "./protection.ts";

/** Numbers what is seen outside, as the guard of the machine does. */
export function keepOutputs(self: Follower, outputs: readonly HeldOutput[]): void {
  const state = self.edit();
  for (const output of outputs) {
    if (!isSeenOutside(output)) continue;
    const number = state.nextOutput++;
    state.pending.push({ entry: 0, number, atNs: self.simulatedNs, output } as never);
  }
}

/** Those that are known to have left the machine are not waited for any more. */
export function forgetLeft(self: Follower): readonly Held[] {
  const { pending, left } = self.volatile;
  if ((pending[0]?.number ?? left) >= left) return [];
  self.edit().pending = pending.filter(({ number }) => number >= left) as never;
  return pending.filter(({ number }) => number < left);
}

/** The copy put out what its machine did not, or it cannot be where its machine was. */
export function tellDiverged(self: Follower): void {
  const { vm, run } = self.config;
  const { received, queue } = self.volatile;
  const step = followedRecord(self).durable.steps - queue.length;
  self.notice(PROTECTION_NOTICE, { vm, run, event: "diverged", step, received });
}
