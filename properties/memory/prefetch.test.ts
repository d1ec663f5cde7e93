/**
 * Restores that read neighbours of the pages a guest waits for: any load, any fragmentation, hints that
 * are wrong, a host lost at any step, and planted bugs.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs } from "../../core/kernel/index.ts";
import { afterEach, crash, crashPoints, sampled, violations } from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import {
  expectRunningOrKept,
  runSuspended,
  suspendedVm,
  type Timeline,
} from "../testing/suspended-vm.ts";

/** One page a block, two blocks read at once: what is near in memory is not there by itself. */
const PAGES = { blockKiB: 4, groupBlocks: 2, stagingBlocks: 16 } as const;

const fragmented = (fragmentationPercent: number) => ({
  workingSetMiB: 3,
  writesPerSecond: 2_000,
  readsPerSecond: 8_000,
  distribution: "sequential" as const,
  fragmentationPercent,
});

function sleepAndWake(wake: object, how: object = PAGES): Timeline {
  const sleep = { id: "sleep", atMs: 60, do: "suspend", vm: "db", on: "array", ...how };
  const resume = { id: "wake", after: "sleep.complete", do: "resume", vm: "db", on: "array" };
  return [sleep, { ...resume, method: "lazy", readsAtOnce: 1, ...wake }] as never;
}

function figuresOf(percent: number, prefetch: string) {
  const document = suspendedVm(
    sleepAndWake({ prefetch }),
    { ...fragmented(percent), workingSetMiB: 2 },
    8,
  );
  const { world, ended } = runSuspended(document, { untilMs: 2_000 });
  expect(violations(world)).toEqual([]);
  expect(ended["wake"]).toMatchObject({ outcome: "complete" });
  return ended["wake"]!.figures;
}

describe("prefetch of neighbours", () => {
  it("by virtual addresses is worth more than by physical ones where memory is scattered", () => {
    const scattered = {
      none: figuresOf(100, "none"),
      virtual: figuresOf(100, "virtual"),
      physical: figuresOf(100, "physical"),
    };
    expect(scattered.virtual["faults"]!).toBeLessThan(scattered.none["faults"]! / 2);
    expect(scattered.virtual["faults"]!).toBeLessThan(scattered.physical["faults"]! * 0.8);
    expect(scattered.virtual["prefetched"]!).toBeLessThan(scattered.physical["prefetched"]!);
    expect(scattered.virtual["stallNs"]!).toBeLessThan(scattered.none["stallNs"]! / 2);
  });

  it("does no harm, whatever the guest does and the hints say", () => {
    fc.assert(
      fc.property(
        fc.record({
          workingSetMiB: fc.constantFrom(0.5, 3),
          writesPerSecond: fc.constantFrom(0, 40_000),
          readsPerSecond: fc.constantFrom(1_000, 30_000),
          distribution: fc.constantFrom("uniform", "zipf", "sequential"),
          fragmentationPercent: fc.constantFrom(0, 3, 60, 100),
        }),
        fc.record({
          prefetch: fc.constantFrom("virtual", "physical"),
          prefetchPages: fc.constantFrom(1, 7, 512),
          readsAtOnce: fc.nat(2),
        }),
        fc.constantFrom("lies", null),
        fc.nat(99),
        (memory, wake, careless, seed) => {
          const document = suspendedVm(sleepAndWake(wake), memory as never);
          const planted = { at: "wake", careless };
          const { world, ended } = runSuspended(document, { planted, seed });
          expect(violations(world)).toEqual([]);
          expect(ended["sleep"]).toMatchObject({ outcome: "complete" });
          if (wake.readsAtOnce > 0) expect(ended["wake"]).toMatchObject({ outcome: "complete" });
          expect(world.named("db").durable["power"]).toBe("on");
        },
      ),
      { numRuns: 8, seed: 3 },
    );
  }, 60_000);

  // Devices write whole pages without waiting for what was there.
  const writtenMeanwhile = (blockKiB: number) => {
    const timeline = sleepAndWake(
      { prefetch: "virtual", prefetchPages: 1 },
      { ...PAGES, blockKiB },
    );
    return suspendedVm(timeline, fragmented(50), 16);
  };

  it.each([4, 16, 64])("keeps what was written meanwhile, in blocks of %i KiB", (blockKiB) => {
    for (const seed of [1, 2, 3]) {
      const { world, ended } = runSuspended(writtenMeanwhile(blockKiB), { seed });
      expect(violations(world)).toEqual([]);
      expect(ended["wake"]!.figures["keptPages"]).toBeGreaterThan(0);
    }
  });

  it("over a page that was written meanwhile is found (canary)", () => {
    const planted = { at: "wake", careless: "overwritesDirty" };
    const { world } = runSuspended(writtenMeanwhile(4), { planted });
    expect(violations(world).join()).toMatch(/had written, was overwritten/);
  });

  it("leaves a VM that runs, or its checkpoint, when the host is lost at any step", () => {
    const timeline = sleepAndWake({ prefetch: "virtual" });
    const world = builderOf(suspendedVm(timeline, fragmented(80))).build({ seed: 1 });
    world.run({ untilNs: fromMs(60) - 1 });
    const points = crashPoints(world, fromMs(400), (id) => /^wake([.]|$)/.test(id));
    afterEach(world, captureWorld(world), sampled(points, 7), ({ at }) => {
      crash(world, "alpha");
      world.run({ untilNs: fromMs(4_000) });
      expectRunningOrKept(world, at);
    });
  }, 60_000);
});
