/**
 * A real guest of a recorded run at any instruction, alone: its pages, harts and devices come from the
 * nearest saved snapshot, what it received since from its boundary log. A place is a progress of the
 * machine in one of its runs; at a place all inputs with that progress have been taken.
 */
import {
  type EntityInImage,
  entityInImage,
  keepCopy,
  type PageChunk,
  PagedMemory,
  type World,
} from "../../core/kernel/index.ts";
import { type GuestSpec, rv64 } from "../../core/guest/index.ts";
import {
  bootFiles,
  LiveMachine,
  type MachineConfig,
  type MachineEntry,
  machineShape,
  type Machines,
  type MachineState,
  timeOf,
} from "../../core/vmm/index.ts";
import { chunkKinds } from "../format/index.ts";
import { boundaryRows } from "../recording/boundary-log.ts";
import type { Timeline } from "../replaying/timeline.ts";

/** Whoever builds worlds builds machines alone, too. */
export interface MachineSource {
  readonly guestSpec: (vm: string) => GuestSpec;
  readonly machines: Machines;
}

/** A state from which the machine can go on. */
interface Base {
  readonly progress: number;
  /** Entries of the run that it has taken. */
  readonly taken: number;
  readonly board: rv64.BoardState;
  readonly chunks: readonly PageChunk[];
}

/** Why `run` stopped before its goal. */
export interface DebugStop {
  readonly hart: number;
  readonly reason: "breakpoint" | "watch";
}

/** Instructions between a base made on the way and the place that was looked for. */
const NEAR = 1 << 17;
const BASES_KEPT = 12;

export class RecordedMachine {
  readonly vm: string;
  /** Number of the power-on. */
  readonly run: number;
  readonly engine: rv64.Engine;
  /** The last place that the recording reaches. */
  readonly end: number;
  readonly #timeline: Timeline;
  readonly #config: rv64.BoardConfig;
  readonly #live: LiveMachine;
  readonly #memory: PagedMemory;
  readonly #slice: number;
  readonly #entries: readonly MachineEntry[];
  /** Entries of earlier runs. */
  readonly #before: number;
  readonly #start: Base;
  /** Snapshots of the trace that hold the machine, by progress. */
  readonly #saved: readonly { readonly progress: number; readonly index: number }[];
  /** Made on the way, last used last. */
  #made: Base[] = [];
  #board: rv64.Board;
  #taken = 0;
  #watches: readonly rv64.Watch[] = [];

  /** Undefined when the VM was never powered on. */
  static open(timeline: Timeline, source: MachineSource, vm: string): RecordedMachine | undefined {
    const entries = entriesOf(timeline, vm);
    return entries.length === 0 ? undefined : new RecordedMachine(timeline, source, vm, entries);
  }

