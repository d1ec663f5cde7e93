/**
 * Simulated time: integer nanoseconds since the start of the run, as a safe integer
 * (2^53 ns are 104 days). Only the kernel knows it; components read the clock of their host.
 */

export type TimeNs = number;

export const US = 1_000;
export const MS = 1_000_000;
export const SECOND = 1_000_000_000;

export const MAX_TIME_NS: TimeNs = Number.MAX_SAFE_INTEGER;

/** Microseconds (a fraction is allowed, as in documents) to whole nanoseconds, rounded down. */
export function fromUs(us: number): TimeNs {
  return Math.floor(us * US);
}

/** Milliseconds (a fraction is allowed, as in documents) to whole nanoseconds, rounded down. */
export function fromMs(ms: number): TimeNs {
  return Math.floor(ms * MS);
}

/** Time that `bytes` take at `bitsPerSecond`, rounded up to whole nanoseconds. */
export function transferNs(bytes: number, bitsPerSecond: number): TimeNs {
  return Math.ceil((bytes * 8 * SECOND) / bitsPerSecond);
}
