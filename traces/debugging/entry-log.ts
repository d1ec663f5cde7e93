/**
 * The boundary log of a real guest as a debugger walks it: entries by number, of which only a few
 * chunks are in memory at a time, and the runs (power-ons and resets) that they make up. Must hold:
 * every place of the recording belongs to exactly one run.
 */
import type { MachineEntry } from "../../core/vmm/index.ts";

/** The log in pieces, each of which can be read again at any time. */
export interface EntrySource {
  readonly chunks: number;
  readonly read: (chunk: number) => readonly MachineEntry[];
}

export interface Run {
  /** Which power-on of the VM it belongs to, and its number among the boots since then, from 1. */
  readonly powerOn: number;
  readonly boots: number;
  /** Entries of this run: the first behind its power-on, and the one that ended it or the end of the log. */
  readonly first: number;
  readonly last: number;
  /** Place of its progress 0. */
  readonly begin: number;
  /** Place where it ended, infinite when it had not by the end of the log. */
  readonly end: number;
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
    const runs: Run[] = [];
    let number = 0;
    let [first, begin, step, powerOn, boots] = [-1, 0, 0, 0, 0];
    const bad = (message: string): EntryLogMade => ({
      ok: false,
      message: `input ${number} of the boundary log ${message}`,
    });
    for (let chunk = 0; chunk < source.chunks; chunk++) {
      for (const entry of source.read(chunk)) {
        const { input } = entry;
        if (entry.count !== number) return bad(`is number ${entry.count}`);
        const isStart = input.kind === "start";
        if (isStart !== first < 0) return bad(isStart ? "starts it again" : "comes before a start");
        if (!Number.isSafeInteger(entry.step) || (!isStart && entry.step < step)) {
          return bad(`is at progress ${entry.step}, after ${step}`);
        }
        step = isStart ? 0 : entry.step;
        number++;
        if (input.kind === "start") {
          first = number;
          boots = input.run === powerOn ? boots + 1 : 1;
          powerOn = input.run;
        }
        if (input.kind !== "end") continue;
        runs.push({ powerOn, boots, first, last: number - 1, begin, end: begin + step });
        [first, begin] = [-1, begin + step + 1];
      }
      starts.push(number);
    }
    const lastPlace = first < 0 ? begin - 1 : begin + step;
    if (first >= 0) runs.push({ powerOn, boots, first, last: number, begin, end: Infinity });
    if (runs.length === 0) return { ok: false, message: "not powered on in what the trace holds" };
    return { ok: true, log: new EntryLog(source, starts, runs, lastPlace) };
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
    return run.begin + (input.kind === "start" ? 0 : step);
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
