/**
 * The machine of a recorded guest, executed anew from its boundary log alone: it goes forwards to any
 * place, and can be put back to any state that was kept of it. Must hold: at a place every input of
 * that place has been delivered, whichever way the machine came there.
 */
import { rv64 } from "../../core/guest/index.ts";
import { assert } from "../../core/kernel/index.ts";
import {
  bootFiles,
  type MachineConfig,
  type MachineEntry,
  type Machines,
} from "../../core/vmm/index.ts";
import type { EntryLog, Run, TakenImage } from "./entry-log.ts";

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

/** A machine as a run finds it at its first place; pages that are not there are zero. */
export interface FirstState {
  readonly kept: KeptMachine;
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

/** What the recording says does not happen: the code that made it was another, or it was changed. */
export class Diverged extends Error {}

export class RecordedBoard {
  readonly config: rv64.BoardConfig;
  readonly engine: rv64.Engine;
  readonly log: EntryLog;
  readonly #atPowerOn: FirstState;
  /** By the number of their entry: images that a run goes on from, from when they were come by. */
  readonly #images = new Map<number, FirstState>();
  /** Numbers of those images. */
  readonly #wanted: ReadonlySet<number | undefined>;
  #board: rv64.Board;
  #run = 0;
  #next = 0;
  #breakpoints: readonly bigint[] = [];
  #watches: readonly rv64.Watch[] = [];
  #traced: readonly number[] = [];

  constructor(config: MachineConfig, machines: Machines, log: EntryLog) {
    this.config = config.board;
    this.log = log;
    this.#wanted = new Set(log.runs.map(({ image }) => image?.number));
    const { harts, memoryMiB } = this.config;
    this.engine = machines.engine({ ramBytes: memoryMiB * MIB, harts });
    const files = bootFiles(machines, this.config);
    const made = rv64.Board.create(this.engine, this.config, files);
    assert(made.ok, () => (made.ok ? "" : made.problem.message));
    this.#board = made.board;
    // What it puts out at power-on comes with the first look: it must not come with the first step.
    made.board.run(0);
    const pages = this.#pagesBeside(new Map(rv64.verbatimPages(this.config, files)));
    this.#atPowerOn = { kept: this.keep(), pages };
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
    return this.zeroOfRun + this.#board.progress();
  }

  get imageOfRun(): TakenImage | null {
    return this.#recorded.image;
  }

  get beginOfRun(): number {
    return this.#recorded.begin;
  }

  /** Place of progress 0, which a run from an image never was at. */
  get zeroOfRun(): number {
    return this.#recorded.zero;
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

  /** What runs meanwhile stops nowhere. */
  unstopped<T>(running: () => T): T {
    const [breakpoints, watches, traced] = [this.#breakpoints, this.#watches, this.#traced];
    this.setStops([], []);
    try {
      return running();
    } finally {
      this.setStops(breakpoints, watches, traced);
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
    const { zero, last, end } = this.#recorded;
    const entry = this.#next < last ? this.log.entry(this.#next) : undefined;
    const until = Math.min(place - zero, entry?.step ?? Infinity, end - zero);
    const ran = this.#board.run(until, stepOver);
    if (ran.reason === "halted" && this.#board.progress() < until) {
      throw new Diverged(`the machine ended at progress ${this.#board.progress()} of ${until}`);
    }
    this.#deliver();
    return ran;
  }

  /** All but RAM, which has to be as in its first state, is as it was when a run began. */
  restart(run: number): void {
    const { kept } = this.firstState(run);
    this.putBack({ ...kept, run, next: this.log.runs[run]!.first });
  }

  /** What a run goes on from, where that is not known yet: the place is to be gone through. */
  unknownImage(run: number): TakenImage | undefined {
    const { image } = this.log.runs[run]!;
    return image === null || this.#images.has(image.number) ? undefined : image;
  }

  /** Of a run from an image only once that is known. */
  firstState(run: number): FirstState {
    const { image } = this.log.runs[run]!;
    if (image === null) return this.#atPowerOn;
    const state = this.#images.get(image.number);
    assert(state !== undefined, "the image of a run is come by before the run");
    return state;
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
      if (input.kind === "put-out") continue;
      if (input.kind === "image-taken") {
        this.#remember(this.#next);
        continue;
      }
      assert(step === progress && isWithin(input), "in order");
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

  /** As it stands here, before anything else comes in at this place. */
  #remember(number: number): void {
    if (!this.#wanted.has(number) || this.#images.has(number)) return;
    const pages = this.#pagesBeside(this.firstState(this.#run).pages);
    this.#images.set(number, { kept: this.keep(), pages });
  }

  /** Pages of RAM as they are, but for zeros; those that are as in `known` are not copied. */
  #pagesBeside(known: ReadonlyMap<number, Uint8Array>): Map<number, Uint8Array> {
    const { ram } = this.engine;
    const pages = new Map<number, Uint8Array>();
    for (let page = 0; page * PAGE_BYTES < ram.length; page++) {
      const bytes = ram.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      const before = known.get(page);
      if (before !== undefined && Buffer.compare(bytes, before) === 0) pages.set(page, before);
      else if (Buffer.compare(bytes, ZEROS) !== 0) pages.set(page, bytes.slice());
    }
    return pages;
  }

  /** Writes pages of RAM; undefined stands for zeros. */
  writePages(pages: Iterable<number>, content: (page: number) => Uint8Array | undefined): void {
    for (const page of pages) this.engine.writeRam(page * PAGE_BYTES, content(page) ?? ZEROS);
  }
}

const ZEROS = new Uint8Array(PAGE_BYTES);

type Input = MachineEntry["input"];
/** Where runs begin and end: `advance` goes over none of them. */
type OfRuns = "start" | "end" | "image-restored";

const isWithin = <I extends Input>(input: I): input is Exclude<I, { kind: OfRuns }> =>
  input.kind !== "start" && input.kind !== "end" && input.kind !== "image-restored";

export function* allPages({ memoryMiB }: rv64.BoardConfig): Generator<number> {
  for (let page = 0; page < (memoryMiB * MIB) / PAGE_BYTES; page++) yield page;
}
