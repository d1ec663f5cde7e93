/**
 * The driver starts a VM again after its host was lost, until it runs: on the other host, on the one
 * where it was, over whichever way leads to its disks; and gives up in the end.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { isRunning, violations } from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

interface Ended {
  readonly id: string;
  readonly outcome: string;
  readonly atNs: number;
}

function run(changes: Partial<ScenarioDocument>, untilMs: number): { world: World; ends: Ended[] } {
  const world = builderOf(smallDatacenter({ timeline: [], ...changes })).build({ seed: 1 });
  const ends: Ended[] = [];
  world.hooks.onNotice = ({ kind, data, timeNs: atNs }) => {
    const [id, outcome] = [data["id"] as string, data["outcome"] as string];
    if (kind === "operation-end" && /^\w+\.restart-\d+$/.test(id)) ends.push({ id, outcome, atNs });
  };
  world.run({ untilNs: fromMs(untilMs) });
  world.finish();
  expect(violations(world)).toEqual([]);
  return { world, ends };
}

const crash = (domain: string, atMs: number, restartAfterMs?: number) =>
  ({ kind: "crash", domain, atMs, ...(restartAfterMs && { restartAfterMs }) }) as const;

describe("a lost VM", () => {
  const [db] = smallDatacenter().vms!;
  const web = { ...db!, id: "web", host: "beta", restartOn: ["alpha"] };
  const both = [crash("alpha", 500, 300), crash("beta", 520, 300)];

  it("is tried where it was when the other host is refused, because its owner lives again", () => {
    const { world, ends } = run({ vms: [db!, web], faults: both }, 9_000);
    expect(ends.map(({ outcome }) => outcome)).toContain("owner-alive");
    for (const [vm, host] of Object.entries({ db: "alpha", web: "beta" })) {
      expect(isRunning(world, vm), vm).toBe(true);
      expect(vmRecordOf(world, vm).durable.host).toBe(host);
      expect(ends.findLast(({ id }) => id.startsWith(vm))!.outcome).toBe("complete");
    }
  });

  it("is not tried while an attempt is under way", () => {
    const { ends } = run({ vms: [db!, web], faults: both }, 9_000);
    expect(ends.map(({ outcome }) => outcome)).not.toContain("disk-busy");
  });

  it("is tried ever more seldom, and no more in the end, while its array stays away", () => {
    const { world, ends } = run({ faults: [crash("alpha", 500), crash("array", 500)] }, 900_000);
    expect(isRunning(world, "db")).toBe(false);
    const pauses = ends.slice(1).map(({ atNs }, i) => atNs - ends[i]!.atNs);
    expect(pauses.length).toBeGreaterThan(4);
    expect(pauses.length).toBeLessThan(17);
    expect(pauses.at(-1)! - pauses[0]!).toBe(fromMs(29_000));
    expect(world.queue.size).toBeLessThan(20);
  });

  it("starts on a host that has lost its first path to the array", () => {
    const link = (id: string, host: string) => ({ id, between: [host, "array"] as const });
    const links = [link("a", "alpha"), link("b-1", "beta"), link("b-2", "beta")];
    const lost = { kind: "path-loss", host: "beta", array: "array", path: 0, atMs: 100 } as const;
    const { world, ends } = run(
      { links: links as never, faults: [lost, crash("alpha", 500)] },
      8_000,
    );
    expect(ends.map(({ outcome }) => outcome)).toEqual(["complete"]);
    expect(isRunning(world, "db")).toBe(true);
    expect(
      world.registry.carrierInUse(world.named("beta").domain, world.named("array").domain),
    ).toBe(1);
  });
});
