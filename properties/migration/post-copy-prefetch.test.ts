/**
 * Post-copy moves that fetch neighbours of the pages a guest waits for: any load, any fragmentation; what
 * the guest wrote at its destination stays, and the hint is worth what it should be.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entity, fromMs, type PlainObject, type World } from "../../core/kernel/index.ts";
import { clientBitmap, vmRecordOf } from "../../core/vmm/index.ts";
const ABSENT_CLIENT = "post-copy";
import { violations } from "../testing/crash-points.ts";
import { movingVm } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

type Memory = { readonly [member: string]: unknown };

/** The link carries little: most of what the guest needs it has to ask for. */
function moving(memory: Memory, migrate: object) {
  const document = movingVm({ algorithm: "post-copy", maxMbps: 60, startUpMs: 1, ...migrate }, 8);
  const vms = document.vms!.map((vm) => {
    const { phases, ...guest } = vm.guest as { phases: readonly object[] };
    return { ...vm, guest: { ...guest, phases: phases.map((each) => ({ ...each, memory })) } };
  });
  return { ...document, vms: vms as never };
}

function run(memory: Memory, migrate: object, seed = 1, spoil?: (world: World) => void) {
  const world = builderOf(moving(memory, migrate)).build({ seed });
  let figures: PlainObject = {};
  let outcome = "";
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind !== "operation-end" || data["id"] !== "move") return;
    figures = data["figures"] as PlainObject;
    outcome = String(data["outcome"]);
  };
  for (let atMs = 300; atMs < 2_600; atMs += 10) {
    world.run({ untilNs: fromMs(atMs) });
    spoil?.(world);
  }
  world.finish();
  const { host, power } = vmRecordOf(world, "db").durable;
  return { figures, outcome, host, power, violations: violations(world) };
}

const WALK = {
  workingSetMiB: 1,
  readsPerSecond: 6_000,
  writesPerSecond: 2_000,
  distribution: "sequential",
};

describe("post-copy with prefetch", () => {
  it("brings neighbours by address where memory is scattered, and those in memory where it is not", () => {
    const faults = (fragmentationPercent: number, prefetch: string): number => {
      const found = run({ ...WALK, fragmentationPercent }, { prefetch });
      expect(found.violations).toEqual([]);
      expect(found.outcome).toBe("complete");
      return found.figures["faults"] as number;
    };
    const [group, virtual, physical] = ["group", "virtual", "physical"].map((by) =>
      faults(100, by),
    );
    expect(virtual!).toBeLessThan(group! / 2);
    expect(virtual!).toBeLessThan(physical! / 2);
    const [inOrder, next] = ["virtual", "physical"].map((by) => faults(0, by));
    expect(Math.abs(inOrder! - next!)).toBeLessThan(next! / 2);
  });

  it("does no harm, whatever the guest does", () => {
    let fetched = 0;
    fc.assert(
      fc.property(
        fc.record({
          workingSetMiB: fc.constantFrom(1, 3),
          writesPerSecond: fc.constantFrom(0, 20_000),
          readsPerSecond: fc.constantFrom(500, 9_000),
          distribution: fc.constantFrom("uniform", "zipf", "sequential"),
          fragmentationPercent: fc.constantFrom(0, 40, 100),
        }),
        fc.constantFrom("virtual", "physical"),
        fc.constantFrom(1, 6, 64),
        fc.nat(99),
        (memory, prefetch, prefetchPages, seed) => {
          const found = run(memory, { prefetch, prefetchPages }, seed);
          expect(found.violations).toEqual([]);
          expect(found).toMatchObject({ outcome: "complete", host: "beta", power: "on" });
          fetched += found.figures["prefetched"] as number;
        },
      ),
      { numRuns: 4, seed: 5 },
    );
    expect(fetched).toBeGreaterThan(50);
  });

  it("over a page that was written meanwhile is found (canary)", () => {
    const spoil = (world: World): void => {
      const fetcher = [...world.entities()].find(({ kind }) => kind === "post-copy-fetcher");
      if (fetcher === undefined) return;
      const memory = world.entity((fetcher as Entity<{ memory: number }>).config.memory);
      const absent = clientBitmap(memory as never, ABSENT_CLIENT, "armed");
      absent.addRange(0, 256);
    };
    const memory = { ...WALK, writesPerSecond: 20_000, workingSetMiB: 1 };
    const found = run(memory, { prefetch: "virtual" }, 1, spoil);
    expect(found.violations.length).toBeGreaterThan(0);
  });
});
