/**
 * A recorded run that can be looked at at any event, forwards and backwards. It re-executes from the
 * nearest saved snapshot, with every value from the log; nothing of it is stored but snapshots.
 */
import {
  captureWorld,
  decodeImage,
  type GateOptions,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { ladderPath } from "../recording/snapshot-ladder.ts";
import type { WorldBuilder } from "../world-builder.ts";
import { DrawLog } from "./draw-log.ts";
import { InputLog } from "./input-log.ts";
import type { RecordedRun, SnapshotRef } from "./recorded-run.ts";
import { SavedPages } from "./saved-pages.ts";
import { finish, type Sliced } from "./sliced.ts";

/** Decoded images kept; each shares its unchanged pages with the others. */
const IMAGES_KEPT = 24;
/** Events after which a search looks for an interruption. */
const SLICE_EVENTS = 4_096;
const BEGIN = 0;

export type Predicate = (world: World) => boolean;

export class Timeline {
  readonly world: World;
  readonly run: RecordedRun;
  readonly #draws: DrawLog | undefined;
  readonly #inputs: InputLog;
  readonly #initial: WorldImage;
  readonly #images = new Map<number, WorldImage>();
  /** Pages of memories that the trace holds, by hash. */
  readonly pages: SavedPages;

  constructor(run: RecordedRun, builder: WorldBuilder) {
    this.run = run;
    this.#draws = run.log === "full" ? new DrawLog(run.trace) : undefined;
    this.#inputs = new InputLog(run.trace);
    const gate: GateOptions = { seed: run.trace.header.seed };
    this.world = builder.build(this.#draws ? { ...gate, replay: this.#draws } : gate);
    this.#initial = captureWorld(this.world);
    this.pages = new SavedPages(run.trace);
    this.world.memories.fetchPagesFrom(this.pages.find);
  }

  /** Number of the last event that has run; 0 before the first. */
  get event(): number {
    return this.world.eventCount;
  }

  /** To the state right after event `event`; beyond the last one, to the end. */
  seekEvent(event: number): void {
    const { lastEvent, end } = this.run;
    if (event > lastEvent && end !== undefined) return this.seekTime(end.timeNs);
    const target = Math.min(event, lastEvent);
    const isBefore = (ref: SnapshotRef): boolean =>
      ref.between === true ? ref.event < target : ref.event <= target;
    const isAhead = this.event > target || (this.event === target && this.world.isBetween);
    this.#approach(isBefore, !isAhead);
    this.#inputs.run(this.world, Infinity, target);
  }

  /** To the state after all events up to and including simulated time `timeNs`. */
  seekTime(timeNs: number): void {
    this.#approach((ref) => ref.timeNs < timeNs, this.world.timeNs < timeNs);
    this.#inputs.run(this.world, timeNs, this.run.lastEvent);
    this.#runOn(timeNs);
  }

  /** After the last event real guests go on to the end of the recording. */
  #runOn(timeNs: number): void {
    const untilNs = Math.min(timeNs, this.run.end?.timeNs ?? 0);
    if (this.event >= this.run.lastEvent && untilNs > this.world.timeNs) {
      this.world.run({ untilNs });
    }
  }

  /**
   * Forwards through every event up to number `event` and time `untilNs`, leaping over none, so that
   * hooks see them all.
   */
  play(event: number, untilNs = Infinity): void {
    this.#inputs.run(this.world, untilNs, Math.min(event, this.run.lastEvent));
  }

  /** Forwards by `events`; false at the end of the recording. */
  step(events = 1): boolean {
    if (this.event >= this.run.lastEvent) return false;
    this.seekEvent(this.event + events);
    return true;
  }

  /** Backwards by `events`; false at the start. */
  reverseStep(events = 1): boolean {
    if (this.event === BEGIN) return false;
    this.seekEvent(Math.max(BEGIN, this.event - events));
    return true;
  }

  /** Forwards to the next event after which the predicate holds; false when there is none. */
  runUntil(predicate: Predicate): boolean {
    while (this.step()) if (predicate(this.world)) return true;
    return false;
  }

  /** Backwards to the last event before this one after which the predicate holds. */
  reverseUntil(predicate: Predicate): boolean {
    return finish(this.reversing(predicate));
  }

  /** As `reverseUntil`, in slices. */
  *reversing(predicate: Predicate): Sliced<boolean> {
    let end = this.event - 1;
    while (end >= BEGIN) {
      const start = this.#snapshotAt((ref) => ref.event <= end)?.event ?? BEGIN;
      const found = yield* this.#lastWithin(start, end, predicate);
      if (found !== undefined) {
        this.seekEvent(found);
        return true;
      }
      end = start - 1;
    }
    return false;
  }

  /** Last event in [start, end] after which the predicate holds. */
  *#lastWithin(start: number, end: number, predicate: Predicate): Sliced<number | undefined> {
    let found: number | undefined;
    this.seekEvent(start);
    for (;;) {
      if (this.event % SLICE_EVENTS === 0) yield;
      if (predicate(this.world)) found = this.event;
      if (this.event >= end || !this.step()) return found;
    }
  }

  /** Restores the last snapshot that `before` accepts, unless the way from here is shorter. */
  #approach(before: (ref: SnapshotRef) => boolean, forwards: boolean): void {
    const ref = this.#snapshotAt(before);
    if (forwards && (ref === undefined || ref.event <= this.event)) return;
    restoreWorld(this.world, ref === undefined ? this.#initial : this.image(ref));
    this.world.isBetween = ref?.between === true;
    this.#draws?.seek(ref?.draws ?? 0);
    this.#inputs.seek(ref?.inputs ?? 0);
  }

  #snapshotAt(before: (ref: SnapshotRef) => boolean): SnapshotRef | undefined {
    const { snapshots } = this.run;
    let low = 0;
    let high = snapshots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(snapshots[middle]!)) low = middle + 1;
      else high = middle;
    }
    return snapshots[low - 1];
  }

  /** A saved snapshot, decoded; the timeline stays where it is. */
  image(ref: SnapshotRef): WorldImage {
    let image = this.#initial;
    for (const index of ladderPath(ref.index)) {
      image = this.#images.get(index) ?? this.#decode(index, image);
    }
    return image;
  }

  #decode(index: number, base: WorldImage): WorldImage {
    const ref = this.run.snapshots[index - 1]!;
    const image = decodeImage(this.world, this.run.snapshotDelta(ref), base);
    this.#images.set(index, image);
    const [oldest] = this.#images.keys();
    if (this.#images.size > IMAGES_KEPT && oldest !== undefined) this.#images.delete(oldest);
    return image;
  }
}
