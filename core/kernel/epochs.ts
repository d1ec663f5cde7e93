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
  /** Hash chain over the state roots of the epochs so far. */
  chain = 0n;
  readonly #world: World;
  #index = 0;
  #startEvent = 0;
  #startNs = 0;
  #metricsStartNs = 0;

  constructor(world: World) {
    this.#world = world;
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
    const world = this.#world;
    world.checker.checkAll(false);
    const stateRoot = world.stateRoot();
    this.chain = rootOfRun(stateRoot, this.chain, 0n);
    world.gate.flush();
    const { timeNs, eventCount: event } = world;
    world.hooks.onEpoch?.({ index: this.#index, event, timeNs, stateRoot });
    this.#index++;
    this.#startEvent = event;
    this.#startNs = timeNs;
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
    this.chain = BigInt(`0x${scalars.epochChain}`);
    this.#metricsStartNs = scalars.metricsStartNs;
  }
}