  private constructor(
    timeline: Timeline,
    { guestSpec, machines }: MachineSource,
    vm: string,
    entries: readonly MachineEntry[],
  ) {
    this.vm = vm;
    this.#timeline = timeline;
    const first = entries.findLastIndex(({ input }) => input.kind === "start");
    const { input } = entries[first]!;
    this.run = input.kind === "start" ? input.run : 1;
    this.#before = first + 1;
    this.#entries = entries.slice(first + 1);
    this.#config = (guestSpec(vm).config as unknown as MachineConfig).board;
    this.#slice = machines.slice;
    const shape = machineShape(this.#config);
    this.engine = machines.engine({
      ramBytes: this.#config.memoryMiB * 2 ** 20,
      harts: this.#config.harts,
    });
    this.#live = new LiveMachine(shape, this.engine);
    this.#memory = new PagedMemory(shape.pages, this.#live);
    const files = bootFiles(machines, this.#config);
    const made = rv64.Board.create(this.engine, this.#config, files);
    if (!made.ok) throw new Error(made.problem.message);
    this.#board = made.board;
    this.#start = this.#base();
    this.#saved = this.#findSaved(entries);
    this.end = this.#findEnd();
  }

  /** Where it is. */
  get progress(): number {
    return this.#board.progress();
  }

  /** Instructions that a hart has executed, those that trapped included. */
  executed(hart: number): number {
    return Number(this.engine.word(hart, rv64.layout.HART_PROGRESS));
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    this.engine.setBreakpoints(addresses);
  }

  /** Physical ranges; a run stops right behind a store into one. */
  setWatches(watches: readonly rv64.Watch[]): void {
    this.#watches = watches;
    this.#board.setWatches(watches);
  }

  /** Goes to a place, forwards or backwards; stops at no breakpoint. */
  seek(progress: number): void {
    const target = Math.max(0, Math.min(progress, this.end));
    const ahead = target - this.progress;
    if (ahead < 0 || ahead > NEAR) {
      const base = this.#baseFor(target);
      if (ahead < 0 || this.progress < base.progress) this.#restore(base);
    }
    if (target - this.progress > NEAR) {
      this.#silently(target - NEAR);
      this.#keep(this.#base());
    }
    this.#silently(target);
  }

  /** The last place before `progress` from which a run can begin; undefined at the start. */
  previousBase(progress: number): number | undefined {
    if (progress <= 0) return undefined;
    const saved = this.#saved.findLast((each) => each.progress < progress);
    return saved?.progress ?? 0;
  }

  /** Runs on to a place; a breakpoint right here counts only without `stepOver`. */
  runTo(progress: number, stepOver = false): DebugStop | undefined {
    const target = Math.min(progress, this.end);
    let over = stepOver;
    this.#takeDue();
    while (this.progress < target && this.#board.state.halted === null) {
      const next = this.#entries[this.#taken]?.step ?? Infinity;
      const goal = Math.min(target, next, this.progress + this.#slice);
      const { reason, stop, hart = 0 } = this.#board.run(goal, over);
      over = false;
      if (reason === "debug") {
        const isWatch = stop?.reason === "watch";
        if (isWatch) this.#takeDue();
        return { hart, reason: isWatch ? "watch" : "breakpoint" };
      }
      this.#takeDue();
    }
    return undefined;
  }

  /** The clock of the machine at the snapshot from which this place is reached, or at power-on. */
  clockNear(progress: number): MachineState["clock"] {
    const saved = this.#saved.findLast((each) => each.progress <= progress);
    if (saved !== undefined) return stateOf(this.#inSnapshot(saved.index)!).clock;
    let sinceNs = 0;
    for (const [, timeNs, , kind, data] of this.#timeline.run.notices()) {
      const isBegin = kind === "lifecycle" && data["event"] === "preboot";
      if (isBegin && data["vm"] === this.vm && data["run"] === this.run) sinceNs = timeNs;
    }
    return { sinceNs, from: 0 };
  }

  /** When it was at a place: exact while it was not stunned since the snapshot before. */
  timeOf(progress: number): number {
    return timeOf(this.clockNear(progress), this.#config.instructionsPerSecond, progress);
  }

  /** Where it stands in a world of this run; the end when it is off there. */
  placeIn(world: World): number {
    const id = world.registry.idOf(`${this.vm}/run-${this.run}`);
    const state =
      id === undefined ? undefined : (world.volatile.get(id) as MachineState | undefined);
    return state?.board?.progress ?? this.end;
  }

  /** What it boots. */
  program(machines: Machines): Uint8Array {
    const { boot } = this.#config;
    return machines.file(boot.kind === "elf" ? boot.file : boot.kernel);
  }

  /** The clock of the machine in a world of this run; undefined while it is off. */
  clockIn(world: World): MachineState["clock"] | undefined {
    const id = world.registry.idOf(`${this.vm}/run-${this.run}`);
    const state =
      id === undefined ? undefined : (world.volatile.get(id) as MachineState | undefined);
    return state?.board === null ? undefined : state?.clock;
  }

  #silently(progress: number): void {
    while (this.progress < progress) {
      const stop = this.runTo(progress, true);
      if (stop === undefined) break;
    }
    this.#takeDue();
  }

  #takeDue(): void {
    for (;;) {
      const entry = this.#entries[this.#taken];
      if (entry === undefined || entry.step > this.progress) return;
      this.#taken++;
      const { input } = entry;
      if (input.kind === "start" || input.kind === "end" || input.kind === "put-out") continue;
      this.#board.deliver(input);
    }
  }

  #base(): Base {
    const chunks = this.#memory.capture(keepCopy);
    const board = structuredClone(this.#board.state);
    return { progress: this.progress, taken: this.#taken, board, chunks };
  }

  #keep(base: Base): void {
    this.#made = [...this.#made.slice(1 - BASES_KEPT), base];
  }

  #restore({ board, taken, chunks }: Base): void {
    this.#memory.restore(chunks, (page) => {
      const bytes = page.bytes ?? this.#timeline.pages.find(page.hash);
      if (bytes === undefined) throw new Error(`the trace lacks a page of ${this.vm}`);
      return bytes;
    });
    this.#board = new rv64.Board(this.engine, this.#config, structuredClone(board));
    this.#board.setWatches(this.#watches);
    this.#taken = taken;
  }

  /** The last base at or before a place. */
  #baseFor(progress: number): Base {
    const made = this.#made.filter((each) => each.progress <= progress);
    const nearest = made.reduce(
      (best, each) => (each.progress > best.progress ? each : best),
      this.#start,
    );
    const saved = this.#saved.findLast((each) => each.progress <= progress);
    if (saved === undefined || saved.progress <= nearest.progress) return nearest;
    const inside = this.#inSnapshot(saved.index)!;
    const record = entityInImage(this.#timeline.image(this.#refOf(saved.index)), this.vm)!;
    return {
      progress: saved.progress,
      taken: (record.durable["steps"] as number) - this.#before,
      board: stateOf(inside).board as unknown as rv64.BoardState,
      chunks: inside.memory("ram")!,
    };
  }

  #refOf(index: number) {
    return this.#timeline.run.snapshots[index - 1]!;
  }

