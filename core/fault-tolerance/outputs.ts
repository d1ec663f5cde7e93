/** What of a machine's output is seen outside, and its leaving. */
import { canonicalBytes, hash64, hashHex } from "../kernel/index.ts";
import {
  type HeldOutput as Output,
  performOutput,
  performSeenOutput,
  stunsOfOthers,
  type VmEntity,
} from "../vmm/index.ts";
import { type Guard, type Held, machineOf, protectionOf } from "./guard-state.ts";
import { hostOf } from "./settings.ts";

/** Notice of an output that leaves; data is {vm, run, host, number, entry, hash}. */
export const OUTPUT_NOTICE = "outside-output";

/**
 * The guest's, and what is told of its integrity driver: a write, a call. A modelled guest's stores may
 * be such writes, so they and changes of its tables go the same way, in order.
 */
const SEEN: ReadonlySet<Output["kind"]> = new Set([
  "send",
  "lifecycle",
  "halt",
  "console",
  "alert",
  "integrity",
  "store",
]);

/** The world outside the pair and its disks sees it. */
export const isSeenOutside = ({ kind }: Output): boolean => SEEN.has(kind);

/** It waits until the backup has the log up to it. */
export function isHeld(output: Output): boolean {
  if (output.kind !== "block") return isSeenOutside(output);
  const { op } = "io" in output ? output.io : output.request;
  return op === "write" || op === "discard";
}

/**
 * A modelled guest's stores wait while it stands at an alert; a real one has executed what it put out
 * before it stood.
 */
const standsStill = (machine: VmEntity): boolean =>
  (machine.kind === "vm" ? machine.volatile.stuns : stunsOfOthers(machine)) > 0;

/** All that may leave does, in order; during a stun, or while the vote is on, nothing does. */
export function letGo(self: Guard): void {
  for (;;) {
    const { held, acknowledged, mode } = self.volatile;
    const first = held[0];
    const machine = machineOf(self);
    if (first === undefined || machine === undefined) return;
    if (standsStill(machine)) return;
    const isDue = mode === "alone" || (mode === "following" && first.entry <= acknowledged);
    if (!isDue) return;
    self.edit().held.shift();
    self.measure("output-delay-ns", self.simulatedNs - first.atNs);
    if (first.number < 0 || isNew(self, first)) performOutput(machine, first.output);
    else performSeenOutput(machine, first.output);
    if (machine.volatile.stage === "ended") return;
  }
}

/**
 * Numbers what leaves. Of what comes again after a failover only a message is sent again, because
 * nobody here can know whether it arrived; what the outside world was told it knows.
 */
function isNew(self: Guard, { number, entry, output }: Held): boolean {
  const { vm, run } = self.config;
  self.edit().left = number + 1;
  const host = hostOf(self as never).name;
  const hash = hashHex(hash64(canonicalBytes(output)));
  self.notice(OUTPUT_NOTICE, { vm, run, host, number, entry, hash });
  const known = protectionOf(self);
  const wasSeen = number < known.durable.seen;
  if (!wasSeen) known.editDurable().seen = number + 1;
  return !wasSeen || output.kind === "send";
}
