/** Time as a host's own software measures it: by a clock that runs fast or slow, and may be stepped. */
import { type HostEntity, readClockNs } from "../../platform/index.ts";

const MILLION = 1_000_000;

/** True time after which the host's timer for `delayNs` of its own time goes off. */
export function ownDelayNs(host: HostEntity, delayNs: number): number {
  const ppm = host.config.clock.driftPpm + host.durable.clock.slewPpm;
  return Math.max(1, Math.round((delayNs * MILLION) / (MILLION + ppm)));
}

export const ownClockNs = (host: HostEntity): number => readClockNs(host);

/** How long a silence is watched before a lease counts as run out, however the clocks run apart. */
export const watchedNs = (leaseNs: number, maxDriftPpm: number): number =>
  leaseNs + Math.ceil((leaseNs * 2 * maxDriftPpm) / MILLION);