  /** The run of the machine in a snapshot; undefined when it is not there, or not started. */
  #inSnapshot(index: number): EntityInImage | undefined {
    const inside = entityInImage(
      this.#timeline.image(this.#refOf(index)),
      `${this.vm}/run-${this.run}`,
    );
    if (inside === undefined || inside.memory("ram") === undefined) return undefined;
    return stateOf(inside).board === null ? undefined : inside;
  }

  #findSaved(all: readonly MachineEntry[]): { progress: number; index: number }[] {
    const saved: { progress: number; index: number }[] = [];
    // A reset begins anew: what came before is another machine.
    const { run } = this;
    const isBoot = ({ input }: MachineEntry): boolean =>
      input.kind === "start" && input.run === run;
    const boots = all.filter(isBoot).length;
    for (const { index } of this.#timeline.run.snapshots) {
      const inside = this.#inSnapshot(index);
      if (inside === undefined) continue;
      const { boots: booted, board, isProtected } = stateOf(inside);
      // One that is followed may have received what does not count yet.
      if (booted === boots && !isProtected) saved.push({ progress: board!.progress, index });
    }
    return saved;
  }

  #findEnd(): number {
    const last = this.#entries.at(-1);
    if (last?.input.kind === "end") return last.step;
    this.#timeline.seekEvent(this.#timeline.run.lastEvent + 1);
    const { world } = this.#timeline;
    const id = world.registry.idOf(`${this.vm}/run-${this.run}`);
    if (id === undefined) return last?.step ?? 0;
    world.advancing.settle();
    const { board } = world.volatile.get(id) as unknown as MachineState;
    return board?.progress ?? 0;
  }
}

const stateOf = (inside: EntityInImage): MachineState => inside.volatile as unknown as MachineState;

function entriesOf({ run }: Timeline, vm: string): MachineEntry[] {
  const entries: MachineEntry[] = [];
  for (const chunk of run.trace.chunks(chunkKinds.boundary)) {
    if (chunk.meta["vm"] !== vm) continue;
    const read = run.trace.readPlain(chunk);
    if (!read.ok) throw new Error(`boundary log at byte ${chunk.offset}: ${read.message}`);
    for (const { progress: step, payload } of boundaryRows(read.value as never)) {
      entries.push({ vm, step, ...payload } as unknown as MachineEntry);
    }
  }
  return entries;
}
