/**
 * Going to any place of a recorded machine: back to a checkpoint, then forwards. On the way it leaves
 * checkpoints, so that no place is far from one; close before a place that was approached from
 * behind it leaves some more, because whoever steps back once will do so again.
 */
import type { rv64 } from "../../core/guest/index.ts";
import { finish, type Sliced } from "../replaying/sliced.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { takesInterrupt } from "./interrupts.ts";
import type { RecordedBoard } from "./recorded-board.ts";

/** Instructions between two checkpoints, and at most in one slice: some milliseconds. */
const INTERVAL = 2_000_000;
/** Distances before a place at which there should be checkpoints. */
const LADDER = [262_144, 32_768, 4_096, 512] as const;

type GoesOn = () => boolean;
const always: GoesOn = () => true;

export class Journey {
  readonly machine: RecordedBoard;
  readonly checkpoints: Checkpoints;
  readonly end: number;
  /** Nothing is executed before this place. */
  #idleUntil = 0;

  constructor(machine: RecordedBoard, checkpoints: Checkpoints, end: number) {
    this.machine = machine;
    this.checkpoints = checkpoints;
    this.end = end;
  }

  get place(): number {
    return this.machine.place;
  }

  /** Some way forwards, at most to `place`. Undefined: it powered on. */
  slice(place: number, stepOver = false): rv64.BoardRun | undefined {
    const { machine, checkpoints } = this;
    if (machine.isAtEndOfRun && place > this.place) {
      const next = this.place + 1;
      machine.unstopped(() => finish(this.#meet(next)));
      checkpoints.restore(next);
      this.#idleUntil = 0;
      return undefined;
    }
    const most = Math.max(this.place + INTERVAL, this.#idleUntil);
    const next = checkpoints.placeBehind(this.place);
    const ran = machine.advance(Math.min(place, most, next), stepOver);
    const isIdle = machine.board.nextHart() === null;
    this.#idleUntil = isIdle ? machine.zeroOfRun + (ran.idleUntil ?? 0) : 0;
    if (this.place === next || checkpoints.executedSince() >= INTERVAL) checkpoints.take();
    return ran;
  }

  /** Over the access to a traced page before which it was stopped, or the interrupt that comes first. */
  pass(): rv64.BoardRun | undefined {
    const { machine, place } = this;
    const step = (): rv64.BoardRun | undefined => this.slice(place + 1, true);
    const hart = machine.board.nextHart();
    const isInterrupted = hart !== null && takesInterrupt(machine.engine, hart);
    return isInterrupted ? step() : machine.untraced(step);
  }

  /** To a place; false when it was interrupted on the way. No stops may be set. */
  *seek(place: number, goesOn: GoesOn = always): Sliced<boolean> {
    if (!(yield* this.#approach(place, goesOn))) return false;
    return yield* this.#runTo(place, goesOn);
  }

  /** To a place from behind. */
  *seekBack(place: number, goesOn: GoesOn = always): Sliced<boolean> {
    if (!(yield* this.#approach(place, goesOn))) return false;
    for (const distance of LADDER) {
      const rung = place - distance;
      if (rung <= this.place || this.checkpoints.placeBefore(place) >= rung - distance) continue;
      if (!(yield* this.seek(rung, goesOn))) return false;
      this.checkpoints.take();
    }
    return yield* this.seek(place, goesOn);
  }

  *#runTo(place: number, goesOn: GoesOn): Sliced<boolean> {
    while (this.place < place) {
      if (!goesOn()) return false;
      this.slice(place);
      yield;
    }
    return true;
  }

  *#approach(place: number, goesOn: GoesOn): Sliced<boolean> {
    if (!(yield* this.#meet(place, goesOn))) return false;
    const near = this.checkpoints.placeBefore(place);
    if (place >= this.place && near <= this.place) return true;
    this.checkpoints.restore(near);
    this.#idleUntil = 0;
    return true;
  }

  /** Comes by what the run of a place goes on from, which is in an earlier one. No stops may be set. */
  *#meet(place: number, goesOn: GoesOn = always): Sliced<boolean> {
    const { log } = this.machine;
    const image = this.machine.unknownImage(log.runAt(place));
    if (image === undefined) return true;
    // From before it, so that it is delivered; at the begin of a run that is so anyway.
    const { begin } = log.runs[log.runAt(image.place)]!;
    if (!(yield* this.#approach(Math.max(begin, image.place - 1), goesOn))) return false;
    return yield* this.#runTo(image.place, goesOn);
  }
}
