/** The door of the kernel's test world, for tests of other folders. */
export {
  finishSample,
  SAMPLE,
  SAMPLE_END_NS,
  type SampleOptions,
  sampleWorld,
} from "./sample-world.ts";
export { ArrayBacking, type Core, type CoreOptions, coreWorld, memoryOf } from "./clocked-cores.ts";
