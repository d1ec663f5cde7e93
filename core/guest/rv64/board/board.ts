// The machine around an engine: harts that take turns, devices, firmware, a clock. This is what a virtual machine monitor
// (or a harness) drives:
//
//   const made = Board.create(engine, config, files);        // RAM is zero; problems come as data
//   board.deliver(input);                                    // at the current progress
//   const { outputs, reason, idleUntil } = board.run(until); // until: a progress
//
// - Progress is the machine's clock: the instructions executed by all harts, plus one tick for each that would have been
//   executed while all of them waited. Idle time passes by itself, inside `run`, at no cost: there is no input for it, and
//   reason "budget" always means that progress is `until`. `idleUntil` says that nothing will happen before (see below).
// - A run ends right behind the first instruction with an output, so an answer can be delivered at that progress. Console
//   bytes are gathered: they leave at a newline, at 256 bytes, or one millisecond of guest time after the first one.
// - Where runs are cut has no influence on anything: state, outputs and their progress are functions of files,
//   configuration and the list of (progress, input).
// - The whole state is `state`, the hart blocks and RAM (engine). To restore: write RAM and harts into an engine, then
//   `new Board(engine, config, state)`. `state` is edited in place: copy it (structuredClone) to keep it.
// - Watches belong to the board (`tohost` is one): a debugger adds its own through `setWatches`, breakpoints through the
//   engine. Both end a run with reason "debug" and change nothing else; go on with `stepOver`.

import { assert, canonicalBytes, hash64 } from "../../../kernel/index.ts";
import type { Engine, RunResult, Stop, Watch } from "../engine.ts";
import * as layout from "../layout.ts";
import { Machine } from "../machine.ts";
import { type BootFiles, load } from "./boot/load.ts";
import { Bus } from "./bus.ts";
import { fromHex } from "./clint.ts";
import { type BoardConfig, type BoardProblem, configProblem } from "./config.ts";
import { addByte, takeOutput } from "./console-output.ts";
import type { BoardInput, BoardOutput, ConsolePort, Emission, Halt } from "./contract.ts";
import { doOrWait, takeBackCall, takeBackExit } from "./host-access.ts";
import { attendToHost } from "./htif.ts";
import { takeInput } from "./inputs.ts";
import { checkMode, enterMode, resumePoints } from "./integrity-mode.ts";
import { type Deadlines, deadlinesOf, linesOf, nextPassing } from "./interrupt-lines.ts";
import { nextTurn, takeTurn } from "./schedule.ts";
import { attendToFirmwareCall } from "./sbi/firmware.ts";
import { wakeHart } from "./sbi/harts.ts";
import { type BoardState, initialState } from "./state.ts";
import type { Surroundings } from "./surroundings.ts";

type TraceStop = Extract<Stop, { readonly reason: "trace" }>;

export interface BoardRun {
  readonly outputs: readonly BoardOutput[];
  /**
   * budget: progress is `until`. output: there are outputs. halted: the machine ended, now or before (`state.halted`).
   * asked: the host asked for it (`stopSoon`, `stopsAtIntegrity`).
   * debug: a breakpoint or a watch of the debugger was reached, or a traced page (`stop`, `hart`).
   */
  readonly reason: "budget" | "output" | "halted" | "debug" | "asked";
  /**
   * Not null: every hart waits; without an input nothing is executed and nothing comes out before this progress
   * (infinite: never).
   */
  readonly idleUntil: number | null;
  readonly stop?: Stop;
  readonly hart?: number;
}

export type BoardMade =
  | { readonly ok: true; readonly board: Board }
  | { readonly ok: false; readonly problem: BoardProblem };

const PORTS: readonly ConsolePort[] = ["serial", "virtio"];

export class Board implements Surroundings {
  readonly engine: Engine;
  readonly config: BoardConfig;
  readonly state: BoardState;
  readonly #bus: Bus;
  readonly #deadlines: Deadlines[];
  #emissions: Emission[] = [];
  #watches: readonly Watch[] = [];
  #breakpoints: readonly bigint[] = [];
  /** Where interrupted stays in integrity mode go on. */
  #resumePoints: readonly bigint[] = [];
  #isAsked = false;
  /** Runs end where integrity mode, or what is protected, changes. A setting of the host: it changes nothing else. */
  stopsAtIntegrity = false;

