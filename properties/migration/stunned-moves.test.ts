/** A machine that an operator has stunned stands still wherever it goes on, until an operator lets it. */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { outcomesOf } from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Timeline = NonNullable<ScenarioDocument["timeline"]>;

const STUN = { id: "stun", do: "stun", vm: "db" } as const;
const UNSTUN = { id: "unstun", do: "unstun", vm: "db" } as const;
const MOVE = { id: "move", do: "migrate", vm: "db", to: "beta", atMs: 400 } as const;

function built(timeline: Timeline, changes: object = {}, faults: object[] = []): World {
  const small = smallDatacenter();
  const guest = shortWork({ bootMs: 20, durationMs: 9_000, thinkTimeUs: 20_000, readPercent: 30 });
  return builderOf({
    ...small,
    links: [...small.links!, { between: ["alpha", "beta"] }],
    vms: [{ ...small.vms![0]!, memoryMiB: 4, guest, ...changes }],
    timeline,
    faults: faults as never,
  }).build({ seed: 1 });
}

const stateOf = (world: World) => {
  const record = vmRecordOf(world, "db");
  const { host, steps, run } = record.durable;
  return { power: powerStateOf(record), host, steps, run };
};

/** How it stands at two moments between which nothing is done to it. */
function expectStill(world: World, fromAtMs: number, host = "beta"): void {
  world.run({ untilNs: fromMs(fromAtMs) });
  const before = stateOf(world);
  expect(before).toMatchObject({ power: "stunned", host, run: 1 });
  world.run({ untilNs: fromMs(fromAtMs + 500) });
  expect(stateOf(world)).toEqual(before);
}

function expectGoesOn(world: World, untilMs: number): void {
  const { steps } = stateOf(world);
  world.run({ untilNs: fromMs(untilMs) });
  world.finish();
  expect(stateOf(world)).toMatchObject({ power: "running", host: "beta", run: 1 });
  expect(stateOf(world).steps).toBeGreaterThan(steps);
  expect(world.checker.violations).toEqual([]);
}

describe("a machine that an operator has stunned", () => {
  it.each(["pre-copy", "post-copy"] as const)(
    "stands still where it is moved (%s), and goes on there when it is let",
    (algorithm) => {
      const move = { ...MOVE, algorithm };
      const world = built([{ ...STUN, atMs: 300 }, move, { ...UNSTUN, atMs: 2_500 }]);
      const ended = outcomesOf(world);
      expectStill(world, 1_500);
      expectGoesOn(world, 3_500);
      expect(ended).toMatchObject({ stun: "complete", move: "complete", unstun: "complete" });
    },
  );

  it("while it is on its way stands still where it arrives", () => {
    const world = built([MOVE, { ...STUN, after: "move.handOver" }, { ...UNSTUN, atMs: 2_500 }]);
    expectStill(world, 1_500);
    expectGoesOn(world, 3_500);
  });

  it("and lets go on while it is on its way goes on where it arrives", () => {
    const world = built([{ ...STUN, atMs: 300 }, MOVE, { ...UNSTUN, after: "move.handOver" }]);
    world.run({ untilNs: fromMs(1_500) });
    expectGoesOn(world, 2_500);
  });

  it("stands still where it arrives when its former host is lost in the hand-over", () => {
    const crash = { kind: "crash", domain: "alpha", during: "move.handOver", delayUs: 400 };
    const world = built(
      [{ ...STUN, atMs: 300 }, MOVE, { ...UNSTUN, atMs: 2_500 }],
      { restartOn: [] },
      [crash],
    );
    expectStill(world, 1_500);
    expectGoesOn(world, 3_500);
  });

  it("stands still where another host goes on with it", () => {
    const crash = { kind: "crash", domain: "alpha", atMs: 700 };
    const disks = smallDatacenter().vms![0]!.disks!.map(({ cacheMode: _, ...disk }) => disk);
    const world = built(
      [
        { ...STUN, atMs: 500 },
        { ...UNSTUN, atMs: 3_500 },
      ],
      { protection: { kind: "log-replay", host: "beta" }, disks },
      [crash],
    );
    expectStill(world, 2_500);
    expectGoesOn(world, 4_500);
  });
});
