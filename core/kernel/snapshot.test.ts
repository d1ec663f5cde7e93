import { describe, expect, it } from "vitest";
import {
  captureWorld,
  component,
  type Entity,
  type PlainObject,
  restoreWorld,
  uniform,
  World,
} from "./index.ts";
import type { Steer } from "./gate.ts";

type Letter = { passed: number; readonly to: string };

/** Draws, and writes on what it was given, as handlers may. */
const carrier = component<PlainObject, { seen: number[] }, PlainObject>({
  kind: "carrier",
  durable: () => ({ seen: [] }),
  handlers: {
    letter: (self, arg: Letter) => {
      arg.passed += self.draw("steps", uniform(5)) + 1;
      self.editDurable().seen.push(arg.passed);
      self.world.shadowContents.open("copy", 64).writeStamps(0, 1, arg.passed);
    },
  },
});

type Carrier = Entity<PlainObject, { seen: number[] }>;

function build(steer?: Steer): { readonly world: World; readonly self: Carrier } {
  const world = new World({ gate: { seed: 1, ...(steer && { steer }) } });
  const domain = world.addDomain("post");
  const self = world.spawn(carrier, {}, { domain, name: "carrier" });
  for (let at = 1; at <= 6; at++) self.after(at * 1_000, "letter", { passed: 0, to: "b" });
  return { world, self: self as unknown as Carrier };
}

describe("going back to an image", () => {
  it("gives pending events what they were given, whatever handlers made of it since", () => {
    const { world, self } = build();
    world.run({ untilEvent: 2 });
    const image = captureWorld(world);
    const runs = [1, 2, 3].map(() => {
      world.run();
      const seen = [...self.durable.seen];
      restoreWorld(world, image);
      return seen;
    });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it("brings observers' copies along", () => {
    const { world } = build();
    const copy = () => world.shadowContents.open("copy", 64).read(0, 1);
    world.run({ untilEvent: 2 });
    const [image, then] = [captureWorld(world), copy()];
    world.run();
    expect(copy()).not.toEqual(then);
    restoreWorld(world, image);
    expect(copy()).toEqual(then);
  });

  it("asks who steers for the same draws again, by their positions", () => {
    const asked: number[] = [];
    const { world } = build(({ position }) => void asked.push(position));
    world.run({ untilEvent: 2 });
    const image = captureWorld(world);
    world.run();
    const first = asked.splice(0).slice(2);
    restoreWorld(world, image);
    world.run();
    expect(asked).toEqual(first);
    expect(first).toEqual([2, 3, 4, 5]);
  });
});
