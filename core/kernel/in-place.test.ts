import { expect, it } from "vitest";
import { changedInPlace, component, type Entity, World } from "./index.ts";

type Listing = { list: number[] };

const keeper = component<{ readonly list: number[] }, {}, Listing>({
  kind: "keeper",
  volatile: () => ({ list: [0] }),
  handlers: {
    add: (self, value: number) => void self.edit().list.push(value),
    addToConfiguration: (self, value: number) => void self.config.list.push(value),
    hold: (self, other: number) => {
      self.edit().list = (self.world.entity(other) as unknown as Entity).volatile["list"] as never;
    },
  },
});

function stage(): {
  readonly world: World;
  readonly step: (...call: [Entity, string, number]) => void;
} {
  const world = new World({ gate: { seed: 1 } });
  const domain = world.addDomain("here");
  for (const name of ["one", "other"]) world.spawn(keeper, { list: [] }, { domain, name });
  return {
    world,
    step(entity, handler, arg) {
      world.root();
      entity.after(1, handler, arg);
      world.run({ untilNs: world.timeNs + 1 });
    },
  };
}

it("what is edited is not changed in place", () => {
  const { world, step } = stage();
  step(world.named("one"), "add", 1);
  step(world.named("one"), "add", 2);
  expect(changedInPlace(world)).toEqual([]);
});

it("an entity that writes to its configuration does", () => {
  const { world, step } = stage();
  step(world.named("other"), "addToConfiguration", 1);
  expect(changedInPlace(world)).toEqual(["other (configuration)"]);
  world.root();
  expect(changedInPlace(world)).toHaveLength(1);
});

it("two records that hold one list do, once either goes on changing it", () => {
  const { world, step } = stage();
  const [one, other] = [world.named("one"), world.named("other")];
  step(other, "add", 1);
  step(one, "hold", other.id);
  step(other, "add", 2);
  expect(changedInPlace(world)).toEqual(["one (volatile)"]);
});
