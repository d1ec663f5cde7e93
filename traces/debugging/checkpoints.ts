/**
 * States of a machine that it can be put back to, in bounded memory: each keeps the pages written
 * since the one before. When there are too many, the one whose neighbours are closest goes first.
 * Snapshots of the trace are among them from when they are first the nearest; their pages stay there.
 *
 * Must hold: all changes of RAM since `base` are marked dirty in the engine, so that it can be put
 * back by what was saved and what is marked; a page that differs between two states is saved at the
 * later one, or in between.
 */
import {
  changedPages,
  hash64,
  type PageChunk,
  pageOf,
  withPages,
  zeroChunks,
} from "../../core/kernel/index.ts";
import { rv64 } from "../../core/guest/index.ts";
import { machineShape } from "../../core/vmm/index.ts";
import { firstBehind, type PageContent, PageVersions } from "./page-versions.ts";
import {
  allPages,
  type FirstState,
  type KeptMachine,
  type RecordedBoard,
} from "./recorded-board.ts";
import type { SavedMachines } from "./saved-machines.ts";

const { PAGE_BYTES } = rv64.layout;

interface Checkpoint extends KeptMachine {
  /** Instructions executed before it in its run, of all harts. */
  readonly executed: bigint;
  /** All its pages, where it is a snapshot of the trace. */
  readonly chunks?: readonly PageChunk[];
}

export interface CheckpointLimits {
  readonly pages: number;
  readonly checkpoints: number;
}

export const CHECKPOINT_LIMITS: CheckpointLimits = { pages: 65_536, checkpoints: 1_024 };

export class Checkpoints {
  readonly #machine: RecordedBoard;
  readonly #limits: CheckpointLimits;
  /** In ascending order of their places. Begins of runs are not among them. */
  readonly #list: Checkpoint[] = [];
  readonly #places: number[] = [];
  readonly #versions = new Map<number, PageVersions>();
  /** The place whose RAM the engine holds, but for dirty pages: a checkpoint's or the begin of a run. */
  #base: number;
  readonly #saved: SavedMachines | undefined;
  #savedCount = 0;
  /** All pages as runs find them, by the state that they begin with. */
  readonly #first = new Map<FirstState, readonly PageChunk[]>();

  constructor(
    machine: RecordedBoard,
    limits: CheckpointLimits = CHECKPOINT_LIMITS,
    saved?: SavedMachines,
  ) {
    this.#machine = machine;
    this.#limits = limits;
    this.#base = machine.place;
    this.#saved = saved;
  }

  /** Of those that keep their pages themselves. */
  get count(): number {
    return this.#list.length - this.#savedCount;
  }

