/** The door of fault tolerance: machines that go on elsewhere as if nothing had happened. */
export { createFaultTolerance, type FaultTolerance } from "./fault-tolerance.ts";
export { OUTPUT_NOTICE } from "./outputs.ts";
export { protect, type ProtectParams } from "./protect.ts";
export { type FtSettings } from "./settings.ts";
