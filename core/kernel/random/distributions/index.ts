/** Integer distributions, bit-equal on every engine: descriptions, samplers, supports. */
export * from "./description.ts";
export { distributionProblem } from "./check-distribution.ts";
export { factorial, LARGEST_PERMUTATION, orderOf, shuffled } from "./permutation.ts";
export { prepare, sample, SamplerCache } from "./distribution.ts";
export type { Sampler } from "./sampler.ts";
export { isPossible, supportOf, type Support } from "./support.ts";