  /** Pages kept. */
  get pages(): number {
    let sum = 0;
    for (const versions of this.#versions.values()) sum += versions.count;
    return sum;
  }

  /** The last place up to this one that the machine can be put back to. */
  placeBefore(place: number): number {
    const run = this.#machine.log.runAt(place);
    const { begin } = this.#machine.log.runs[run]!;
    const kept = this.#places[firstBehind(this.#places, place) - 1] ?? begin;
    const found = Math.max(kept, begin);
    // A snapshot is held against the first state of its run.
    if (this.#machine.unknownImage(run) !== undefined) return found;
    const saved = this.#saved?.last(begin, place);
    if (saved === undefined || saved.place <= found) return found;
    this.#adopt(saved.index);
    return saved.place;
  }

  /** The next one behind, infinite if there is none. */
  placeBehind(place: number): number {
    return this.#places[firstBehind(this.#places, place)] ?? Infinity;
  }

  /** Instructions executed since the last checkpoint of this run. */
  executedSince(): bigint {
    const machine = this.#machine;
    const checkpoint = this.#list[firstBehind(this.#places, machine.place) - 1];
    const isOfRun = checkpoint !== undefined && checkpoint.run === machine.run;
    return machine.executedByAll() - (isOfRun ? checkpoint.executed : 0n);
  }

  /** Keeps the machine as it stands. */
  take(): void {
    const machine = this.#machine;
    const { place, run, engine } = machine;
    const isBegin = place === machine.log.runs[run]!.begin;
    const at = firstBehind(this.#places, place);
    if (!isBegin && this.#places[at - 1] !== place) {
      const pages = new Map<number, Uint8Array>();
      for (const page of engine.dirtyPages()) {
        pages.set(page, engine.ram.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
      }
      this.#versionsOf(run).save(place, pages);
      this.#insert({ ...machine.keep(), executed: machine.executedByAll() });
      this.#saveBehind(place, run, pages.keys());
    }
    engine.clearDirty();
    this.#base = place;
    while (this.count > this.#limits.checkpoints || this.pages > this.#limits.pages) {
      if (!this.#thinOut()) return;
    }
  }

  /** Puts the machine back to one of them, or to the begin of a run, whose first state is known. */
  restore(place: number): void {
    const machine = this.#machine;
    const { engine, log } = machine;
    const run = log.runAt(place);
    const versions = this.#versionsOf(run);
    const first = machine.firstState(run).pages;
    const content = (page: number): Uint8Array | undefined => {
      const kept = versions.at(page, place) ?? first.get(page);
      if (kept === undefined || kept instanceof Uint8Array) return kept;
      return kept.bytes ?? this.#saved!.bytesOf(kept);
    };
    machine.writePages(this.#differing(run, place), content);
    engine.clearDirty();
    this.#base = place;
    const at = firstBehind(this.#places, place) - 1;
    if (this.#places[at] === place) machine.putBack(this.#list[at]!);
    else machine.restart(run);
  }

  #insert(checkpoint: Checkpoint): void {
    const at = firstBehind(this.#places, checkpoint.place);
    this.#list.splice(at, 0, checkpoint);
    this.#places.splice(at, 0, checkpoint.place);
  }

  /** Takes a snapshot of the trace among them. */
  #adopt(index: number): void {
    const saved = this.#saved!.read(index);
    const { place, run, chunks } = saved;
    const { begin } = this.#machine.log.runs[run]!;
    const versions = this.#versionsOf(run);
    const before = this.#list.findLast(
      (each) => each.run === run && each.chunks !== undefined && each.place < place,
    );
    const changed = new Set(
      changedPages(before?.chunks ?? this.#firstChunks(run), chunks).map(([page]) => page),
    );
    for (const page of versions.savedWithin(before?.place ?? begin - 1, place)) changed.add(page);
    const pages = this.#pagesOf(chunks, changed);
    versions.save(place, pages);
    this.#insert(saved);
    this.#savedCount++;
    this.#saveBehind(place, run, pages.keys());
  }

  /** What may differ at a place, the next snapshot behind has to save as well. */
  #saveBehind(place: number, run: number, pages: Iterable<number>): void {
    const next = this.#list.find(
      (each) => each.place > place && each.run === run && each.chunks !== undefined,
    );
    if (next?.chunks === undefined) return;
    this.#versionsOf(run).save(next.place, this.#pagesOf(next.chunks, pages));
  }

  #pagesOf(chunks: readonly PageChunk[], pages: Iterable<number>): Map<number, PageContent> {
    const { ramPages } = machineShape(this.#machine.config);
    const found = new Map<number, PageContent>();
    for (const page of pages) if (page < ramPages) found.set(page, pageOf(chunks, page));
    return found;
  }

  #firstChunks(run: number): readonly PageChunk[] {
    const { config } = this.#machine;
    const state = this.#machine.firstState(run);
    const known = this.#first.get(state);
    if (known !== undefined) return known;
    const chunks = withPages(
      zeroChunks(machineShape(config).pages),
      Array.from(state.pages, ([page, bytes]) => [page, { hash: hash64(bytes), bytes }] as const),
    );
    this.#first.set(state, chunks);
    return chunks;
  }

  /** Pages that may differ between the engine and a place. */
  #differing(run: number, place: number): Iterable<number> {
    const machine = this.#machine;
    if (run !== machine.run) return allPages(machine.config);
    const pages = new Set(machine.engine.dirtyPages());
    const [from, to] = [Math.min(this.#base, place), Math.max(this.#base, place)];
    for (const page of this.#versionsOf(run).savedWithin(from, to)) pages.add(page);
    return pages;
  }

  #versionsOf(run: number): PageVersions {
    let versions = this.#versions.get(run);
    if (versions === undefined) this.#versions.set(run, (versions = new PageVersions()));
    return versions;
  }

  /** Drops the checkpoint that leaves the smallest gap; never the one that the engine builds on. */
  #thinOut(): boolean {
    let [least, chosen] = [Infinity, -1];
    for (const [at, { place, chunks }] of this.#list.entries()) {
      if (place === this.#base || chunks !== undefined) continue;
      const gap = this.#gapWithout(at);
      if (gap < least) [least, chosen] = [gap, at];
    }
    if (chosen < 0) return false;
    const { run, place } = this.#list[chosen]!;
    const before = this.#list[chosen - 1];
    const behind = this.#list[chosen + 1];
    const after = before?.run === run ? before.place : -1;
    const versions = this.#versionsOf(run);
    versions.forget(after, place, behind?.run === run ? behind.place : Infinity);
    if (versions.count === 0) this.#versions.delete(run);
    this.#list.splice(chosen, 1);
    this.#places.splice(chosen, 1);
    return true;
  }

  #gapWithout(at: number): number {
    const { run, executed } = this.#list[at]!;
    const before = this.#list[at - 1];
    const behind = this.#list[at + 1];
    const from = before?.run === run ? before.executed : 0n;
    const to = behind?.run === run ? behind.executed : executed + (executed - from);
    return Number(to - from);
  }
}
