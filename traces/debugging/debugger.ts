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

interface Stopped {
  readonly progress: number;
  readonly stop: DebugStop;
}

const NO_SYMBOLS: rv64.Symbols = { find: () => undefined, nameOf: () => "", all: new Map() };
/** Of the stops in an interval, only the last few are looked at. */
const STOPS_KEPT = 64;
/** Instructions between two looks at whether to stop. */
const PIECE = 4_000_000;
const MACHINE_MODE = 3n;

/** How many bytes a store writes, by its name. */
function storedBytes(text: string): number {
  const [, width = ""] =
    /^(?:c\.)?(?:f?s([bhwd])|(?:amo\w+|sc)\.([wd]))/.exec(text)?.filter(Boolean) ?? [];
  return { b: 1, h: 2, w: 4 }[width] ?? 8;
}

export class Debugger {
  readonly machine: RecordedMachine;
  readonly #breakpoints = new Set<bigint>();
  #watches: WatchRequest[] = [];

  /** Begins at a place, the end of the recording unless told. */
  constructor(machine: RecordedMachine, at: number = machine.end) {
    this.machine = machine;
    machine.seek(at);
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
    if (physical === null || !this.isInRam(physical, bytes) || this.#watches.length >= 8) {
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

  isInRam(physical: bigint, bytes: number): boolean {
    const offset = physical - BigInt(rv64.layout.RAM_BASE);
    return bytes > 0 && offset >= 0n && offset + BigInt(bytes) <= this.machine.engine.ramBytes;
  }

  /** Bytes of physical memory, in hexadecimal. */
  dump(physical: bigint, bytes: number): string {
    const read = rv64.bytesAt(this.machine, physical, bytes, (address) => address);
    return Array.from(read, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }

  /** The next instruction of a hart. */
  instructionAt(
    hart: number,
    symbols: rv64.Symbols,
  ): { readonly pc: string; readonly at: string; readonly text: string } {
    const pc = this.machine.engine.word(hart, rv64.layout.HART_PC);
    const bytes = rv64.bytesAt(this.machine, pc, 4, (address) => this.physical(hart, address));
    const text = rv64.disassemble(bytes, pc)?.text ?? "?";
    return { pc: rv64.hex(pc), at: symbols.nameOf(pc), text };
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
        if (stop !== undefined && this.#isOurs({ progress: machine.progress, stop })) {
          return this.#halted(stop);
        }
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
  #lastStop(start: number, end: number): Stopped | undefined {
    const { machine } = this;
    let stops: Stopped[] = [];
    machine.seek(start);
    this.#arm();
    try {
      for (let over = start > 0; machine.progress < end; over = true) {
        const stop = machine.runTo(end, over);
        if (stop === undefined || (stop.reason === "breakpoint" && machine.progress >= end)) break;
        stops.push({ progress: machine.progress, stop });
        if (stops.length > 2 * STOPS_KEPT) stops = stops.slice(-STOPS_KEPT);
      }
    } finally {
      this.#disarm();
    }
    return stops.findLast((each) => this.#isOurs(each));
  }

  /**
   * The machine watches places of its own (`tohost`): whether the instruction before a stop stored
   * into what the debugger watches. Leaves the machine where it was.
   */
  #isOurs({ progress, stop }: Stopped): boolean {
    if (stop.reason === "breakpoint") return true;
    const { machine } = this;
    const here = machine.progress;
    machine.seek(progress - 1);
    const { text } = this.instructionAt(stop.hart, NO_SYMBOLS);
    const [, offset = "0", base = ""] = /(-?\d*)\((\w+)\)$/.exec(text) ?? [];
    const register = rv64.INTEGER_NAMES.indexOf(base);
    const value = machine.engine.word(stop.hart, rv64.layout.HART_X + 8 * Math.max(register, 0));
    const address = BigInt.asUintN(64, value + BigInt(offset === "" ? 0 : offset));
    const physical = Number(this.physical(stop.hart, address) ?? -1n);
    machine.seek(here);
    return this.#watches.some(
      (each) =>
        physical < each.physical + each.bytes && physical + storedBytes(text) > each.physical,
    );
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
