import { expect, it } from "vitest";
import {
  captureWorld,
  component,
  decodeImage,
  encodeImage,
  restoreWorld,
  SnapshotOfOtherCode,
  World,
} from "./index.ts";

type State = { seen: string[] };
type Names = { readonly tick: string; readonly more: readonly string[]; readonly swap: boolean };

const PLAIN: Names = { tick: "tick", more: [], swap: false };
const END_NS = 100_000;

/** Two kinds that time each other; what has no part in it is added by `more` and `swap`. */
function build({ tick, more, swap }: Names): World {
  const unused = Object.fromEntries(more.map((name) => [name, () => {}]));
  const bell = component<{}, {}, State>({
    kind: "bell",
    volatile: () => ({ seen: [] }),
    handlers: { ...unused, ring: (self, from: string) => void self.edit().seen.push(from) },
  });
  const clock = component<{ bell: number }, {}, {}>({
    kind: "clock",
    handlers: {
      ...unused,
      [tick]: (self) => {
        self.world.schedule(self.world.entity(self.config.bell), 250, "ring", self.name);
        self.after(1_000, tick);
      },
    },
  });
  const world = new World({ gate: { seed: 1 }, constants: { epochEvents: 16 } });
  world.register(...((swap ? [clock, bell] : [bell, clock]) as never[]));
  const domain = world.addDomain("tower");
  const rung = world.spawn(bell, {}, { domain, name: "bell" });
  for (const name of ["first", "second"]) {
    world.spawn(clock, { bell: rung.id }, { domain, name }).after(name.length, tick);
  }
  return world;
}

const rootsOf = (world: World): bigint[] =>
  [10, 1_100, 1_300, END_NS].map((untilNs) => {
    world.run({ untilNs });
    expect(world.queue.size).toBeGreaterThan(1);
    return world.root();
  });

const others: readonly Names[] = [
  { ...PLAIN, more: ["spare"] },
  { ...PLAIN, swap: true },
  { ...PLAIN, more: ["spare", "other"], swap: true },
];

it("roots are those of handlers' names, whatever other handlers there are", () => {
  const roots = rootsOf(build(PLAIN));
  for (const names of others) expect(rootsOf(build(names))).toEqual(roots);
});

it("a snapshot goes over into a world with other handlers beside", () => {
  const world = build(PLAIN);
  world.run({ untilNs: 1_100 });
  const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
  world.run({ untilNs: END_NS });
  for (const names of others) {
    const other = build(names);
    restoreWorld(other, decodeImage(other, delta, undefined));
    other.run({ untilNs: END_NS });
    expect(other.root()).toBe(world.root());
  }
});

it("canary: a handler of another name has another root, and no snapshot goes over", () => {
  const [world, renamed] = [build(PLAIN), build({ ...PLAIN, tick: "tock" })];
  expect(renamed.root()).not.toBe(world.root());
  expect(() => restoreWorld(renamed, captureWorld(world))).toThrow(SnapshotOfOtherCode);
});

it("two handlers of one number are not taken", () => {
  const world = new World({ gate: { seed: 1 } });
  world.registry.addHandler("@spare", () => {});
  expect(() => world.registry.addHandler("@spare", () => {})).toThrow(/one number/);
});
