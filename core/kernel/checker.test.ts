import { describe, expect, it } from "vitest";
import { always, captureWorld, restoreWorld, type World } from "./index.ts";
import { finishSample, SAMPLE_END_NS, sampleWorld } from "./testing/index.ts";

const keys = (world: World): string[] =>
  world.checker.violations.map((each) => `${each.invariant} ${each.entities[0]}`).sort();

function runChecked(world: World, after: (world: World) => void): World {
  let event = 0;
  while (world.run({ untilNs: SAMPLE_END_NS, untilEvent: ++event }) === "event") after(world);
  finishSample(world);
  return world;
}

/** What the checker finds from what was dirtied, and what it finds looking at everything. */
function both(seed: number, blind: boolean): readonly [string[], string[]] {
  const incremental = sampleWorld({ seed }, { constants: {} });
  const full = sampleWorld({ seed }, { constants: {} });
  const hide = (world: World): void => {
    for (const entity of world.entities()) entity.watched = false;
  };
  if (blind) hide(incremental);
  incremental.run({ untilNs: SAMPLE_END_NS });
  runChecked(full, () => full.checker.checkAll(false));
  return [keys(incremental), keys(full)];
}

describe("invariants", () => {
  it("checked on what was dirtied find what checking everything after each event finds", () => {
    for (let seed = 0; seed < 12; seed++) {
      const [incremental, full] = both(seed, false);
      expect(full.length).toBeGreaterThan(1);
      expect(incremental).toEqual(full);
    }
  });

  it("of durable state alone are not looked at again when other state changed", () => {
    const looks: number[] = [];
    const reader = always(
      "looks at totals",
      { mechanism: "sample", reads: ["server"], readsDurable: true },
      ({ world }) => void looks.push(world.eventCount),
    );
    const dirtied = (readsDurable: boolean): number[] => {
      looks.length = 0;
      const world = sampleWorld({ seed: 1 });
      world.addInvariants([{ ...reader, readsDurable }]);
      finishSample(world);
      return [...looks];
    };
    const [durable, any] = [dirtied(true), dirtied(false)];
    expect(durable.length).toBeGreaterThan(1);
    expect(durable.length).toBeLessThan(any.length);
    expect(any).toEqual(expect.arrayContaining(durable));
  });

  it("canary: edits that are not noted are missed", () => {
    const [incremental, full] = both(1, true);
    expect(incremental).not.toEqual(full);
  });

  it("say when: the event after which the predicate first failed", () => {
    const world = sampleWorld({ seed: 1 });
    finishSample(world);
    for (const { event, invariant, atNs } of world.checker.violations) {
      const again = sampleWorld({ seed: 1 });
      again.run({ untilEvent: event - 1 });
      const before = again.checker.violations.length;
      again.run({ untilEvent: event });
      const found = again.checker.violations.slice(before);
      expect(found.map((each) => [each.invariant, each.atNs])).toContainEqual([invariant, atNs]);
    }
  });

  it("are found again after a rewind, with shadows as they were", () => {
    const world = sampleWorld({ seed: 1 });
    const start = captureWorld(world);
    finishSample(world);
    const first = world.checker.violations;
    expect(first.some(({ fields }) => fields["most"] !== undefined)).toBe(true);
    restoreWorld(world, start);
    expect(world.checker.violations).toEqual([]);
    finishSample(world);
    expect(world.checker.violations).toEqual(first);
  });

  it("that are to be reached are listed until they are", () => {
    const world = sampleWorld({ seed: 1 });
    expect(world.checker.unreached).toEqual(["a request fails", "the moon is blue"]);
    finishSample(world);
    expect(world.checker.unreached).toEqual(["the moon is blue"]);
  });
});
