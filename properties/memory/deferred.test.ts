/**
 * Restores that know of pages what class they are before they have them: any load, any blocks, a host or
 * the array lost at any step, damaged files.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs } from "../../core/kernel/index.ts";
import { afterEach, crashFor, crashPoints, sampled, violations } from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import {
  expectRunningOrKept,
  runSuspended,
  SMALL_BLOCKS,
  suspendedVm,
  type Timeline,
} from "../testing/suspended-vm.ts";

const LOAD = { workingSetMiB: 4, writesPerSecond: 9_000, readsPerSecond: 20_000 } as const;

function sleepAndWake(sleep: object = {}, wake: object = {}): Timeline {
  const on = { vm: "db", on: "array" };
  return [
    { id: "sleep", atMs: 20, do: "suspend", ...on, ...SMALL_BLOCKS, ...sleep },
    { id: "wake", after: "sleep.complete", do: "resume", ...on, method: "deferred", ...wake },
  ] as never;
}

describe("deferred page contents", () => {
  it("need no reading where the class is known, and are shared until they are written", () => {
    const waits = ["deferred", "lazy"].map((method) => {
      const timeline = sleepAndWake({}, { method, readsAtOnce: 1 });
      const { world, ended } = runSuspended(suspendedVm(timeline, LOAD, 4));
      expect(violations(world)).toEqual([]);
      expect(ended["wake"]).toMatchObject({ outcome: "complete" });
      return ended["wake"]!.figures;
    });
    const [deferred, lazy] = waits as [(typeof waits)[0], (typeof waits)[0]];
    // What boot left untouched, but for what has been written since.
    expect(deferred["knownPages"]!).toBeGreaterThan(40);
    expect(deferred["unsharedPages"]!).toBeGreaterThan(0);
    expect(deferred["unsharedPages"]! + deferred["sharedPages"]!).toBe(deferred["knownPages"]);
    expect(deferred["faults"]!).toBeLessThanOrEqual(lazy["faults"]!);
  });

  it("are what they were, whatever the guest does and however they were saved", () => {
    fc.assert(
      fc.property(
        fc.record({
          workingSetMiB: fc.constantFrom(1, 4),
          writesPerSecond: fc.constantFrom(0, 50_000),
          readsPerSecond: fc.constantFrom(0, 30_000),
          distribution: fc.constantFrom("uniform", "zipf", "sequential"),
          fragmentationPercent: fc.constantFrom(0, 50),
        }),
        fc.record({
          workingSet: fc.constantFrom("none", "traced"),
          blockKiB: fc.constantFrom(4, 64),
          traceMs: fc.constant(5),
        }),
        fc.record({
          readsAtOnce: fc.nat(2),
          prefetch: fc.constantFrom("none", "virtual", "physical"),
        }),
        fc.nat(99),
        (memory, sleep, wake, seed) => {
          const document = suspendedVm(sleepAndWake(sleep, wake), memory as never, 4);
          const { world, ended } = runSuspended(document, { seed });
          expect(violations(world)).toEqual([]);
          expect(ended["sleep"]).toMatchObject({ outcome: "complete" });
          if (wake.readsAtOnce > 0) expect(ended["wake"]).toMatchObject({ outcome: "complete" });
          expect(world.named("db").durable["power"]).toBe("on");
        },
      ),
      { numRuns: 5, seed: 2 },
    );
  }, 60_000);

  it("count what shares a page (canary)", () => {
    const planted = { at: "wake", careless: "keepsReference" };
    const { world } = runSuspended(suspendedVm(sleepAndWake(), LOAD, 4), { planted });
    expect(violations(world).join()).toMatch(/references of db, and/);
  });

  it.each(["alpha", "array"])(
    "leave a VM that runs, or its checkpoint, when the %s is lost at any step",
    (domain) => {
      const world = builderOf(suspendedVm(sleepAndWake(), { ...LOAD, workingSetMiB: 2 }, 2)).build({
        seed: 1,
      });
      world.run({ untilNs: fromMs(20) - 1 });
      const points = crashPoints(world, fromMs(400), (id) => /^wake([.]|$)/.test(id));
      afterEach(world, captureWorld(world), sampled(points, 12), ({ at }) => {
        crashFor(world, domain, 300);
        world.run({ untilNs: fromMs(4_000) });
        expectRunningOrKept(world, at);
      });
    },
    60_000,
  );
});
