/**
 * Stepping, continuing, and both backwards, on a recorded machine with breakpoints and watchpoints.
 * Long searches are cut into pieces, so that whoever waits can be told to stop.
 */
import { rv64 } from "../../core/guest/index.ts";
import type { DebugStop, RecordedMachine } from "./recorded-machine.ts";

export type Halted =
  | { readonly reason: "step" | "breakpoint" | "interrupted"; readonly hart: number }
  | { readonly reason: "watch"; readonly hart: number; readonly address: bigint }
  /** Nothing lies further in this direction. */
  | { readonly reason: "begin" | "end"; readonly hart: number };

export interface WatchRequest {
  /** As the program sees it, and where it lies in physical memory. */
  readonly address: bigint;
  readonly physical: number;
  readonly bytes: number;
}

/** Instructions between two looks at whether to stop. */
const PIECE = 4_000_000;
const MACHINE_MODE = 3n;

export class Debugger {
  readonly machine: RecordedMachine;
  readonly #breakpoints = new Set<bigint>();
  #watches: WatchRequest[] = [];

  constructor(machine: RecordedMachine) {
    this.machine = machine;
    machine.seek(machine.end);
  }

  addBreakpoint(address: bigint): boolean {
    if (this.#breakpoints.size >= 100) return false;
    this.#breakpoints.add(address);
    return true;
  }

  removeBreakpoint(address: bigint): void {
    this.#breakpoints.delete(address);
  }

  addWatch(hart: number, address: bigint, bytes: number): boolean {
    const physical = this.physical(hart, address);
    const offset = physical === null ? -1 : Number(physical - BigInt(rv64.layout.RAM_BASE));
    const { ramBytes } = this.machine.engine;
    if (offset < 0 || bytes < 1 || offset + bytes > ramBytes || this.#watches.length >= 8) {
      return false;
    }
    this.#watches.push({ address, physical: Number(physical), bytes });
    return true;
  }

  removeWatch(address: bigint, bytes: number): void {
    this.#watches = this.#watches.filter(
      (each) => each.address !== address || each.bytes !== bytes,
    );
  }

  /** Where an address that a hart would use lies; null: nowhere. */
  physical(hart: number, address: bigint): bigint | null {
    const { engine } = this.machine;
    const isMachine = engine.word(hart, rv64.layout.HART_PRIVILEGE) === MACHINE_MODE;
    return isMachine ? address : rv64.translateAddress(engine, hart, address);
  }

  /** One instruction of a hart. */
  step(hart: number): Halted {
    const { machine } = this;
    if (machine.progress >= machine.end) return { reason: "end", hart };
    const goal = machine.executed(hart) + 1;
    this.#advanceTo(hart, goal);
    return { reason: machine.executed(hart) < goal ? "end" : "step", hart };
  }

  /** To before the last instruction of a hart. */
  stepBack(hart: number): Halted {
    const { machine } = this;
    const goal = machine.executed(hart) - 1;
    if (goal < 0 || machine.progress === 0) return { reason: "begin", hart };
    const here = machine.progress;
    for (let distance = 1; ; distance *= 64) {
      machine.seek(Math.max(0, here - distance));
      if (machine.executed(hart) <= goal || machine.progress === 0) break;
    }
    this.#advanceTo(hart, goal);
    return { reason: "step", hart };
  }

  async continue(hart: number, isInterrupted: () => Promise<boolean>): Promise<Halted> {
    const { machine } = this;
    this.#arm();
    try {
      for (let over = true; machine.progress < machine.end; over = false) {
        const stop = machine.runTo(machine.progress + PIECE, over);
        if (stop !== undefined) return this.#halted(stop);
        if (await isInterrupted()) return { reason: "interrupted", hart };
      }
      return { reason: "end", hart };
    } finally {
      this.#disarm();
    }
  }

  /** To the last breakpoint or watched store before this place. */
  async continueBack(hart: number, isInterrupted: () => Promise<boolean>): Promise<Halted> {
    const { machine } = this;
    let end = machine.progress;
    for (;;) {
      const start = machine.previousBase(end);
      if (start === undefined) {
        machine.seek(0);
        return { reason: "begin", hart };
      }
      const found = this.#lastStop(start, end);
      if (found !== undefined) {
        // A store is undone: its instruction is the next one.
        machine.seek(found.stop.reason === "watch" ? found.progress - 1 : found.progress);
        return this.#halted(found.stop);
      }
      end = start;
      if (await isInterrupted()) {
        machine.seek(end);
        return { reason: "interrupted", hart };
      }
    }
  }

  /** The last store by an instruction into a physical range, at or before a place. */
  lastStore(
    physical: number,
    bytes: number,
    before: number,
  ): { readonly progress: number; readonly hart: number } | undefined {
    this.#watches = [{ address: BigInt(physical), physical, bytes }];
    for (let end = before; ;) {
      const start = this.machine.previousBase(end);
      const found = start === undefined ? undefined : this.#lastStop(start, end);
      if (start === undefined || found !== undefined) {
        this.#watches = [];
        return found && { progress: found.progress, hart: found.stop.hart };
      }
      end = start;
    }
  }

  /** The last breakpoint before `end`, or store up to it, in what lies behind `start`. */
  #lastStop(
    start: number,
    end: number,
  ): { readonly progress: number; readonly stop: DebugStop } | undefined {
    const { machine } = this;
    let last: { readonly progress: number; readonly stop: DebugStop } | undefined;
    machine.seek(start);
    this.#arm();
    try {
      for (let over = start > 0; machine.progress < end; over = true) {
        const stop = machine.runTo(end, over);
        if (stop === undefined || (stop.reason === "breakpoint" && machine.progress >= end)) break;
        last = { progress: machine.progress, stop };
      }
    } finally {
      this.#disarm();
    }
    return last;
  }

  /** Until a hart has executed so many instructions; each unit of progress is one at most. */
  #advanceTo(hart: number, executed: number): void {
    const { machine } = this;
    while (machine.executed(hart) < executed && machine.progress < machine.end) {
      machine.seek(machine.progress + executed - machine.executed(hart));
    }
  }

  #halted({ hart, reason }: DebugStop): Halted {
    if (reason === "breakpoint") return { reason, hart };
    return { reason, hart, address: this.#watches[0]?.address ?? 0n };
  }

  #arm(): void {
    this.machine.setBreakpoints([...this.#breakpoints]);
    this.machine.setWatches(
      this.#watches.map(({ physical, bytes }) => ({ address: physical, bytes })),
    );
  }

  #disarm(): void {
    this.machine.setBreakpoints([]);
    this.machine.setWatches([]);
  }
}
