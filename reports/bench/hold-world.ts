// The hold model: so many pending timers; each event draws an exponential delay and sets its timer
// again. What SimPy and ns-3 do in the files of peers/, in Orrery's own terms.
import { component, exponential, type GateOptions, World } from "../../core/kernel/index.ts";
import type { WorldBuilder } from "../../traces/index.ts";

/** Delays between two firings of a timer. */
export const PACE = exponential(1_000_000);

const holder = component<{ timers: number }, {}, {}>({
  kind: "holder",
  handlers: {
    fire: (self, timer: number) => void self.after(self.draw("pace", PACE), "fire", timer),
  },
});

export function holdWorld(gate: GateOptions, timers: number): World {
  const world = new World({ gate });
  world.register(holder as never);
  const domain = world.addDomain("hold");
  const entity = world.spawn(holder, { timers }, { domain, name: "holder" });
  for (let timer = 0; timer < timers; timer++) {
    entity.after(entity.draw("pace", PACE), "fire", timer);
  }
  return world;
}

export function holdBuilder(timers: number): WorldBuilder {
  return { build: (gate) => holdWorld(gate, timers), vms: [], durationNs: Infinity };
}
