/**
 * Going to any place of a recorded machine: back to a checkpoint, then forwards. On the way it leaves
 * checkpoints, so that no place is far from one; close before a place that was approached from
 * behind it leaves some more, because whoever steps back once will do so again.
 */
import type { rv64 } from "../../core/guest/index.ts";
import type { Sliced } from "../replaying/sliced.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { takesInterrupt } from "./interrupts.ts";
import type { RecordedBoard } from "./recorded-board.ts";

/** Instructions between two checkpoints, and at most in one slice: some milliseconds. */
const INTERVAL = 2_000_000;
/** Distances before a place at which there should be checkpoints. */
const LADDER = [262_144, 32_768, 4_096, 512] as const;

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
      checkpoints.restore(this.place + 1);
      this.#idleUntil = 0;
      return undefined;
    }
    const most = Math.max(this.place + INTERVAL, this.#idleUntil);
    const next = checkpoints.placeBehind(this.place);
    const ran = machine.advance(Math.min(place, most, next), stepOver);
    const isIdle = machine.board.nextHart() === null;
    this.#idleUntil = isIdle ? machine.beginOfRun + (ran.idleUntil ?? 0) : 0;
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
  *seek(place: number, goesOn: () => boolean = () => true): Sliced<boolean> {
    this.#approach(place);
    while (this.place < place) {
      if (!goesOn()) return false;
      this.slice(place);
      yield;
    }
    return true;
  }

  /** To a place from behind. */
  *seekBack(place: number, goesOn: () => boolean = () => true): Sliced<boolean> {
    this.#approach(place);
    for (const distance of LADDER) {
      const rung = place - distance;
      if (rung <= this.place || this.checkpoints.placeBefore(place) >= rung - distance) continue;
      if (!(yield* this.seek(rung, goesOn))) return false;
      this.checkpoints.take();
    }
    return yield* this.seek(place, goesOn);
  }

  #approach(place: number): void {
    const near = this.checkpoints.placeBefore(place);
    if (place >= this.place && near <= this.place) return;
    this.checkpoints.restore(near);
    this.#idleUntil = 0;
  }
}
