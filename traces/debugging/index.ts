/** The door of debugging: a recorded real guest at any instruction, for `why`. */
export { Debugger } from "./debugger.ts";
export { type MachineSource, RecordedMachine } from "./recorded-machine.ts";
