/**
 * A world of toy cores that run as time goes on: each executes a step every so many nanoseconds, writes
 * to its memory, now and then asks for an event, waits, or is poked by another one. For tests.
 */
import {
  component,
  type Entity,
  type PageBacking,
  type PlainObject,
  type TimeNs,
  uniform,
  World,
} from "../index.ts";

export const CORE_PAGES = 130;
const PAGE = 4_096;

export interface CoreOptions {
  readonly cores: number;
  /** Steps executed between two looks outside: must not matter. */
  readonly slice: number;
  /** Canary: runs on to the end of its slice. */
  readonly oversteps?: boolean;
  /** What they come to on their way is told at once, as a hit of a trace is: an event before all others. */
  readonly tells?: boolean;
}

type CoreConfig = { readonly stepNs: number; readonly domains: number };
type CoreState = {
  seed: number;
  steps: number;
  sinceNs: number;
  toNs: number;
  exitNs: number;
  isLeaving: boolean;
  wakeNs: number;
  pokes: number[];
  /** Told, and heard of. */
  told?: number;
  heard?: number;
};
export type Core = Entity<CoreConfig, PlainObject, CoreState>;

/** Bytes in an array, with a set of dirty pages. */
export class ArrayBacking implements PageBacking {
  readonly bytes: Uint8Array;
  readonly #dirty = new Set<number>();

  constructor(pages: number) {
    this.bytes = new Uint8Array(pages * PAGE);
  }

  read(page: number): Uint8Array {
    return this.bytes.subarray(page * PAGE, (page + 1) * PAGE);
  }

  write(page: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, page * PAGE);
    this.#dirty.add(page);
  }

  poke(address: number, value: number): void {
    this.bytes[address] = value;
    this.#dirty.add(Math.floor(address / PAGE));
  }

  takeDirty(): readonly number[] {
    const dirty = [...this.#dirty].sort((a, b) => a - b);
    this.#dirty.clear();
    return dirty;
  }
}

export const memoryOf = (core: Core): ArrayBacking =>
  core.world.memories.get(`${core.name}#ram`)!.backing as ArrayBacking;

/** Time at which step number `steps` is done. */
const timeOf = ({ config, volatile }: Core, steps: number): TimeNs =>
  volatile.sinceNs + steps * config.stepNs;

function coreComponent({ slice, oversteps, tells }: CoreOptions) {
  const runTo = (self: Core, untilNs: TimeNs): void => {
    const state = self.edit();
    if (state.wakeNs > state.toNs) state.toNs = Math.min(state.wakeNs, untilNs);
    // Steps slept through are no steps.
    if (state.toNs === state.wakeNs)
      state.sinceNs = state.wakeNs - state.steps * self.config.stepNs;
    const memory = memoryOf(self);
    while (timeOf(self, state.steps + 1) <= untilNs && state.toNs >= state.wakeNs) {
      for (let i = 0; i < slice; i++) {
        if (!oversteps && timeOf(self, state.steps + 1) > untilNs) break;
        state.seed = (Math.imul(state.seed, 1_664_525) + 1_013_904_223) >>> 0;
        state.steps++;
        memory.poke(state.seed % (CORE_PAGES * PAGE), state.seed >>> 24);
        const what = (state.seed >>> 8) % 400;
        state.toNs = timeOf(self, state.steps);
        if (tells && what > 390) {
          state.told = (state.told ?? 0) + 1;
          self.after(0, "hear", self.simulatedNs);
        }
        if (what < 3) {
          state.exitNs = state.toNs;
          self.world.addWork(1);
          return;
        }
        if (what === 3) {
          state.wakeNs = state.toNs + ((state.seed >>> 4) % 90_000);
          return;
        }
      }
      self.world.addWork(1);
    }
    if (state.wakeNs <= state.toNs) state.toNs = Math.max(state.toNs, untilNs);
  };
  return component<CoreConfig, PlainObject, CoreState>({
    kind: "core",
    volatile: ({ stepNs }) => ({
      seed: stepNs,
      steps: 0,
      sinceNs: 0,
      toNs: 0,
      exitNs: Infinity,
      isLeaving: false,
      wakeNs: 0,
      pokes: [],
    }),
    handlers: {
      exit: (self) => {
        const state = self.edit();
        state.isLeaving = false;
        const peers = [...self.world.entities()].filter(({ kind }) => kind === "core");
        const peer = peers[self.draw("peer", uniform(peers.length))]!;
        self.world.push(peer, self.draw("latency", uniform(3)) * 7_000, "poke", 1, 0);
      },
      hear: (self, atNs: number) => {
        const state = self.edit();
        if (self.simulatedNs === atNs) state.heard = (state.heard ?? 0) + 1;
      },
      poke: (self, by: number) => {
        const state = self.edit();
        state.seed = (state.seed + by) >>> 0;
        if (state.pokes.length < 50) state.pokes.push(state.steps);
        state.wakeNs = Math.min(state.wakeNs, Math.max(state.toNs, self.simulatedNs));
      },
    },
    advance: {
      nextNs: ({ volatile }: Core) => {
        if (volatile.exitNs < Infinity || volatile.isLeaving) return Infinity;
        return Math.max(volatile.toNs, volatile.wakeNs);
      },
      exitNs: ({ volatile }: Core) => volatile.exitNs,
      runTo,
      leave: (self: Core) => {
        const state = self.edit();
        self.after(state.exitNs - self.simulatedNs, "exit");
        state.exitNs = Infinity;
        state.isLeaving = true;
      },
    },
  });
}

export function coreWorld(options: CoreOptions): World {
  const world = new World({
    gate: { seed: 5 },
    constants: { epochEvents: 100, epochNs: 300_000, metricsIntervalNs: 100_000 },
  });
  world.memories.makeBacking = ({ pages }) => new ArrayBacking(pages);
  const definition = coreComponent(options);
  for (let i = 0; i < options.cores; i++) {
    const domain = world.addDomain(`host-${i}`);
    const config = { stepNs: 11 + 2 * i, domains: options.cores };
    const core = world.spawn(definition, config, { domain, name: `core-${i}` });
    world.memories.create(`${core.name}#ram`, { pages: CORE_PAGES });
  }
  return world;
}
