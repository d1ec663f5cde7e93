/**
 * Two VMs are copied to one name, on different hosts and nearly at once. One copy at most becomes that
 * VM, the other leaves nothing, and neither takes what is the other's; also when the host of one is
 * lost in between and its VM is powered on again.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  filesOf,
  intentsOf,
  outcomesOf,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const START_MS = 60;
const END_NS = fromMs(4_400);

type Kind = "redo" | "cow";

/** The second begins `delayMs` after the first. */
function worldOf(kind: Kind, delayMs: number): World {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 5, durationMs: 60, thinkTimeUs: 4_000, readPercent: 30 });
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const clone = { do: "clone", as: "other", format: kind } as const;
  const document = {
    ...small,
    arrays: small.arrays!.map((array) => ({ ...array, kind: "cow" })),
    vms: [
      { ...db!, guest, disks },
      { ...db!, guest, disks, id: "web", host: "beta", restartOn: ["alpha"] },
    ],
    timeline: [
      // Its layers are counted further: of the names of the copies some are the same.
      { id: "point", atMs: 20, do: "snapshot", vm: "db" },
      { ...clone, id: "one", atMs: START_MS, vm: "db" },
      { ...clone, id: "two", atMs: START_MS + delayMs, vm: "web" },
    ],
  } as ScenarioDocument;
  return builderOf(document).build({ seed: 1 });
}

describe.each(["redo", "cow"] as const)("two copies of %s disks to one name", (kind) => {
  it("make one VM, whenever the second begins", () => {
    const won = new Set<string>();
    for (let delayMs = -8; delayMs <= 8; delayMs += 0.8) {
      const world = worldOf(kind, delayMs);
      const { one, two } = run(world);
      const where = `${delayMs} ms`;
      expect([one, two].filter((each) => each === "complete").length, where).toBe(1);
      expect(violations(world), where).toEqual([]);
      expect(intentsOf(world), where).toEqual([]);
      won.add(one === "complete" ? "one" : "two");
    }
    expect(won.size).toBe(2);
  });

  it(
    "make one VM at most when the host of the first is lost",
    () => {
      const world = worldOf(kind, 0.6);
      world.run({ untilNs: fromMs(START_MS) - 1 });
      const points = crashPoints(world, fromMs(90), (id) => /^(one|two)(\.|$)/.test(id));
      expect(points.length).toBeGreaterThan(20);
      const made = new Set<number>();
      afterEach(world, captureWorld(world), sampled(points, 6), ({ at }) => {
        crash(world, "alpha");
        world.run({ untilNs: END_NS });
        const where = `host lost at ${at}`;
        expect(violations(world), where).toEqual([]);
        expect(intentsOf(world), where).toEqual([]);
        made.add(filesOf(world).filter((name) => name === "other.vmx").length);
      });
      expect([...made]).toContain(1);
    },
    CRASHES_MS,
  );
});

function run(world: World): { readonly one: string; readonly two: string } {
  const ended = outcomesOf(world);
  world.run({ untilNs: END_NS });
  world.finish();
  return { one: ended["one"]!, two: ended["two"]! };
}
