// The door of the RV64 machine.

export { BareMetal, TOHOST } from "./bare-metal.ts";
export type { BareMetalOutcome, BareMetalResult, BareMetalRun } from "./bare-metal.ts";
export { CompiledEngine, type CompiledOptions } from "./compiled/index.ts";
export { readElf } from "./elf.ts";
export type { Elf, ElfProblem, ElfResult, ElfSegment } from "./elf.ts";
export type { Engine, EngineOptions, PageTrace, RunResult, Stop, Watch } from "./engine.ts";
export * as layout from "./layout.ts";
export { Machine, type MachineSnapshot } from "./machine.ts";
export { ReferenceEngine } from "./reference/index.ts";
export * from "./board/index.ts";
export * from "./disassembly/index.ts";
export * from "./inspection/index.ts";
