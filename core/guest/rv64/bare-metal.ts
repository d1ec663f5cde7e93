// Running a bare-metal program alone: it starts at its ELF entry in machine mode and ends by storing to `tohost` (HTIF):
// an odd value is an exit code shifted left by one, zero after the shift means pass. Nothing else is around it: accesses
// outside RAM fault, interrupts never come.

import type { Elf, ElfProblem } from "./elf.ts";
import { Machine } from "./machine.ts";
import type { Engine } from "./engine.ts";

export type BareMetalOutcome =
  | { readonly outcome: "pass" }
  /** The program reported this code. */
  | { readonly outcome: "fail"; readonly code: bigint }
  /** The limit was reached first. */
  | { readonly outcome: "limit" }
  /** It waits for an interrupt that cannot come. */
  | { readonly outcome: "stuck"; readonly programCounter: bigint };

export interface BareMetalRun {
  readonly result: BareMetalOutcome;
  /** Instructions executed, those that trapped included, and those that retired. */
  readonly instructions: bigint;
  readonly retired: bigint;
  readonly stateHash: bigint;
}

export type BareMetalResult =
  | { readonly ok: true; readonly run: BareMetalRun }
  | { readonly ok: false; readonly problem: ElfProblem };

export const TOHOST = "tohost";

/** A program under way, so that a caller can look at the clock or at Ctrl-C between slices. */
export class BareMetal {
  readonly machine: Machine;
  readonly #tohost: bigint | null;

  private constructor(machine: Machine, tohost: bigint | null) {
    this.machine = machine;
    this.#tohost = tohost;
  }

  /** Loads an ELF read with the symbol `tohost`. */
  static load(engine: Engine, elf: Elf): BareMetal | ElfProblem {
    const machine = new Machine(engine);
    const problem = machine.loadElf(elf);
    if (problem !== null) return problem;
    const tohost = elf.symbols.get(TOHOST) ?? null;
    if (tohost !== null) {
      if (machine.read(tohost, 8) === null)
        return { code: "bad-elf", message: "tohost lies outside RAM" };
      engine.setWatches([{ address: Number(tohost), bytes: 8 }]);
    }
    return new BareMetal(machine, tohost);
  }

  /** Runs for at most `budget` more instructions; null: it goes on. */
  advance(budget: number): BareMetalOutcome | null {
    const { engine } = this.machine;
    for (let left = budget; left > 0;) {
      const { executed, stop } = engine.run(0, left);
      left -= executed;
      if (stop.reason === "watch") {
        const ended = this.#reported();
        if (ended !== null) return ended;
      } else if (stop.reason === "load" || stop.reason === "store") {
        engine.refuse(0);
        left -= 1;
      } else if (stop.reason === "wait") {
        return { outcome: "stuck", programCounter: this.machine.programCounter(0) };
      }
    }
    return null;
  }

  #reported(): BareMetalOutcome | null {
    if (this.#tohost === null) return null;
    const bytes = this.machine.read(this.#tohost, 8);
    if (bytes === null) return null;
    const value = new DataView(bytes.buffer).getBigUint64(0, true);
    if ((value & 1n) === 0n) return null;
    return value === 1n ? { outcome: "pass" } : { outcome: "fail", code: value >> 1n };
  }

  report(result: BareMetalOutcome): BareMetalRun {
    const { machine } = this;
    return {
      result,
      instructions: machine.progress(0),
      retired: machine.retired(0),
      stateHash: machine.stateHash(),
    };
  }
}

/** Runs an ELF from start to end on an engine whose RAM is zero. */
export function runBareMetal(engine: Engine, elf: Elf, mostInstructions: number): BareMetalResult {
  const program = BareMetal.load(engine, elf);
  if (!(program instanceof BareMetal)) return { ok: false, problem: program };
  const result = program.advance(mostInstructions) ?? { outcome: "limit" as const };
  return { ok: true, run: program.report(result) };
}
