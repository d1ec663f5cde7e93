/** The door of debugging: a recorded real guest at any instruction, and gdb's way to it. */
export { Debugger } from "./debugger.ts";
export { gdbPacket, GdbReader } from "./gdb-packets.ts";
export { GdbStub } from "./gdb-stub.ts";
export { type MachineSource, RecordedMachine } from "./recorded-machine.ts";
