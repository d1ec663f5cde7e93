// What a device, or the firmware, may do to the machine around it. Everything a device does goes through this, so that it
// can be told apart from what it keeps: its part of BoardState.

import type { BoardConfig } from "./config.ts";
import type { ConsolePort, Emission, Halt } from "./contract.ts";
import type { Engine } from "../engine.ts";
import type { BoardState } from "./state.ts";

export interface Surroundings {
  readonly engine: Engine;
  readonly config: BoardConfig;
  readonly state: BoardState;
  /** Sends something out; the run stops behind this instruction. */
  emit(output: Emission): void;
  /** Bytes for a console port; they leave at a newline, when there are many, or a millisecond later. */
  print(port: ConsolePort, bytes: Iterable<number>): void;
  halt(halt: Halt): void;
  /** Integrity mode, or what is protected, is another: who runs the machine may want to know. */
  integrityChanged(): void;
}

/** A range of the physical address space. Null and false: there is no such register, or not of that width. */
export interface Device {
  load(offset: number, bytes: number): bigint | null;
  store(offset: number, bytes: number, value: bigint): boolean;
}
