/** Chances of faults that strike by themselves, each drawn at the gate; see `faults.ts`. */
import { assert, type Distribution } from "../../kernel/index.ts";

/** In millionths; absent and 0 take no draw. */
export type FaultRatesConfig = {
  /** Writes that are acknowledged and never reach the medium. */
  readonly lostWrite?: number;
  /** Writes that land on other sectors of the medium. */
  readonly misdirectedWrite?: number;
  /** Flushes that are acknowledged and make nothing durable. */
  readonly lyingFlush?: number;
  /** For each written sector: it cannot be read until it is rewritten. */
  readonly latentError?: number;
  /** For each sector that is read: one of its bits flips for good. */
  readonly bitRot?: number;
  /** Unflushed writes that survive a power loss, and then only in part (beyond the usual). */
  readonly tornWrite?: number;
};

/** Those of a whole request are prepared; those of a sector depend on how many there are. */
export type FaultRates = {
  readonly lostWrite?: Distribution;
  readonly misdirectedWrite?: Distribution;
  readonly lyingFlush?: Distribution;
  readonly tornWrite?: Distribution;
  readonly latentErrorPerSector: number;
  readonly bitRotPerSector: number;
};

export function prepareRates(config: FaultRatesConfig = {}): FaultRates {
  const { lostWrite, misdirectedWrite, lyingFlush, tornWrite, latentError, bitRot } = config;
  return {
    ...(lostWrite ? { lostWrite: perMillion(lostWrite) } : {}),
    ...(misdirectedWrite ? { misdirectedWrite: perMillion(misdirectedWrite) } : {}),
    ...(lyingFlush ? { lyingFlush: perMillion(lyingFlush) } : {}),
    ...(tornWrite ? { tornWrite: perMillion(tornWrite) } : {}),
    latentErrorPerSector: latentError ?? 0,
    bitRotPerSector: bitRot ?? 0,
  };
}

/** True with a chance of `rate` millionths, at most 1. */
export function perMillion(rate: number): Distribution {
  assert(Number.isSafeInteger(rate) && rate >= 0, () => `rate ${rate} per million`);
  return {
    kind: "bernoulli",
    numerator: Math.min(rate, 1_000_000),
    denominator: 1_000_000,
  };
}
