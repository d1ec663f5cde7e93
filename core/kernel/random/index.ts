/** Random streams and the distributions drawn from them. */
export * from "./distributions/index.ts";
export type { RandomSource } from "./random-source.ts";
export { StreamGenerator } from "./stream-generator.ts";
export { StreamSeeder, streamSeed, type ScenarioSeed, type StreamState } from "./stream-seed.ts";