  /** Around an engine that holds what belongs to `state`. */
  constructor(engine: Engine, config: BoardConfig, state: BoardState) {
    assert(engine.harts === config.harts, "as many harts as configured");
    assert(engine.ramBytes === config.memoryMiB * 2 ** 20, "as much RAM as configured");
    this.engine = engine;
    this.config = config;
    this.state = state;
    this.#bus = new Bus(this);
    this.#deadlines = state.harts.map((_, hart) => deadlinesOf(this, hart));
    this.setWatches([]);
    this.setBreakpoints([]);
  }

  /** Powers a machine on: loads what it boots into an engine whose RAM is zero. */
  static create(engine: Engine, config: BoardConfig, files: BootFiles): BoardMade {
    const problem = configProblem(config);
    if (problem !== null) return { ok: false, problem };
    const state = initialState(config);
    const unloadable = load(engine, config, files, state);
    if (unloadable !== null) return { ok: false, problem: unloadable };
    return { ok: true, board: new Board(engine, config, state) };
  }

  /** Safe integer; see above. */
  progress(): number {
    return this.state.progress;
  }

  /** The hart that executes next; null when all of them wait. */
  nextHart(): number | null {
    const { state, config } = this;
    return nextTurn(state.schedule, config.quantum, (hart) => this.#canRun(hart))?.hart ?? null;
  }

  /** Something from outside happens at the current progress. */
  deliver(input: BoardInput): void {
    assert(this.offer(input) === null, "what it has to write is there");
  }

  /** The same, where it may have to wait for a page (`Engine.hostMayWait`): then nothing has happened. */
  offer(input: BoardInput): TraceStop | null {
    const waits = this.#carefully(() => takeInput(this, this.#bus, input));
    this.#bus.updateLines();
    this.#settle();
    assert(this.#emissions.length === 0, "inputs by themselves put nothing out");
    return waits;
  }

  /** Hash over everything that is state: equal in both engines, wherever the runs were cut. */
  stateHash(): bigint {
    return hash64(canonicalBytes(this.state), new Machine(this.engine).stateHash());
  }

  /** Ranges that a debugger wants to see stores to, besides those of the machine itself. */
  setWatches(watches: readonly Watch[]): void {
    this.#watches = watches;
    const { tohost } = this.state;
    const own = tohost === null ? [] : [{ address: tohost, bytes: 8 }];
    this.engine.setWatches([...own, ...watches]);
  }

  /** Addresses at which a debugger wants to stop. */
  setBreakpoints(addresses: readonly bigint[]): void {
    this.#breakpoints = addresses;
    this.#resumePoints = resumePoints(this);
    this.engine.setBreakpoints([...new Set([...addresses, ...this.#resumePoints])]);
  }

  /** The run ends behind this instruction. */
  stopSoon(): void {
    this.#isAsked = true;
  }

  integrityChanged(): void {
    this.setBreakpoints(this.#breakpoints);
    if (this.stopsAtIntegrity) this.#isAsked = true;
  }

  /** Runs until progress is `until`, or less: see `BoardRun`. With `stepOver`, a breakpoint right here is ignored. */
  run(until: number, stepOver = false): BoardRun {
    const { state } = this;
    assert(Number.isSafeInteger(until) && until >= state.progress, "progress only grows");
    this.#isAsked = false;
    this.#start();
    for (let over = stepOver; this.#goesOn() && state.progress < until; over = false) {
      const turn = nextTurn(state.schedule, this.config.quantum, (hart) => this.#canRun(hart));
      if (turn === null) {
        this.#pass(Math.min(until, this.#nextInstant()));
        continue;
      }
      // Before the turn is taken: what is delivered here may still change whose it is.
      const isInMode = enterMode(this, turn.hart);
      if (!this.#goesOn()) break;
      this.#switchFrom(state.schedule.order[state.schedule.position]!, turn.hart);
      takeTurn(state.schedule, turn);
      if (state.harts[turn.hart] === "suspended") wakeHart(this, turn.hart);
      const most = Math.min(
        isInMode ? 1 : Infinity,
        until - state.progress,
        // Behind one instruction, so that a run ends there wherever the one before was cut.
        state.schedule.asks ? 1 : state.schedule.left,
        this.#untilInstant(turn.hart),
      );
      const pc = this.engine.word(turn.hart, layout.HART_PC);
      const isOver = over || (this.#resumePoints.includes(pc) && !this.#breakpoints.includes(pc));
      const { stop } = this.#execute(turn.hart, most, isOver);
      if (isInMode) checkMode(this, turn.hart, pc);
      if (stop !== null) return this.#finish("debug", { stop, hart: turn.hart });
    }
    if (state.halted !== null) return this.#finish("halted");
    if (this.#isAsked) return this.#finish("asked");
    return this.#finish(this.#emissions.length > 0 ? "output" : "budget");
  }

  #finish(
    reason: BoardRun["reason"],
    debug?: { readonly stop: Stop; readonly hart: number },
  ): BoardRun {
    const { progress } = this.state;
    const outputs = this.#emissions.map((emission): BoardOutput => ({ ...emission, progress }));
    this.#emissions = [];
    const idle = this.state.halted === null && !this.state.harts.some((_, i) => this.#canRun(i));
    return { outputs, reason, idleUntil: idle ? this.#nextInstant() : null, ...debug };
  }

  #goesOn(): boolean {
    return this.#emissions.length === 0 && this.state.halted === null && !this.#isAsked;
  }

  #start(): void {
    if (this.state.started) return;
    this.state.started = true;
    this.emit({ kind: "lifecycle", event: "preboot" });
  }

  /** Whether a hart would execute something now. */
  #canRun(hart: number): boolean {
    if (this.state.harts[hart] === "stopped") return false;
    const { engine } = this;
    if (engine.word(hart, layout.HART_WAITING) === 0n) return true;
    const pending = engine.word(hart, layout.HART_MIP) | engine.word(hart, layout.HART_PINS);
    return (pending & engine.word(hart, layout.HART_MIE)) !== 0n;
  }

  /** A reservation does not outlive its hart's turn: others are about to store. */
  #switchFrom(last: number, next: number): void {
    if (last !== next) this.engine.setWord(last, layout.HART_RESERVATION, (1n << 64n) - 1n);
  }

  /** The next progress at which something happens without any instruction: a timer, or console bytes that leave. */
  #nextInstant(): number {
    const { progress, consoles } = this.state;
    const timers = this.#deadlines.map((deadlines) => nextPassing(deadlines, progress));
    const flushes = PORTS.map((port) => consoles[port].flushAt ?? Infinity);
    return Math.min(...timers, ...flushes);
  }

  /** The same while a hart runs: the timers of others are looked at when it is their turn. */
  #untilInstant(hart: number): number {
    const { progress, consoles } = this.state;
    let instant = nextPassing(this.#deadlines[hart]!, progress);
    for (const port of PORTS) instant = Math.min(instant, consoles[port].flushAt ?? Infinity);
    return instant - progress;
  }

  #execute(hart: number, budget: number, stepOver: boolean): { readonly stop: Stop | null } {
    this.#setClock(hart);
    const { progress } = this.state;
    const { executed, stop } = this.engine.run(hart, budget, stepOver);
    this.#advance(executed);
    const debug = this.#attend(hart, { executed, stop });
    this.#settle();
    const { schedule } = this.state;
    if (schedule.asks && this.state.progress > progress) {
      schedule.asks = false;
      this.emit({ kind: "need-orders" });
    }
    return { stop: debug };
  }

  /** The hart's `time` register shows the machine's clock as long as it runs. */
  #setClock(hart: number): void {
    const { engine, state } = this;
    const own = engine.word(hart, layout.HART_PROGRESS);
    const since = BigInt.asUintN(64, own - BigInt(state.progress));
    engine.setWord(hart, layout.HART_TIME_SINCE, since);
    engine.setWord(hart, layout.HART_TIME_BASE, fromHex(state.clint.offset));
  }

  #advance(executed: number): void {
    this.state.progress += executed;
    this.state.schedule.left -= executed;
  }

  /** Does what a run stopped for; returns what concerns a debugger only. */
  #attend(hart: number, { stop }: RunResult): Stop | null {
    switch (stop.reason) {
      case "load": {
        let value: bigint | null = null;
        const waits = this.#carefully(() => (value = this.#bus.load(stop.address, stop.bytes)));
        if (waits !== null) return this.#takeBack(hart, waits);
        if (value === null) this.engine.refuse(hart);
        else this.engine.answer(hart, value);
        this.#advance(1);
        return null;
      }
      case "store": {
        // Done first: what the device does comes behind the instruction.
        const { address, bytes, value } = stop;
        let isTaken = false;
        const waits = this.#carefully(() => (isTaken = this.#bus.store(address, bytes, value)));
        if (waits !== null) return this.#takeBack(hart, waits);
        if (isTaken) this.engine.answer(hart, 0n);
        else this.engine.refuse(hart);
        this.#advance(1);
        return null;
      }
      case "firmware": {
        const waits = this.#carefully(() => attendToFirmwareCall(this, hart));
        if (waits === null) return null;
        takeBackCall(this.engine, hart);
        this.#advance(-1);
        return waits;
      }
      case "watch":
        attendToHost(this);
        return this.#watches.length > 0 ? stop : null;
      case "breakpoint":
        return this.#breakpoints.includes(this.engine.word(hart, layout.HART_PC)) ? stop : null;
      case "ebreak":
      case "trace":
        return stop;
      default:
        return null;
    }
  }

  /** Work around the harts that may come to a page which is not there: then nothing of it has happened. */
  #carefully(work: () => void): TraceStop | null {
    const { engine, state } = this;
    if (!engine.hostMayWait) {
      work();
      return null;
    }
    const before = structuredClone(state);
    const emitted = this.#emissions.length;
    const waits = doOrWait(engine, work);
    if (waits === null) return null;
    for (const key of Object.keys(state)) delete (state as { [key: string]: unknown })[key];
    Object.assign(state, before);
    this.#emissions.length = emitted;
    const { page, writes } = waits;
    return { reason: "trace", page, writes };
  }

  /** The hart stands before its load or store again. */
  #takeBack(hart: number, waits: TraceStop): TraceStop {
    takeBackExit(this.engine, hart);
    return waits;
  }

  /** Time passes while every hart waits. */
  #pass(until: number): void {
    this.state.progress = until;
    this.#settle();
  }

