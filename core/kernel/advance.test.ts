import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  diffWorlds,
  encodeImage,
  restoreWorld,
  type World,
} from "./index.ts";
import { type Core, type CoreOptions, coreWorld, memoryOf } from "./testing/index.ts";

const END_NS = 1_500_000;

function finish(world: World): bigint {
  world.run({ untilNs: END_NS });
  world.finish();
  return world.root();
}

const straight = (options: Partial<CoreOptions> = {}): bigint =>
  finish(coreWorld({ cores: 3, slice: 1_000, ...options }));

const coresOf = (world: World): Core[] => [...world.entities()] as unknown as Core[];

describe("cores that run as time goes on", () => {
  const root = straight();

  it("one root at any slice size, with one core or several", () => {
    for (const cores of [1, 2, 3]) {
      const roots = [1, 7, 1_000_000].map((slice) => straight({ cores, slice }));
      expect(new Set(roots).size).toBe(1);
    }
  });

  it("stops, pauses and turns of the event loop change nothing", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(END_NS), { maxLength: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (stops, pauseEvery, work) => {
          const world = coreWorld({ cores: 3, slice: 5 });
          world.hooks.onPause = () => void world.root();
          for (const untilNs of [...stops].sort((a, b) => a - b)) {
            for (;;) {
              const untilWork = world.extraWork + work;
              const reason = world.run({ untilNs, pauseEvery, untilWork });
              if (reason === "time") break;
            }
            expect(world.timeNs).toBeLessThanOrEqual(untilNs);
          }
          expect(finish(world)).toBe(root);
        },
      ),
      { numRuns: 5, seed: 3 },
    );
  });

  it("snapshots at any event or instant, restored here or elsewhere, change nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(END_NS), { minLength: 1, maxLength: 12 }), (stops) => {
        let world = coreWorld({ cores: 3, slice: 13 });
        let base = captureWorld(world);
        stops
          .sort((a, b) => a - b)
          .forEach((untilNs, i) => {
            if (i % 3 === 0) world.run({ untilEvent: world.eventCount + 1 + (untilNs % 5) });
            else world.run({ untilNs });
            const image = captureWorld(world);
            if (i % 2 === 0) {
              world.run({ untilNs: Math.min(END_NS, world.timeNs + 50_000) });
              restoreWorld(world, image);
              return;
            }
            const delta = structuredClone(encodeImage(world, image, base));
            const fresh = coreWorld({ cores: 3, slice: 2 });
            if (i === 1) restoreWorld(fresh, decodeImage(fresh, delta, captureWorld(fresh)));
            else {
              const whole = structuredClone(encodeImage(world, image, undefined));
              restoreWorld(fresh, decodeImage(fresh, whole, undefined));
            }
            expect(fresh.stateRoot()).toBe(world.stateRoot());
            world = fresh;
            base = captureWorld(world);
          });
        expect(finish(world)).toBe(root);
      }),
      { numRuns: 10, seed: 4 },
    );
  });

  it("one core alone stands exactly at the time of every event", () => {
    const world = coreWorld({ cores: 1, slice: 64 });
    const [core] = coresOf(world) as [Core];
    let checked = 0;
    world.hooks.onEvent = ({ timeNs }) => {
      const { steps, sinceNs, wakeNs } = core.volatile;
      if (wakeNs > timeNs) return;
      expect(steps).toBe(Math.floor((timeNs - sinceNs) / core.config.stepNs));
      checked++;
    };
    world.run({ untilNs: END_NS });
    expect(checked).toBeGreaterThan(100);
  });

  it("several are ahead of an event to the end of its window at most", () => {
    const world = coreWorld({ cores: 3, slice: 64 });
    const windowNs = world.constants.lookAheadNs;
    world.hooks.onEvent = ({ timeNs }) => {
      const endNs = Math.floor(timeNs / windowNs) * windowNs + windowNs;
      for (const { volatile } of coresOf(world)) expect(volatile.toNs).toBeLessThanOrEqual(endNs);
    };
    world.run({ untilNs: END_NS });
    expect(world.eventCount).toBeGreaterThan(100);
  });

  it("what they schedule on their way to an event comes before it, once", () => {
    const world = coreWorld({ cores: 2, slice: 64, tells: true });
    let lastNs = 0;
    world.hooks.onEvent = ({ timeNs }) => {
      expect(timeNs).toBeGreaterThanOrEqual(lastNs);
      lastNs = timeNs;
    };
    world.run({ untilNs: END_NS });
    world.finish();
    for (const { volatile } of coresOf(world)) {
      expect(volatile.told).toBeGreaterThan(100);
      expect(volatile.heard).toBe(volatile.told);
      expect(volatile.steps).toBeGreaterThan(1_000);
    }
  });

  it("a byte of memory is part of the root", () => {
    const world = coreWorld({ cores: 2, slice: 64 });
    world.run({ untilNs: END_NS / 2 });
    const before = world.root();
    const memory = memoryOf(coresOf(world)[1]!);
    memory.poke(77, memory.bytes[77]! ^ 1);
    expect(world.root()).not.toBe(before);
    const other = coreWorld({ cores: 2, slice: 9 });
    other.run({ untilNs: END_NS / 2 });
    expect(diffWorlds(world, other).map(({ path }) => path)).toEqual([
      "/core-1/memories/ram/digest",
      "/core-1/memories/ram/0/72",
    ]);
    memory.poke(77, memory.bytes[77]! ^ 1);
    expect(world.root()).toBe(before);
    expect(diffWorlds(world, other)).toEqual([]);
  });

  it("canary: a core that runs to the end of its slice is caught", () => {
    const roots = [1, 7, 100].map((slice) => straight({ slice, oversteps: true }));
    expect(new Set(roots).size).toBe(3);
  });
});
