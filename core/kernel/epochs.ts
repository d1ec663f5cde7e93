/**
 * Where a run is cut: epochs, whose state roots are chained, and intervals of metrics. Must hold:
 * the cuts depend on the run alone, by events and by simulated time, never on who looks or pauses.
 */
import { rootOfRun } from "./root.ts";
import type { TimeNs } from "./time.ts";
import type { World } from "./world.ts";
import type { WorldScalars } from "./world-types.ts";

type EpochScalars = Pick<
  WorldScalars,
  "epochIndex" | "epochStartEvent" | "epochStartNs" | "epochChain" | "metricsStartNs"
>;

export class Epochs {
  readonly #world: World;
  #chain = 0n;
  /** The run has ended, and the root of its last state is not in the chain yet. */
  #isOpen = false;
  #index = 0;
  #startEvent = 0;
  #startNs = 0;
  #metricsStartNs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Hash chain over the state roots of the epochs so far. */
  get chain(): bigint {
    this.settle();
    return this.#chain;
  }

  /** Number of the event after which this epoch ends at the latest. */
  get lastEvent(): number {
    return this.#startEvent + this.#world.constants.epochEvents;
  }

  /** The next moment at which an epoch or an interval of metrics ends. */
  nextBoundaryNs(): TimeNs {
    const { epochNs, metricsIntervalNs } = this.#world.constants;
    return Math.min(this.#startNs + epochNs, this.#metricsStartNs + metricsIntervalNs);
  }

  /** No event lies between the boundary and `nextNs`, so empty intervals are skipped at once. */
  cross(nextNs: TimeNs): void {
    const { epochNs, metricsIntervalNs } = this.#world.constants;
    if (nextNs >= this.#metricsStartNs + metricsIntervalNs) {
      this.emitMetrics();
      this.#metricsStartNs = nextNs - (nextNs % metricsIntervalNs);
    }
    if (nextNs >= this.#startNs + epochNs) {
      this.end();
      this.#startNs = nextNs - (nextNs % epochNs);
    }
  }

  emitMetrics(): void {
    const fromNs = this.#metricsStartNs;
    this.#world.metrics.emit(fromNs, fromNs + this.#world.constants.metricsIntervalNs);
  }

  /** Ends the epoch: everything is checked, and the state's root joins the chain. */
  end(): void {
    const { checker, gate } = this.#world;
    checker.checkAll(false);
    gate.flush();
    this.#close();
    this.#begin();
  }

  /**
   * Ends the last epoch of a run, whose world stays as it is from now on: its root, which most runs
   * of a search need not know, is taken when somebody listens or asks.
   */
  finish(): void {
    const { checker, gate, hooks } = this.#world;
    checker.checkAll(true);
    gate.flush();
    this.#isOpen = true;
    if (hooks.onEpoch !== undefined) this.#close();
    this.#begin();
  }

  /** Before anything else happens in a world that was finished. */
  settle(): void {
    if (this.#isOpen) this.#close();
  }

  #close(): void {
    const world = this.#world;
    const stateRoot = world.stateRoot();
    this.#chain = rootOfRun(stateRoot, this.#chain, 0n);
    this.#isOpen = false;
    const { timeNs, eventCount: event } = world;
    world.hooks.onEpoch?.({ index: this.#index, event, timeNs, stateRoot });
  }

  #begin(): void {
    this.#index++;
    this.#startEvent = this.#world.eventCount;
    this.#startNs = this.#world.timeNs;
  }

  scalars(): EpochScalars {
    return {
      epochIndex: this.#index,
      epochStartEvent: this.#startEvent,
      epochStartNs: this.#startNs,
      epochChain: this.chain.toString(16),
      metricsStartNs: this.#metricsStartNs,
    };
  }

  /** Part of restoring an image. */
  adopt(scalars: EpochScalars): void {
    this.#index = scalars.epochIndex;
    this.#startEvent = scalars.epochStartEvent;
    this.#startNs = scalars.epochStartNs;
    this.#isOpen = false;
    this.#chain = BigInt(`0x${scalars.epochChain}`);
    this.#metricsStartNs = scalars.metricsStartNs;
  }
}
