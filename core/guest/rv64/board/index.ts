// The door of the board: the machine around an engine.

export { Board, type BoardMade, type BoardRun } from "./board.ts";
export { MustWait } from "./host-access.ts";
export type { BootFiles } from "./boot/load.ts";
export { verbatimPages } from "./boot/verbatim-pages.ts";
export type { BoardConfig, BoardProblem, ElfBoot, LinuxBoot } from "./config.ts";
export type { BoardInput, BoardOutput, ConsolePort, Halt, LifecycleEvent } from "./contract.ts";
export type { BoardState } from "./state.ts";
