// The interrupt lines into each hart, as a function of the state of the devices and of the clock alone.

import { PLIC_CONTEXTS_PER_HART } from "./memory-map.ts";
import { fromHex, progressOf } from "./clint.ts";
import { interrupts } from "./plic.ts";
import { NEVER } from "./state.ts";
import type { Surroundings } from "./surroundings.ts";

const MSIP = 0x8;
const STIP = 0x20;
const MTIP = 0x80;
const SEIP = 0x200;
const MEIP = 0x800;

/** When the timers of a hart pass, as progress (infinite: never), and from what that was computed. */
export interface Deadlines {
  readonly machine: number;
  readonly supervisor: number;
  readonly from: readonly [machine: string, supervisor: string, offset: string];
}

/** The deadlines of a hart; `known` ones are kept as long as nothing they depend on was changed. */
export function deadlinesOf(around: Surroundings, hart: number, known?: Deadlines): Deadlines {
  const { mtimecmp, deadlines, offset } = around.state.clint;
  const machine = mtimecmp[hart]!;
  const supervisor = deadlines[hart]!;
  const from = known?.from;
  if (from?.[0] === machine && from[1] === supervisor && from[2] === offset) return known!;
  const when = (text: string): number =>
    text === NEVER ? Infinity : progressOf(around, fromHex(text));
  return {
    machine: when(machine),
    supervisor: when(supervisor),
    from: [machine, supervisor, offset],
  };
}

/** The lines of a hart at the current progress. */
export function linesOf({ state }: Surroundings, hart: number, deadlines: Deadlines): number {
  const { plic, clint, progress } = state;
  const context = hart * PLIC_CONTEXTS_PER_HART;
  return (
    (clint.msip[hart] === true ? MSIP : 0) |
    (progress >= deadlines.supervisor ? STIP : 0) |
    (progress >= deadlines.machine ? MTIP : 0) |
    (interrupts(plic, context + 1) ? SEIP : 0) |
    (interrupts(plic, context) ? MEIP : 0)
  );
}

/** The next progress after `now` at which one of the timers passes. Asked at every exit. */
export function nextPassing({ machine, supervisor }: Deadlines, now: number): number {
  return Math.min(machine > now ? machine : Infinity, supervisor > now ? supervisor : Infinity);
}
