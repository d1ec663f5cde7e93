/**
 * What a debugger needs of a recorded machine, and nothing of how it is rebuilt: a machine that stands
 * between two instructions and can be moved forwards and backwards, but not changed.
 *
 * A place is a progress of the machine (instructions of all harts and ticks in which all of them
 * waited), counted on over its resets and power cycles, each of which takes one more. At a place, what
 * the recording put in there has been delivered and nothing has been executed since.
 */
import type { Sliced } from "../replaying/sliced.ts";

export type Direction = "forward" | "backward";

export type WatchKind = "write" | "read" | "access";

/** Bytes that are watched, at an address of the hart that the debugger looks at. */
export interface WatchedRange {
  readonly kind: WatchKind;
  readonly address: bigint;
  readonly bytes: number;
}

/** Where a movement ends by itself. */
export interface Stops {
  /** Virtual addresses of instructions. */
  readonly breakpoints: readonly bigint[];
  readonly watches: readonly WatchedRange[];
}

/** Why a movement ended. */
export type Halted =
  | { readonly kind: "stepped"; readonly hart: number }
  /** The hart's next instruction is at a breakpoint. */
  | { readonly kind: "breakpoint"; readonly hart: number }
  /**
   * The access is what comes next in this direction: about to be made, or about to be undone. GDB expects it so on
   * RISC-V, and takes the step itself.
   */
  | { readonly kind: "watch"; readonly hart: number; readonly range: WatchedRange }
  /** There is nothing before, or nothing after. */
  | { readonly kind: "begin" | "end" }
  /** Whoever drives the movement wanted it to end. */
  | { readonly kind: "interrupted" };

export interface Whereabouts {
  readonly place: number;
  /** Power-ons and resets before. */
  readonly run: number;
  /** Progress within the run. */
  readonly progress: number;
  /** Instructions that retired in this run, of all harts. */
  readonly retired: bigint;
  /** Simulated time, and the last event of the world up to then; null behind what a salvaged trace vouches for. */
  readonly world: { readonly timeNs: number; readonly event: number } | null;
}

/** Registers of a hart, by name of the target description. */
export type RegisterName =
  | { readonly kind: "integer" | "float" | "csr"; readonly number: number }
  | { readonly kind: "pc" | "privilege" };

export interface DebugTarget {
  readonly harts: number;
  /** First and last place. */
  readonly begin: number;
  readonly end: number;
  place(): number;
  /** The hart that executes next, or did last when there is none. */
  hart(): number;
  /** null: there is no such register. */
  register(hart: number, name: RegisterName): bigint | null;
  /**
   * Bytes at a virtual address of the hart, a physical one where it does not translate; as many as there are, so none
   * at all where there is nothing. Changes nothing, marks in page tables included.
   */
  read(hart: number, address: bigint, bytes: number): Uint8Array;
  where(): Whereabouts;
  /** What is wrong with them, or null. Ranges are looked up as `hart` sees them now. */
  setStops(hart: number, stops: Stops): string | null;
  /**
   * To the next stop. `step`: at most until this hart has executed one instruction. `only`: forwards,
   * other harts than this one run through breakpoints.
   */
  move(
    direction: Direction,
    step: number | null,
    goesOn: () => boolean,
    only?: number,
  ): Sliced<Halted>;
  /** To a place, or as near as there is one. */
  seek(place: number, goesOn: () => boolean): Sliced<Halted>;
}
