/**
 * Machines that are suspended while it is seen which pages they use, and go on with those first: at any
 * load, with the host or the array lost at every step, and with planted bugs.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  encodeImage,
  fromMs,
  hashHex,
  restoreWorld,
} from "../../core/kernel/index.ts";
import {
  afterEach,
  crashFor,
  crashPoints,
  expectRunning,
  intentsOf,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import {
  expectRunningOrKept,
  runSuspended,
  SMALL_BLOCKS,
  suspendedVm,
  type Timeline,
} from "../testing/suspended-vm.ts";

const BUSY = {
  workingSetMiB: 1.5,
  writesPerSecond: 20_000,
  readsPerSecond: 40_000,
  distribution: "zipf",
} as const;

type How = { readonly workingSet: string; readonly method: string; readonly readsAtOnce?: number };

const sleepAndWake = ({ workingSet, method, readsAtOnce = 1 }: How): Timeline =>
  [
    {
      id: "sleep",
      atMs: 60,
      do: "suspend",
      vm: "db",
      on: "array",
      workingSet,
      traceMs: 40,
      ...SMALL_BLOCKS,
    },
    {
      id: "wake",
      after: "sleep.complete",
      do: "resume",
      vm: "db",
      on: "array",
      method,
      readsAtOnce,
    },
  ] as never;

const TRACED = { workingSet: "traced", method: "working-set" } as const;

describe("a machine that is suspended with its working set", () => {
  it.each(["traced", "access-bits"])("responds sooner than by the older way (%s)", (workingSet) => {
    const ways = [
      { workingSet, method: "working-set" },
      { workingSet: "none", method: "eager" },
    ];
    const [ours, older] = ways.map((way) => {
      const { world, ended } = runSuspended(suspendedVm(sleepAndWake(way), BUSY, 8));
      expect(ended["sleep"]).toMatchObject({ outcome: "complete" });
      expect(ended["wake"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
      expectRunning(world, "db", workingSet);
      expect(intentsOf(world)).toEqual([]);
      expect(volumesOf(world).some((name) => name.endsWith(".memory"))).toBe(false);
      return { sleep: ended["sleep"]!.figures, wake: ended["wake"]!.figures };
    });
    expect(ours!.wake["respondsAfterNs"]!).toBeLessThan(older!.wake["respondsAfterNs"]! / 2);
    expect(ours!.sleep["stunNs"]!).toBeLessThan(older!.sleep["stunNs"]! / 2);
    expect(ours!.sleep["savedAgain"]!).toBeGreaterThan(0);
    expect(ours!.wake["workingSetPages"]).toBe(ours!.sleep["activePages"]);
    // Of what a vCPU can touch, and not of what devices, or the saver, touched.
    expect(ours!.sleep["activePages"]!).toBeLessThanOrEqual(1.5 * 256);
    // What it stands on first is what it would have had to wait for.
    const lazily = runSuspended(suspendedVm(sleepAndWake({ workingSet, method: "lazy" }), BUSY, 8));
    const faults = lazily.ended["wake"]!.figures["faults"]!;
    expect(ours!.wake["faults"]!).toBeLessThan(faults / 4);
  });

  it("goes on as it was, whatever it does and however it is saved and read", () => {
    fc.assert(
      fc.property(
        fc.record({
          workingSetMiB: fc.constantFrom(0.25, 1, 3),
          writesPerSecond: fc.constantFrom(0, 900, 90_000),
          readsPerSecond: fc.constantFrom(0, 30_000),
          distribution: fc.constantFrom("uniform", "zipf", "sequential"),
        }),
        fc.constantFrom("traced", "access-bits"),
        fc.constantFrom("working-set", "lazy", "eager"),
        fc.record({
          traceMs: fc.constantFrom(0, 25),
          blockKiB: fc.constantFrom(4, 64),
          stagingBlocks: fc.constantFrom(4, 40),
        }),
        fc.record({ readsAtOnce: fc.nat(3), seed: fc.nat(99) }),
        (memory, workingSet, method, buffers, { readsAtOnce, seed }) => {
          const [sleep, wake] = sleepAndWake({ workingSet, method, readsAtOnce });
          const timeline = [{ ...sleep, ...buffers }, wake] as Timeline;
          const { world, ended } = runSuspended(suspendedVm(timeline, memory as never, 4), {
            seed,
          });
          expect(violations(world)).toEqual([]);
          expect(ended["sleep"]).toMatchObject({ outcome: "complete" });
          const isRead = method === "eager" || readsAtOnce > 0;
          if (isRead) expect(ended["wake"]).toMatchObject({ outcome: "complete" });
          expect(world.named("db").durable["power"]).toBe("on");
        },
      ),
      { numRuns: 12, seed: 5 },
    );
  }, 60_000);

  it("has one root, wherever its world is saved and restored from bytes", () => {
    const document = suspendedVm(sleepAndWake(TRACED), BUSY);
    const straight = builderOf(document).build({ seed: 1 });
    straight.run({ untilNs: fromMs(260) });
    const world = builderOf(document).build({ seed: 1 });
    for (let step = 0; step < 60; step++) {
      world.run({ untilNs: fromMs(59) + step * 3_100_000 });
      const bytes = encodeImage(world, captureWorld(world), undefined);
      restoreWorld(world, decodeImage(world, structuredClone(bytes), undefined));
    }
    world.run({ untilNs: fromMs(260) });
    expect(violations(world)).toEqual([]);
    expect(hashHex(world.root())).toBe(hashHex(straight.root()));
  });

  it("that is switched off meanwhile leaves nothing behind", () => {
    const off = { id: "off", atMs: 75, do: "power-off", vm: "db" } as const;
    const [sleep] = sleepAndWake(TRACED);
    const { world, ended } = runSuspended(suspendedVm([sleep!, off], BUSY));
    expect(ended["sleep"]!.outcome).toBe("vm-off");
    expect(violations(world)).toEqual([]);
    expect(intentsOf(world)).toEqual([]);
    expect(volumesOf(world).some((name) => name.endsWith(".memory"))).toBe(false);
  });
});

describe("planted bugs (canaries)", () => {
  it.each([
    ["forgetsDirty", /is not of its instant/],
    ["countsOwnReads", /count as active/],
  ])("%s is found", (careless, message) => {
    const document = suspendedVm(sleepAndWake(TRACED), BUSY);
    const { world } = runSuspended(document, { planted: { at: "sleep", careless } });
    expect(violations(world).join()).toMatch(message);
  });
});

describe("with a machine lost at any step", () => {
  it.each([
    ["alpha", "sleep", 7],
    ["array", "sleep", 16],
    ["alpha", "wake", 9],
    ["array", "wake", 9],
  ] as const)(
    "%s, of %s, the VM runs again, or its checkpoint stands",
    (domain, operation, every) => {
      const timeline = sleepAndWake(TRACED);
      const document = suspendedVm(timeline, { ...BUSY, writesPerSecond: 4_000 });
      const world = builderOf(document).build({ seed: 1 });
      world.run({ untilNs: fromMs(60) - 1 });
      const points = crashPoints(world, fromMs(400), (id) =>
        new RegExp(`^${operation}([.]|$)`).test(id),
      );
      expect(points.length).toBeGreaterThan(10);
      afterEach(world, captureWorld(world), sampled(points, every), ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crashFor(world, domain, 300);
        world.run({ untilNs: fromMs(6_000) });
        expectRunningOrKept(world, where);
      });
    },
    120_000,
  );
});
