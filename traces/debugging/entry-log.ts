/**
 * The boundary log of a real guest as a debugger walks it: entries by number, of which only a few
 * chunks are in memory at a time, and the runs (power-ons, resets, and goings-on from a checkpoint)
 * that they make up. Must hold: every place of the recording belongs to exactly one run.
 */
import type { MachineEntry } from "../../core/vmm/index.ts";

/** The log in pieces, each of which can be read again at any time. */
export interface EntrySource {
  readonly chunks: number;
  readonly read: (chunk: number) => readonly MachineEntry[];
}

export interface Run {
  /** Goings-on from images up to here, its own included. */
  readonly restores: number;
  /** Which power-on of the VM it belongs to, and its number among the boots since then, from 1. */
  readonly powerOn: number;
  readonly boots: number;
  /** Entries of this run: the first behind its power-on, and the one that ended it or the end of the log. */
  readonly first: number;
  readonly last: number;
  /** Its first place. */
  readonly begin: number;
  /** Place of its progress 0: before its first one when it goes on from an image. */
  readonly zero: number;
  /** Place where it ended, infinite when it had not by the end of the log. */
  readonly end: number;
  /** What it goes on from; null: it begins with power-on. */
  readonly image: TakenImage | null;
}

/** A machine as it was remembered. */
export interface TakenImage {
  /** Number of the entry that says so. */
  readonly number: number;
  readonly place: number;
}

export type EntryLogMade =
  { readonly ok: true; readonly log: EntryLog } | { readonly ok: false; readonly message: string };

const CHUNKS_KEPT = 16;

export class EntryLog {
  readonly runs: readonly Run[];
  /** The last place at which something happened. */
  readonly lastPlace: number;
  readonly #source: EntrySource;
  /** Number of the first entry of each chunk, and of the one behind the last. */
  readonly #starts: readonly number[];
  readonly #kept = new Map<number, readonly MachineEntry[]>();

  private constructor(
    source: EntrySource,
    starts: readonly number[],
    runs: readonly Run[],
    lastPlace: number,
  ) {
    this.lastPlace = lastPlace;
    this.#source = source;
    this.#starts = starts;
    this.runs = runs;
  }

  /** Reads it once, to find its runs and whether it is one log. */
  static over(source: EntrySource): EntryLogMade {
    const starts = [0];
    const reader = new RunReader();
    for (let chunk = 0; chunk < source.chunks; chunk++) {
      for (const entry of source.read(chunk)) {
        const { number } = reader;
        const wrong = reader.take(entry);
        if (wrong === undefined) continue;
        return { ok: false, message: `input ${number} of the boundary log ${wrong}` };
      }
      starts.push(reader.number);
    }
    const runs = reader.runs();
    if (runs.length === 0) return { ok: false, message: "not powered on in what the trace holds" };
    return { ok: true, log: new EntryLog(source, starts, runs, reader.lastPlace) };
  }

  entry(number: number): MachineEntry {
    let chunk = 0;
    for (let high = this.#starts.length - 1; chunk + 1 < high;) {
      const middle = (chunk + high) >> 1;
      if (this.#starts[middle]! <= number) chunk = middle;
      else high = middle;
    }
    return this.#chunk(chunk)[number - this.#starts[chunk]!]!;
  }

  /** Where an entry took effect; infinite when the log ends before, below all places for none. */
  placeOf(number: number): number {
    if (number < 0) return -1;
    if (number >= this.#starts.at(-1)!) return Infinity;
    const run = this.runs.findLast(({ first }) => first - 1 <= number)!;
    const { step, input } = this.entry(number);
    return input.kind === "start" ? run.begin : run.zero + step;
  }

  /** Number of the run that a place belongs to. */
  runAt(place: number): number {
    let low = 0;
    for (let high = this.runs.length; low + 1 < high;) {
      const middle = (low + high) >> 1;
      if (this.runs[middle]!.begin <= place) low = middle;
      else high = middle;
    }
    return low;
  }

  #chunk(chunk: number): readonly MachineEntry[] {
    const known = this.#kept.get(chunk);
    if (known !== undefined) return known;
    const entries = this.#source.read(chunk);
    this.#kept.set(chunk, entries);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > CHUNKS_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return entries;
  }
}

/** Finds the runs of a log, entry by entry. */
class RunReader {
  /** Entries taken. */
  number = 0;
  readonly #ended: Run[] = [];
  readonly #images = new Map<string, TakenImage & { readonly step: number }>();
  /** The run that goes on; undefined between two of them. */
  #open: Omit<Run, "last" | "end"> | undefined;
  /** Behind all places up to here. */
  #next = 0;
  #step = 0;
  #restores = 0;
  #powerOn = 0;
  #boots = 0;

  runs(): Run[] {
    if (this.#open === undefined) return this.#ended;
    return [...this.#ended, { ...this.#open, last: this.number, end: Infinity }];
  }

  get lastPlace(): number {
    return this.#open === undefined ? this.#next - 1 : this.#open.zero + this.#step;
  }

  /** What is wrong with the entry; undefined: nothing. */
  take({ count, step, input }: MachineEntry): string | undefined {
    if (count !== this.number) return `is number ${count}`;
    const begins = input.kind === "start" || input.kind === "image-restored";
    const open = this.#open;
    if (begins !== (open === undefined)) return begins ? "starts it again" : "comes before a start";
    if (!Number.isSafeInteger(step) || (open !== undefined && step < this.#step)) {
      return `is at progress ${step}, after ${this.#step}`;
    }
    this.number++;
    if (input.kind === "start") {
      const boots = input.run === this.#powerOn ? this.#boots + 1 : 1;
      this.#begin({ powerOn: input.run, boots }, 0, null);
    } else if (input.kind === "image-restored") {
      const image = this.#images.get(input.image);
      if (image?.step !== step) return `goes on from ${input.image}, which was not taken there`;
      this.#begin({ powerOn: input.run, boots: input.boots }, step, image);
    } else this.#go(step, input);
    return undefined;
  }

  #begin(
    { powerOn, boots }: Pick<Run, "powerOn" | "boots">,
    step: number,
    image: TakenImage | null,
  ): void {
    [this.#powerOn, this.#boots, this.#step] = [powerOn, boots, step];
    if (image !== null) this.#restores++;
    const [begin, zero] = [this.#next, this.#next - step];
    const restores = this.#restores;
    this.#open = { restores, powerOn, boots, first: this.number, begin, zero, image };
  }

  #go(step: number, input: MachineEntry["input"]): void {
    const run = this.#open!;
    const place = run.zero + step;
    this.#step = step;
    if (input.kind === "image-taken") {
      this.#images.set(input.image, { number: this.number - 1, place, step });
    }
    if (input.kind !== "end") return;
    this.#ended.push({ ...run, last: this.number - 1, end: place });
    this.#open = undefined;
    this.#next = place + 1;
  }
}
