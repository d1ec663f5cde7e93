/**
 * A host's clock: what its software reads in place of true time. It starts at an offset, gains or
 * loses by its drift, is stepped by faults, and is disciplined by polls of a time server that knows
 * true time but for an error: small offsets are slewed, large ones stepped. Integers only.
 */
import type { Distribution } from "../../kernel/index.ts";

export type NtpConfig = {
  readonly pollNs: number;
  /** Largest error of one poll, either way. */
  readonly errorNs: number;
  readonly maxSlewPpm: number;
  readonly stepThresholdNs: number;
};

export type ClockConfig = {
  readonly offsetNs: number;
  readonly driftPpm: number;
  readonly ntp: NtpConfig | null;
};

export type ClockState = {
  /** Clock minus true time at `sinceNs`. */
  readonly offsetNs: number;
  readonly sinceNs: number;
  /** Correction that the discipline applies now. */
  readonly slewPpm: number;
};

export const initialClock = ({ offsetNs }: ClockConfig): ClockState => ({
  offsetNs,
  sinceNs: 0,
  slewPpm: 0,
});

/** Clock minus true time, at true time `nowNs`. */
export function offsetAt(config: ClockConfig, state: ClockState, nowNs: number): number {
  const elapsedNs = nowNs - state.sinceNs;
  const ppm = config.driftPpm + state.slewPpm;
  return state.offsetNs + Math.trunc((elapsedNs * ppm) / 1_000_000);
}

/** The clock after a step fault. */
export function stepped(
  config: ClockConfig,
  state: ClockState,
  nowNs: number,
  stepNs: number,
): ClockState {
  return { ...state, offsetNs: offsetAt(config, state, nowNs) + stepNs, sinceNs: nowNs };
}

/** The clock after a poll that saw its offset with `errorNs`. */
export function disciplined(
  config: ClockConfig,
  ntp: NtpConfig,
  state: ClockState,
  nowNs: number,
  errorNs: number,
): ClockState {
  const offsetNs = offsetAt(config, state, nowNs);
  const seenNs = offsetNs + errorNs;
  const isLarge = seenNs > ntp.stepThresholdNs || seenNs < -ntp.stepThresholdNs;
  if (isLarge) return { offsetNs: offsetNs - seenNs, sinceNs: nowNs, slewPpm: 0 };
  const wantedPpm = Math.trunc((-seenNs * 1_000_000) / ntp.pollNs);
  const slewPpm = Math.max(-ntp.maxSlewPpm, Math.min(ntp.maxSlewPpm, wantedPpm));
  return { offsetNs, sinceNs: nowNs, slewPpm };
}

/** Error of a poll, either way. */
export const pollError = ({ errorNs }: NtpConfig): Distribution => ({
  kind: "range",
  low: -errorNs,
  high: errorNs,
});
