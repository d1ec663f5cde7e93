import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  component,
  decodeImage,
  diffWorlds,
  encodeImage,
  type Entity,
  type Epoch,
  restoreWorld,
  World,
  type WorldImage,
} from "./index.ts";
import {
  finishSample,
  SAMPLE,
  SAMPLE_END_NS,
  type SampleOptions,
  sampleWorld,
} from "./testing/index.ts";

const SEED = 7;
const build = (changes?: Partial<SampleOptions>): World => sampleWorld({ seed: SEED }, changes);
const straight = build();
const ROOT = finishSample(straight);
const VIOLATIONS = straight.checker.violations;

/** Runs event by event; `between` is called after each. */
function stepThrough(world: World, between: (world: World) => void): bigint {
  for (let event = 1; ; event++) {
    if (world.run({ untilNs: SAMPLE_END_NS, untilEvent: event }) !== "event") break;
    between(world);
  }
  return finishSample(world);
}

describe("a snapshot at any event", () => {
  it("changes nothing when it is taken and restored in place", () => {
    const world = build();
    const root = stepThrough(world, () => restoreWorld(world, captureWorld(world)));
    expect(root).toBe(ROOT);
    expect(world.checker.violations).toEqual(VIOLATIONS);
  });

  it("is not changed by what follows: any event can be gone back to, again and again", () => {
    const world = build();
    const images: WorldImage[] = [captureWorld(world)];
    const roots: bigint[] = [world.root()];
    stepThrough(world, () => {
      images.push(captureWorld(world));
      roots.push(world.root());
    });
    fc.assert(
      fc.property(fc.nat(images.length - 1), fc.nat(40), (event, further) => {
        restoreWorld(world, images[event]!);
        expect(world.root()).toBe(roots[event]);
        const to = Math.min(event + further, images.length - 1);
        world.run({ untilEvent: to });
        expect(world.root()).toBe(roots[to]);
      }),
      { seed: 1, numRuns: 150 },
    );
    restoreWorld(world, images[3]!);
    expect(finishSample(world)).toBe(ROOT);
    expect(world.checker.violations).toEqual(VIOLATIONS);
  });

  it("goes over into a fresh world as a difference", () => {
    const world = build();
    let base = captureWorld(world);
    let other = build();
    let otherBase = captureWorld(other);
    const root = stepThrough(world, () => {
      const image = captureWorld(world);
      const delta = structuredClone(encodeImage(world, image, base));
      const decoded = decodeImage(other, delta, otherBase);
      if (world.eventCount % 16 === 0) other = build();
      restoreWorld(other, decoded);
      expect(other.root()).toBe(world.root());
      expect(diffWorlds(world, other)).toEqual([]);
      [base, otherBase] = [image, decoded];
    });
    expect(root).toBe(ROOT);
  });

  it("of one event carries a fresh world to the same end", () => {
    for (const event of [1, 63, 64, 65, 200, 333, 480]) {
      const world = build();
      world.run({ untilEvent: event });
      const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
      const other = build();
      restoreWorld(other, decodeImage(other, delta, undefined));
      expect(finishSample(other)).toBe(ROOT);
    }
  });
});

describe("the root", () => {
  it("does not depend on hooks, on recording, or on how the run is cut", () => {
    const epochs: Epoch[] = [];
    const watched = sampleWorld({ seed: SEED, sink: () => {} });
    const nothing = () => {};
    watched.hooks = { onNotice: nothing, onEvent: nothing, onPause: nothing };
    watched.hooks.onEpoch = (epoch) => epochs.push(epoch);
    expect(finishSample(watched)).toBe(ROOT);
    fc.assert(
      fc.property(fc.array(fc.nat(3_000)), fc.array(fc.nat(90)), (pauses, counts) => {
        const world = build();
        const seen: Epoch[] = [];
        world.hooks.onEpoch = (epoch) => seen.push(epoch);
        for (const ns of pauses) world.run({ untilNs: Math.min(SAMPLE_END_NS, world.timeNs + ns) });
        for (const n of counts) {
          const untilEvent = world.eventCount + n;
          world.run({ untilNs: SAMPLE_END_NS, untilEvent, pauseEvery: 7 });
        }
        expect(finishSample(world)).toBe(ROOT);
        expect(seen).toEqual(epochs);
      }),
      { seed: 2, numRuns: 40 },
    );
  });

  it("does not depend on caches: the queue's index and prepared samplers are dropped", () => {
    const world = build();
    const root = stepThrough(world, () => {
      world.queue.rebuildIndex();
      for (const entity of world.entities()) entity.dirtiedIn = -1;
    });
    expect(root).toBe(ROOT);
  });

  it("is changed by any single value of the configuration, the seed, or one draw", () => {
    const variants: Partial<SampleOptions>[] = [
      { paceNs: SAMPLE.paceNs + 1 },
      { lossPerMillion: SAMPLE.lossPerMillion + 1 },
      { crashEveryNs: SAMPLE.crashEveryNs + 1 },
      { requests: SAMPLE.requests + 1 },
      { greeting: "hallo" },
    ];
    const roots = variants.map((changes) => finishSample(build(changes)));
    roots.push(finishSample(sampleWorld({ seed: SEED + 1 })));
    for (const nth of [0, 17, 300]) {
      let draws = 0;
      const steer = () => (draws++ === nth ? 1 : undefined);
      roots.push(finishSample(sampleWorld({ seed: SEED, steer })));
    }
    expect(new Set([ROOT, ...roots]).size).toBe(roots.length + 1);
  });
});

