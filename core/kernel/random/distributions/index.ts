/** Integer distributions, bit-equal on every engine: descriptions, samplers, supports. */
export * from "./description.ts";
export { factorial, orderOf } from "./permutation.ts";
export { prepare } from "./distribution.ts";
export type { Sampler } from "./sampler.ts";
export { type Support } from "./support.ts";
