// The state of everything around harts and RAM, as plain data: with the hart blocks and RAM it is the whole machine. 64-bit
// registers are hexadecimal text; addresses within RAM and counts are safe integers.

import type { Editable } from "../../../kernel/index.ts";
import type { IntegrityState } from "../../integrity/index.ts";
import type { Halt } from "./contract.ts";
import type { BoardConfig } from "./config.ts";
import { SOURCES } from "./memory-map.ts";
import { initialVirtio, type VirtioState } from "./virtio/state.ts";

/** SBI hart states (spec 2.0, 9); calls take effect at once. */
export type HartStatus = "started" | "stopped" | "suspended";

/** Where a suspended hart that lost its registers goes on, and what is in a1 then. */
export type Resume = { address: string; argument: string };

export interface ScheduleState {
  /** Order of the harts in this round. */
  order: number[];
  /** Numbers of the orders of the next rounds, as far as the host has given them. */
  orders: number[];
  /** The host is to be asked for more behind the next instruction. */
  asks: boolean;
  /** Whose turn it is: an index of `order`. */
  position: number;
  /** Instructions left of its quantum. */
  left: number;
}

export interface ClintState {
  msip: boolean[];
  mtimecmp: string[];
  /** What software added to the clock by writing mtime, modulo 2^64. */
  offset: string;
  /** Deadlines set by SBI `set_timer`; all ones: none. */
  deadlines: string[];
}

export interface PlicState {
  /** By source; 0 is unused. */
  priority: number[];
  /** Bit masks over sources: levels of the lines, requests forwarded, requests in service. */
  level: number;
  pending: number;
  claimed: number;
  /** By context: two per hart, machine then supervisor. */
  enable: number[];
  threshold: number[];
}

export interface UartState {
  interruptEnable: number;
  lineControl: number;
  modemControl: number;
  scratch: number;
  divisor: number;
  fifoControl: number;
  /** The transmitter is empty and nobody has been told yet. */
  transmitterReady: boolean;
  /** Bytes typed and not read yet. */
  input: number[];
}

/** Bytes on their way out of a console port. */
export interface ConsoleState {
  output: number[];
  /** Progress at which they leave at the latest; null when there are none. */
  flushAt: number | null;
}

export type BoardState = {
  /** The clock of the machine: instructions executed by all harts, and ticks in which all of them waited. */
  progress: number;
  started: boolean;
  halted: Halt | null;
  schedule: ScheduleState;
  harts: HartStatus[];
  /** By hart; null: none, or it kept its registers. */
  resumes: (Resume | null)[];
  clint: ClintState;
  plic: PlicState;
  uart: UartState;
  consoles: { serial: ConsoleState; virtio: ConsoleState };
  virtio: VirtioState[];
  /** Physical address of `tohost`, or null. */
  tohost: number | null;
  /** Number of the next request to the host. */
  nextRequest: number;
  /** It has an integrity driver. */
  integrity?: Editable<IntegrityState>;
};

export const NEVER = "ffffffffffffffff";

const filled = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

const noOutput = (): ConsoleState => ({ output: [], flushAt: null });

/** The state at power-on, before anything is loaded. */
export function initialState(config: BoardConfig): BoardState {
  const { harts } = config;
  const order = Array.from({ length: harts }, (_, hart) => hart);
  return {
    progress: 0,
    started: false,
    halted: null,
    schedule: { order, orders: [], asks: harts > 1, position: 0, left: config.quantum },
    harts: filled<HartStatus>(harts, "started"),
    resumes: filled<Resume | null>(harts, null),
    clint: {
      msip: filled(harts, false),
      mtimecmp: filled(harts, NEVER),
      offset: "0",
      deadlines: filled(harts, NEVER),
    },
    plic: {
      priority: filled(SOURCES + 1, 0),
      level: 0,
      pending: 0,
      claimed: 0,
      enable: filled(2 * harts, 0),
      threshold: filled(2 * harts, 0),
    },
    uart: {
      interruptEnable: 0,
      lineControl: 0,
      modemControl: 0,
      scratch: 0,
      divisor: 0,
      fifoControl: 0,
      transmitterReady: false,
      input: [],
    },
    consoles: { serial: noOutput(), virtio: noOutput() },
    virtio: initialVirtio(config),
    tohost: null,
    nextRequest: 1,
  };
}
