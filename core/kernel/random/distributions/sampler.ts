/**
 * A prepared distribution. Preparing computes tables and constants from the description alone, so a
 * sampler is a pure cache: dropping it and preparing again changes no draw.
 */
import type { RandomSource } from "../random-source.ts";
import type { Distribution } from "./description.ts";

export interface Sampler {
  /** What it was prepared from. */
  readonly distribution: Distribution;
  /** One result of the distribution, a safe integer. Allocates nothing. */
  draw(source: RandomSource): number;
}
