/**
 * Zipf's distribution by rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to
 * generate variates from monotone discrete distributions", ACM TOMACS 6(3), 1996): constant memory
 * and about one try whatever the size. Computed on our own logarithm and exponential, so
 * probabilities are right to 2^-40 of the whole, and draws are the same everywhere.
 */
import { expm1OverX, log1pOverX, naturalExp, naturalLog } from "../exact/index.ts";
import type { RandomSource } from "../random-source.ts";
import { unitInterval } from "./random-bits.ts";
import type { Zipf } from "./description.ts";
import type { Sampler } from "./sampler.ts";

export class ZipfSampler implements Sampler {
  readonly distribution: Zipf;
  readonly #size: number;
  readonly #skew: number;
  readonly #areaAtEnd: number;
  readonly #areaSpan: number;
  readonly #alwaysWithin: number;

  constructor(distribution: Zipf) {
    const { size } = distribution;
    const skew = distribution.skewPerMille / 1000;
    this.distribution = distribution;
    this.#size = size;
    this.#skew = skew;
    this.#areaAtEnd = areaTo(size + 0.5, skew);
    this.#areaSpan = areaTo(1.5, skew) - 1 - this.#areaAtEnd;
    this.#alwaysWithin = 2 - inverseArea(areaTo(2.5, skew) - density(2, skew), skew);
  }

  draw(source: RandomSource): number {
    for (;;) {
      const area = this.#areaAtEnd + unitInterval(source) * this.#areaSpan;
      const x = inverseArea(area, this.#skew);
      const nearest = Math.floor(x + 0.5);
      const rank = nearest < 1 ? 1 : nearest > this.#size ? this.#size : nearest;
      if (rank - x <= this.#alwaysWithin) return rank - 1;
      if (area >= areaTo(rank + 0.5, this.#skew) - density(rank, this.#skew)) return rank - 1;
    }
  }
}

/** x^-skew */
function density(x: number, skew: number): number {
  return naturalExp(-skew * naturalLog(x));
}

/** The integral of the density from 1 to x: (x^(1-skew) - 1)/(1-skew), ln x where skew is 1. */
function areaTo(x: number, skew: number): number {
  const log = naturalLog(x);
  return expm1OverX((1 - skew) * log) * log;
}

/** The x with `areaTo(x) = area`. */
function inverseArea(area: number, skew: number): number {
  const t = area * (1 - skew);
  // Rounding can push t to -1, where x would be infinite; the caller limits x to the size.
  return naturalExp(log1pOverX(t > NEAR_MINUS_1 ? t : NEAR_MINUS_1) * area);
}

const NEAR_MINUS_1 = -0.9999999999999999;
