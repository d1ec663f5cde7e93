/**
 * Cores that run by themselves as time goes on: real guests. Their progress is a function of time, so
 * running them is no event, takes no sequence number, no draw and no log record; only what they ask
 * for (an exit) becomes an event, at its own time.
 *
 * Must hold: before anything at time t happens, every core has run to t, and has not asked for
 * anything earlier. How far each has run is a function of the state alone: where a run stops, is
 * paused, saved or restored changes nothing. One core alone stands exactly at t. Of several that run
 * at once each may be ahead, at most to the end of the look-ahead window in which t lies, for an
 * exit of one cannot be known before the others have run: what reaches a core takes effect where it
 * stands, so no core is ever too far.
 */
import type { Entity } from "./entity.ts";
import type { TimeNs } from "./time.ts";
import type { World } from "./world.ts";

/**
 * What a component does whose entities advance with time. All of it is read from their state. Each
 * function is given the entity, whatever its types are.
 */
export interface Advance {
  /**
   * To where it has run; or, when it waits, when it goes on by itself; Infinity when only an event
   * can make it go on (its own exit, too).
   */
  nextNs(self: never): TimeNs;
  /** Time of the exit at which it stands and that is no event yet; Infinity: there is none. */
  exitNs(self: never): TimeNs;
  /** Runs it to `untilNs`, or to its first exit up to then, or until it waits. */
  runTo(self: never, untilNs: TimeNs): void;
  /** Schedules the exit as an event at its time. */
  leave(self: never): void;
  /** Before somebody looks: a core that waits is to show the present, however it came here. */
  settle?(self: never): void;
}

/** How `toward` ended: all stand at the limit, an exit became an event, or it is time for a pause. */
export type Advanced = "reached" | "exit" | "paused";

/** A core alone runs for so long at once, so that pauses find a place. */
const STRIDE_NS = 5_000_000;

export class Advancing {
  readonly #world: World;
  /** Of the last look at all cores. */
  #nextNs = Infinity;
  #exitNs = Infinity;
  #first: Entity | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether any core runs, will go on by itself, or stands at an exit. */
  look(): boolean {
    this.#nextNs = Infinity;
    this.#exitNs = Infinity;
    for (const core of this.#world.registry.advancing) {
      const advance = core.component.advance!;
      this.#nextNs = Math.min(this.#nextNs, advance.nextNs(core as never));
      const atNs = advance.exitNs(core as never);
      if (atNs >= this.#exitNs) continue;
      this.#exitNs = atNs;
      this.#first = core;
    }
    return this.#nextNs < Infinity || this.#exitNs < Infinity;
  }

  /** Where a pause finds the world: no core stands before it. */
  get nowNs(): TimeNs {
    return this.#nextNs;
  }

  /** Before a root, an image or a view is taken: all show the present. */
  settle(): void {
    for (const core of this.#world.registry.advancing) {
      core.component.advance!.settle?.(core as never);
    }
  }

  /** Brings all cores to `limitNs`, or to the first exit up to then, which becomes an event. */
  toward(limitNs: TimeNs, pauseWork: number): Advanced {
    while (this.look()) {
      const [nextNs, exitNs] = [this.#nextNs, this.#exitNs];
      if (exitNs <= limitNs && exitNs <= nextNs) {
        this.#first!.component.advance!.leave(this.#first as never);
        return "exit";
      }
      if (nextNs >= limitNs) return "reached";
      if (this.#world.extraWork >= pauseWork) return "paused";
      this.#run(limitNs);
    }
    return "reached";
  }

  /** Runs whatever would go on within the window that begins where the hindmost core stands. */
  #run(limitNs: TimeNs): void {
    const { registry, constants } = this.#world;
    const windowNs = constants.lookAheadNs;
    const endNs = this.#nextNs - (this.#nextNs % windowNs) + windowNs;
    const within: Entity[] = [];
    let othersNs = Infinity;
    for (const core of registry.advancing) {
      const nextNs = core.component.advance!.nextNs(core as never);
      if (nextNs < endNs) within.push(core);
      else othersNs = Math.min(othersNs, nextNs);
    }
    if (within.length === 1) {
      // Alone up to the window in which another one goes on: nothing can come between.
      const aloneNs = othersNs - (othersNs % windowNs);
      const strideNs = this.#nextNs + STRIDE_NS;
      const core = within[0]!;
      core.component.advance!.runTo(
        core as never,
        Math.min(limitNs, this.#exitNs, othersNs === Infinity ? Infinity : aloneNs, strideNs),
      );
      return;
    }
    for (const core of within) core.component.advance!.runTo(core as never, endNs);
  }
}
