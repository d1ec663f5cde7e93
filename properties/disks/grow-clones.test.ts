/**
 * Two VMs that stand on one base grow at once, at every distance between the two: the base becomes as
 * large as the larger of them needs it, whoever's request the array does last.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { expectRunning, intentsOf, outcomesOf, violations } from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const GROW_MS = 100;

function outcomesWith(delayMs: number, latencyUs: number, toMiB: readonly [number, number]) {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 5, durationMs: 200, thinkTimeUs: 4_000, readPercent: 30 });
  const disks = db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8 }));
  const vm = { ...db!, guest, disks };
  const grow = { do: "grow-disk", disk: "data" } as const;
  const document = {
    ...small,
    links: [
      { between: ["alpha", "array"], latencyUs },
      { between: ["beta", "array"], latencyUs: 20 },
    ],
    vms: [vm, { ...vm, id: "twin", host: "beta", restartOn: ["alpha"], poweredOn: false }],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "link", atMs: 40, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
      { id: "boot", after: "link.complete", do: "power-on", vm: "twin" },
      { ...grow, id: "ours", atMs: GROW_MS, vm: "db", toMiB: toMiB[0] },
      { ...grow, id: "theirs", atMs: GROW_MS + delayMs, vm: "twin", toMiB: toMiB[1] },
      { id: "again", atMs: 300, do: "restart", vm: "db", host: "beta" },
      { id: "too", atMs: 300, do: "restart", vm: "twin", host: "alpha" },
    ],
  } as ScenarioDocument;
  const world = builderOf(document).build({ seed: 1 });
  const outcomes = outcomesOf(world);
  world.run({ untilNs: fromMs(1_000) });
  world.finish();
  return { world, outcomes };
}

describe("two VMs that stand on one base", () => {
  it.each([
    [16, 12],
    [12, 16],
    [12, 12],
  ] as const)("grow at once, to %d and to %d MiB", (...toMiB) => {
    for (const latencyUs of [20, 700]) {
      for (let delayMs = -3; delayMs < 5; delayMs += 0.5) {
        const { world, outcomes } = outcomesWith(delayMs, latencyUs, toMiB);
        const where = `${delayMs} ms later, ${latencyUs} us to the array`;
        expect(violations(world), where).toEqual([]);
        expect(intentsOf(world), where).toEqual([]);
        const complete = {
          ours: "complete",
          theirs: "complete",
          again: "complete",
          too: "complete",
        };
        expect(outcomes, where).toMatchObject(complete);
        for (const vm of ["db", "twin"]) expectRunning(world, vm, where);
      }
    }
  });
});
