/**
 * When a machine that came back does its work again as it used to. Its work is a function of its running
 * time, so what counts is for how long it stands still for pages: it responds once no window of a tenth
 * of a second follows in which it stood still for more than a tenth of it. That is the minimum mutator
 * utilization of garbage collectors, which Zhang et al. (VEE 2011) measure restores by: not when the
 * first instruction runs, but when nobody notices any more.
 */
import type { Restorer } from "./restorer-state.ts";

const STEP_NS = 10_000_000;
/** Of a window. */
const WINDOW_STEPS = 10;
const MOST_STALLED_NS = 10_000_000;

/** The machine stood still for a page until now. */
export function noteStall(self: Restorer, sinceNs: number): void {
  const { stalls } = self.edit();
  const { startedNs } = self.volatile;
  const untilNs = self.simulatedNs;
  for (let fromNs = sinceNs; fromNs < untilNs;) {
    const step = Math.floor((fromNs - startedNs) / STEP_NS);
    const endNs = Math.min(untilNs, startedNs + (step + 1) * STEP_NS);
    while (stalls.length <= step) stalls.push(0);
    stalls[step]! += endNs - fromNs;
    fromNs = endNs;
  }
}

/** End of the last window in which it stood still for too long; 0 when there is none. */
export function stalledUntilNs({ volatile }: Restorer): number {
  const { stalls, startedNs } = volatile;
  let sum = 0;
  let last = -1;
  for (let step = 0; step < stalls.length + WINDOW_STEPS; step++) {
    sum += (stalls[step] ?? 0) - (stalls[step - WINDOW_STEPS] ?? 0);
    if (sum > MOST_STALLED_NS && step < stalls.length) last = step;
  }
  return last < 0 ? 0 : startedNs + (last + 1) * STEP_NS;
}
