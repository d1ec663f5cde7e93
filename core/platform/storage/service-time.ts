/**
 * How long a device works on a request: a fixed or drawn time, plus a seek when the request does not
 * follow the one before it, plus the transfer of its bytes. All of it times the factor of a slow
 * device. Times are whole nanoseconds.
 */
import {
  assert,
  type Distribution,
  type Entity,
  SECOND,
  SECTOR_BYTES,
} from "../../kernel/index.ts";

/** Always the same, or log-normal by its median and 99th percentile. */
export type ServiceTime = number | { readonly medianNs: number; readonly p99Ns: number };

export type TimingConfig = {
  readonly readNs: ServiceTime;
  readonly writeNs: ServiceTime;
  readonly flushNs: ServiceTime;
  /** Extra time when a request does not start where the one before it ended. */
  readonly seekNs: number;
  /** 0: transfers take no time. */
  readonly bytesPerSecond: number;
};

/** Timing with its distributions made once: samplers are found by identity. */
export type Timing = {
  readonly read: Distribution;
  readonly write: Distribution;
  readonly flush: Distribution;
  readonly seekNs: number;
  readonly bytesPerSecond: number;
};

export function prepareTiming(config: TimingConfig): Timing {
  const { readNs, writeNs, flushNs, seekNs, bytesPerSecond } = config;
  assert(Number.isSafeInteger(seekNs) && seekNs >= 0, () => `seek time ${seekNs}`);
  assert(bytesPerSecond >= 0, () => `transfer rate ${bytesPerSecond}`);
  return {
    read: distributionOf(readNs),
    write: distributionOf(writeNs),
    flush: distributionOf(flushNs),
    seekNs,
    bytesPerSecond,
  };
}

function distributionOf(time: ServiceTime): Distribution {
  if (typeof time === "number") {
    assert(Number.isSafeInteger(time) && time >= 0, () => `service time ${time}`);
    return { kind: "constant", value: time };
  }
  const { medianNs, p99Ns } = time;
  if (medianNs === p99Ns) return { kind: "constant", value: medianNs };
  return { kind: "latency", median: medianNs, p99: p99Ns };
}

/** One service time; a constant takes no draw. */
export function drawServiceNs(
  self: Pick<Entity, "draw">,
  purpose: string,
  from: Distribution,
): number {
  return from.kind === "constant" ? from.value : self.draw(purpose, from);
}

/** Time that `sectors` take on the medium's channel. */
export function sectorsNs(timing: Timing, sectors: number): number {
  if (timing.bytesPerSecond === 0 || sectors === 0) return 0;
  return Math.ceil((sectors * SECTOR_BYTES * SECOND) / timing.bytesPerSecond);
}
