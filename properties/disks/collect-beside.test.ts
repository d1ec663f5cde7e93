/**
 * The collector of garbage, asked for on one host at any step of an operation on another whose way
 * to the array is cut for a while: what the array has done and the host does not know yet stays.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, startOperation, type World } from "../../core/kernel/index.ts";
import { collectGarbage } from "../../core/disks/index.ts";
import {
  afterEach,
  crashPoints,
  intentsOf,
  outcomesOf,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { tellLink } from "../testing/links.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const BEGIN_MS = 150;

function worldOf(): World {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 5, durationMs: 60, thinkTimeUs: 2_500, readPercent: 30 });
  const disks = db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8, kind: "cow" as const }));
  const document = {
    ...small,
    arrays: small.arrays!.map((array) => ({ ...array, kind: "cow" as const, chunkKiB: 64 })),
    links: ["alpha", "beta"].map((host) => ({ id: `${host}--array`, between: [host, "array"] })),
    vms: [{ ...db!, guest, disks }],
    timeline: [
      { id: "first", atMs: 40, do: "snapshot", vm: "db" },
      { id: "off", atMs: 110, do: "power-off", vm: "db" },
      { id: "work", atMs: BEGIN_MS, do: "clone", vm: "db", as: "copy", format: "cow" },
    ],
  };
  return builderOf(document as never).build({ seed: 1 });
}

describe("the collector beside an operation whose host does not reach the array for a while", () => {
  it("leaves all that it has made", () => {
    const world = worldOf();
    world.run({ untilNs: fromMs(BEGIN_MS) - 1 });
    const isMeant = (id: string): boolean => /^work(\.|$)/.test(id);
    const points = crashPoints(world, fromMs(600), isMeant);
    expect(points.length).toBeGreaterThan(10);
    const array = world.named("array").id;
    afterEach(world, captureWorld(world), sampled(points, 3), ({ at }) => {
      const ended = outcomesOf(world);
      tellLink(world, "alpha--array", "cut");
      startOperation(world, collectGarbage, world.named("beta"), "collect", { array });
      world.run({ untilNs: world.timeNs + fromMs(8) });
      tellLink(world, "alpha--array", "heal");
      world.run({ untilNs: fromMs(450) });
      world.hooks = {};
      expect(violations(world), at).toEqual([]);
      expect(intentsOf(world), at).toEqual([]);
      expect([ended["work"] ?? "complete", ended["collect"]], at).toEqual(["complete", "complete"]);
    });
  });
});