  /** Brings interrupt lines, and console bytes whose time has come, up to the current progress. */
  #settle(): void {
    const { state, engine } = this;
    state.harts.forEach((_, hart) => {
      this.#deadlines[hart] = deadlinesOf(this, hart, this.#deadlines[hart]);
      const lines = BigInt(linesOf(this, hart, this.#deadlines[hart]!));
      if (engine.word(hart, layout.HART_PINS) !== lines)
        engine.setWord(hart, layout.HART_PINS, lines);
    });
    for (const port of PORTS) {
      const { flushAt } = state.consoles[port];
      if (flushAt !== null && state.progress >= flushAt) this.#flush(port);
    }
  }

  #flush(port: ConsolePort): void {
    const bytes = takeOutput(this.state.consoles[port]);
    if (bytes.length > 0) this.emit({ kind: "console", port, bytes });
  }

  emit(output: Emission): void {
    this.#emissions.push(output);
  }

  print(port: ConsolePort, bytes: Iterable<number>): void {
    const console = this.state.consoles[port];
    for (const byte of bytes)
      if (addByte(console, byte, this.state.progress, this.config)) this.#flush(port);
  }

  halt(halt: Halt): void {
    for (const port of PORTS) this.#flush(port);
    this.state.halted = halt;
    this.emit({ kind: "lifecycle", event: "shutdown" });
    this.emit({ kind: "halt", halt });
  }
}
