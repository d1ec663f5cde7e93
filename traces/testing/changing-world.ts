// A world whose code can be "changed", to hold old traces against: walkers that add up draws and
// pass tokens on. Each variant stands for a later version of the same code.
import {
  component,
  type Entity,
  exponential,
  type GateOptions,
  uniform,
  World,
} from "../../core/kernel/index.ts";
import type { WorldBuilder } from "../world-builder.ts";

export type Variant =
  "as-kept" | "neutral-draw" | "altering-draw" | "changed-distribution" | "new-handlers";

type WalkerConfig = { next: number };
type WalkerState = { total: number; steps: number; last: number };

const STEP = uniform(1_000);
const OTHER_STEP = uniform(17);
const PACE = exponential(2_000);
const WALKERS = 4;

const walkerOf = (variant: Variant) =>
  component<WalkerConfig, {}, WalkerState>({
    kind: "walker",
    volatile: () => ({ total: 0, steps: 0, last: 0 }),
    handlers: {
      ...(variant === "new-handlers" && { sit: () => {}, stand: () => {} }),
      step: (self) => {
        const { next } = self.config;
        const changed = variant === "changed-distribution";
        const state = self.edit();
        state.steps++;
        state.total += self.draw("step", changed ? OTHER_STEP : STEP);
        if (variant === "neutral-draw") self.draw("spare", STEP);
        if (variant === "altering-draw" && state.steps > 150) state.last = self.draw("extra", STEP);
        if (state.steps % 8 === 0) self.send(next, "take", state.total);
        self.world.addWork(128);
        self.after(1 + self.draw("pace", PACE), "step");
      },
      take: (self, { body }: { body: number }) => void (self.edit().total += body % 7),
      poke: (self, by: number) => void (self.edit().total += by),
    },
  });

/** Builds the world of a variant; walker 0 is a "VM", so its draws are kept apart. */
export function changingBuilder(variant: Variant = "as-kept", shift = 0): WorldBuilder {
  const walker = walkerOf(variant);
  const build = (gate: GateOptions): World => {
    const world = new World({ gate, constants: { epochEvents: 256 } });
    world.register(walker as never);
    const domain = world.addDomain("street");
    for (let i = 0; i < WALKERS; i++) {
      const config = { next: (i + 1) % WALKERS };
      const each = world.spawn(walker, config, { domain, name: `walker-${i}` });
      (each as unknown as Entity).after(10 * (i + 1) + (i === 2 ? shift : 0), "step");
    }
    return world;
  };
  return { build, vms: ["walker-0"], durationNs: 700_000 };
}
