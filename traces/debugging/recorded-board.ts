/**
 * The machine of a recorded guest, executed anew from its boundary log alone: it goes forwards to any
 * place, and can be put back to any state that was kept of it. Must hold: at a place every input of
 * that place has been delivered, whichever way the machine came there.
 */
import { rv64 } from "../../core/guest/index.ts";
import { assert } from "../../core/kernel/index.ts";
import { bootFiles, type MachineConfig, type Machines } from "../../core/vmm/index.ts";
import type { EntryLog, Run } from "./entry-log.ts";

const MIB = 2 ** 20;
const { PAGE_BYTES } = rv64.layout;

/** Everything of a machine but its RAM. */
export interface KeptMachine {
  readonly place: number;
  readonly run: number;
  readonly harts: readonly Uint8Array[];
  readonly state: rv64.BoardState;
  /** Number of the next entry. */
  readonly next: number;
}

/** What the recording says does not happen: the code that made it was another, or it was changed. */
export class Diverged extends Error {}

export class RecordedBoard {
  readonly config: rv64.BoardConfig;
  readonly engine: rv64.Engine;
  readonly log: EntryLog;
  /** The machine at power-on; pages that are not there are zero. */
  readonly initial: {
    readonly kept: KeptMachine;
    readonly pages: ReadonlyMap<number, Uint8Array>;
  };
  #board: rv64.Board;
  #run = 0;
  #next = 0;
  #breakpoints: readonly bigint[] = [];
  #watches: readonly rv64.Watch[] = [];
  #traced: readonly number[] = [];

  constructor(config: MachineConfig, machines: Machines, log: EntryLog) {
    this.config = config.board;
    this.log = log;
    const { harts, memoryMiB } = this.config;
    this.engine = machines.engine({ ramBytes: memoryMiB * MIB, harts });
    const files = bootFiles(machines, this.config);
    const made = rv64.Board.create(this.engine, this.config, files);
    assert(made.ok, () => (made.ok ? "" : made.problem.message));
    this.#board = made.board;
    // What it puts out at power-on comes with the first look: it must not come with the first step.
    made.board.run(0);
    this.initial = { kept: this.keep(), pages: this.#initialPages(files) };
    this.engine.clearDirty();
    this.restart(0);
  }

  get board(): rv64.Board {
    return this.#board;
  }

  get run(): number {
    return this.#run;
  }

  get place(): number {
    return this.beginOfRun + this.#board.progress();
  }

  get beginOfRun(): number {
    return this.#recorded.begin;
  }

  /** Instructions that a hart, or all of them, executed in this run. */
  executed(hart: number): bigint {
    return this.engine.word(hart, rv64.layout.HART_PROGRESS);
  }

  executedByAll(): bigint {
    let sum = 0n;
    for (let hart = 0; hart < this.engine.harts; hart++) sum += this.executed(hart);
    return sum;
  }

  get #recorded(): Run {
    return this.log.runs[this.#run]!;
  }

  /** `traced`: pages of RAM; a run stops before each access to one. */
  setStops(
    breakpoints: readonly bigint[],
    watches: readonly rv64.Watch[],
    traced: readonly number[] = [],
  ): void {
    this.#breakpoints = breakpoints;
    this.#watches = watches;
    this.#board.setBreakpoints(breakpoints);
    this.#board.setWatches(watches);
    this.#trace("none");
    this.#traced = traced;
    this.#trace("accesses");
  }

  /** What runs meanwhile is stopped at no traced page. */
  untraced<T>(running: () => T): T {
    this.#trace("none");
    try {
      return running();
    } finally {
      this.#trace("accesses");
    }
  }

  #trace(trace: rv64.PageTrace): void {
    for (const page of this.#traced) this.engine.setPageTrace(page, trace);
    if (this.#traced.length > 0 && trace !== "none") this.engine.tracesAdded();
  }

  /**
   * Runs to a place of the recording or, if that comes first, to a stop, an input or an output. With `stepOver`, a
   * breakpoint right here is ignored.
   */
  advance(place: number, stepOver = false): rv64.BoardRun {
    const { begin, last } = this.#recorded;
    const entry = this.#next < last ? this.log.entry(this.#next) : undefined;
    const end = this.#recorded.end - begin;
    const until = Math.min(place - begin, entry?.step ?? Infinity, end);
    const ran = this.#board.run(until, stepOver);
    if (ran.reason === "halted" && this.#board.progress() < until) {
      throw new Diverged(`the machine ended at progress ${this.#board.progress()} of ${until}`);
    }
    this.#deliver();
    return ran;
  }

  /** All but RAM, which has to be as at power-on, is as it was when a run began. */
  restart(run: number): void {
    this.putBack({ ...this.initial.kept, run, next: this.log.runs[run]!.first });
  }

  /** Whether this is the last place of a run. */
  get isAtEndOfRun(): boolean {
    return this.place === this.#recorded.end;
  }

  #deliver(): void {
    const progress = this.#board.progress();
    for (; this.#next < this.#recorded.last; this.#next++) {
      const { step, input } = this.log.entry(this.#next);
      if (step > progress) return;
      if (input.kind === "put-out" || input.kind === "image-taken") continue;
      if (input.kind === "image-restored") {
        throw new Diverged("from here on it goes on from a checkpoint; see it with `replay --vm`");
      }
      assert(step === progress && input.kind !== "start" && input.kind !== "end", "in order");
      try {
        this.#board.deliver(input);
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        throw new Diverged(`an input at progress ${progress} does not fit: ${why}`);
      }
    }
  }

  keep(): KeptMachine {
    const { engine } = this;
    const harts = Array.from({ length: engine.harts }, (_, hart) => engine.readHart(hart));
    const state = structuredClone(this.#board.state);
    return { place: this.place, run: this.#run, harts, state, next: this.#next };
  }

  /** Takes over all but RAM, which has to be as it was; what comes in there is delivered. */
  putBack({ run, harts, state, next }: KeptMachine): void {
    harts.forEach((block, hart) => this.engine.writeHart(hart, block));
    this.#board = new rv64.Board(this.engine, this.config, structuredClone(state));
    this.#board.setBreakpoints(this.#breakpoints);
    this.#board.setWatches(this.#watches);
    this.#run = run;
    this.#next = next;
    this.#deliver();
  }

  /** Whole pages of files are not copied. */
  #initialPages(files: rv64.BootFiles): Map<number, Uint8Array> {
    const { ram } = this.engine;
    const pages = new Map(rv64.verbatimPages(this.config, files));
    for (let page = 0; page * PAGE_BYTES < ram.length; page++) {
      const bytes = ram.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      if (!pages.has(page) && Buffer.compare(bytes, ZEROS) !== 0) pages.set(page, bytes.slice());
    }
    return pages;
  }

  /** Writes pages of RAM; undefined stands for zeros. */
  writePages(pages: Iterable<number>, content: (page: number) => Uint8Array | undefined): void {
    for (const page of pages) this.engine.writeRam(page * PAGE_BYTES, content(page) ?? ZEROS);
  }
}

const ZEROS = new Uint8Array(PAGE_BYTES);

export function* allPages({ memoryMiB }: rv64.BoardConfig): Generator<number> {
  for (let page = 0; page < (memoryMiB * MIB) / PAGE_BYTES; page++) yield page;
}
