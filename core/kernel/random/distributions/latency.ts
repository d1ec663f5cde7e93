/**
 * Log-normal latencies from the two figures that data sheets give: median * exp(s * z(u)), where s
 * puts the 99th percentile in its place. The shape then fixes the rest: one in 100 is below
 * median^2/p99, one in 1,000 above median * (p99/median)^1.33. Rises with the uniform u.
 */
import { naturalExp, naturalLog, normalQuantile } from "../exact/index.ts";
import type { RandomSource } from "../random-source.ts";
import { openUnitInterval } from "./random-bits.ts";
import type { Latency } from "./description.ts";
import type { Sampler } from "./sampler.ts";

/** The 99th percentile of the standard normal distribution. */
export const NORMAL_P99 = 2.3263478740408408;

export class LatencySampler implements Sampler {
  readonly distribution: Latency;
  readonly #median: number;
  readonly #sigma: number;

  constructor(distribution: Latency) {
    const { median, p99 } = distribution;
    this.distribution = distribution;
    this.#median = median;
    this.#sigma = p99 === median ? 0 : naturalLog(p99 / median) / NORMAL_P99;
  }

  draw(source: RandomSource): number {
    const z = normalQuantile(openUnitInterval(source));
    const result = Math.floor(this.#median * naturalExp(this.#sigma * z) + 0.5);
    return result < Number.MAX_SAFE_INTEGER ? result : Number.MAX_SAFE_INTEGER;
  }
}