const thrower = component<{}, {}, { n: number }>({
  kind: "thrower",
  volatile: () => ({ n: 0 }),
  handlers: {
    fall: (self) => {
      self.edit().n++;
      throw new Error("fell");
    },
    reach: (self, other: number) => {
      (self.world.entity(other) as Entity).edit();
    },
    count: (self) => void self.edit().n++,
  },
});

function throwers(): { world: World; one: Entity; two: Entity } {
  const world = new World({ gate: { seed: 99 } });
  const domains = [world.addDomain("one"), world.addDomain("two")];
  const [one, two] = domains.map((domain, i) =>
    world.spawn(thrower, {}, { domain, name: ["one", "two"][i]! }),
  ) as unknown as [Entity, Entity];
  return { world, one, two };
}

describe("a handler", () => {
  it("that throws ends the run as a violation naming event, entity and seed", () => {
    const { world, one } = throwers();
    one.after(5, "count");
    one.after(9, "fall");
    one.after(10, "count");
    expect(world.run()).toBe("threw");
    const [violation] = world.checker.violations;
    expect(violation).toMatchObject({ entities: ["one"], event: 2, atNs: 9 });
    expect(violation!.fields["seed"]).toBe(99);
    expect(violation!.message).toContain("fell");
  });

  it("that touches another domain throws", () => {
    const { world, one, two } = throwers();
    one.after(5, "reach", two.id);
    expect(world.run()).toBe("threw");
    expect(world.checker.violations[0]!.message).toContain("two");
  });

  it("of a domain that crashed is not called for what was sent to its former life", () => {
    const { world, one, two } = throwers();
    two.after(5, "count");
    two.after(20, "count");
    world.run({ untilNs: 10 });
    world.crash(two.domain, "test");
    two.after(1, "count");
    one.after(8, "count");
    expect(world.run({ untilNs: 15 })).toBe("time");
    expect(two.volatile).toEqual({ n: 0 });
    world.restart(two.domain);
    two.after(3, "count");
    one.after(30, "count");
    world.run();
    expect([two.volatile, one.volatile]).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

describe("the state right after an event", () => {
  it("is the same whether the run then looked for more or not", () => {
    const world = throwers();
    const same = throwers();
    for (const { one, two } of [world, same]) {
      one.after(5, "count");
      const timer = two.after(7, "count");
      two.cancel(timer);
      two.after(8, "count");
    }
    world.world.run({ untilEvent: 1 });
    same.world.run({ untilNs: 7 });
    expect(same.world.root()).toBe(world.world.root());
    world.world.crash(world.two.domain, "test");
    same.world.crash(same.two.domain, "test");
    expect(same.world.run({ untilNs: 1_000_000 })).toBe("idle");
    expect(same.world.root()).toBe(world.world.root());
  });
});

describe("who listens", () => {
  it("to epochs, or to nothing, changes no root, asked for at once or in the next run", () => {
    const heard = build();
    const epochs: Epoch[] = [];
    heard.hooks.onEpoch = (epoch) => epochs.push(epoch);
    expect(finishSample(heard)).toBe(ROOT);
    expect(epochs.at(-1)!.event).toBe(straight.eventCount);
    const late = build();
    late.run({ untilNs: SAMPLE_END_NS });
    late.finish();
    late.run({ untilEvent: late.eventCount });
    expect(late.root()).toBe(ROOT);
  });

  it("to some kinds of notice is told of those alone, and of no fewer (canary: of all)", () => {
    const kindsHeard = (heard?: ReadonlySet<string>): readonly string[] => {
      const world = build();
      const kinds: string[] = [];
      world.hooks.onNotice = ({ kind }) => kinds.push(kind);
      if (heard !== undefined) world.hooks.heard = heard;
      finishSample(world);
      for (const kind of new Set(kinds)) expect(world.isHeard(kind)).toBe(true);
      expect(world.isHeard("never told")).toBe(heard === undefined);
      return kinds;
    };
    const all = kindsHeard();
    const [some] = all;
    expect(kindsHeard(new Set([some!]))).toEqual(all.filter((kind) => kind === some));
    expect(new Set(all).size).toBeGreaterThan(1);
  });
});
