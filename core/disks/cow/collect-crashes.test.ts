/**
 * The collector, cut short after each of its durable steps, its recovery after each of its own, and
 * with other operations at any moment of it. After each: what is in use is as it was, no intent is
 * left, and a collector that is let finish leaves no garbage.
 */
import { describe, expect, it } from "vitest";
import { putFile } from "../../platform/index.ts";
import { descriptorFileOf } from "../chain/descriptor.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { descriptorHolder } from "./cow-intents.ts";
import { cowLinkedClone } from "./cow-linked-clone.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";
import type { CowRig } from "./testing/cow-rig.ts";
import { enumerateCrashes } from "./testing/enumerate-crashes.ts";
import {
  contents,
  expectSettled,
  points,
  same,
  snapshotParams,
  withHistory,
} from "./testing/history.ts";

const COPY = { target: "copy", format: "cow", upTo: null };

const WORK = {
  snapshot: (rig: CowRig) => rig.start(cowSnapshot, snapshotParams(rig, "three")),
  revert: (rig: CowRig) => rig.start(revert, { pointInTime: "one" }),
  copy: (rig: CowRig) => rig.start(copyHierarchy, COPY),
  "linked clone": (rig: CowRig) =>
    rig.start(cowLinkedClone, { vm: "db", pointInTime: "one", clone: "twin" }),
} as const;

function beforeWork(work: keyof typeof WORK): CowRig {
  const rig = withHistory();
  if (work !== "snapshot") rig.powerOff();
  if (work === "linked clone") rig.provision("twin", "cow");
  return rig;
}

const STRAY = "db-d0-000077.vmdk";

/** A descriptor that no configuration leads to holds a snapshot, as a message that came late leaves it. */
function withGarbage(): CowRig {
  const rig = withHistory();
  const first = rig.descriptor("db-d0.vmdk");
  const { snapshots } = rig.vvols.editDurable();
  snapshots[first.volume]!.holders.push(descriptorHolder(STRAY));
  putFile(rig.array, STRAY, descriptorFileOf(first));
  return rig;
}

const garbageOf = (rig: CowRig): string[] => {
  const { bases, snapshots } = rig.vvols.durable;
  const holders = [...Object.values(bases), ...Object.values(snapshots)].flatMap((each) => [
    ...each.holders,
  ]);
  const holds = holders.filter((holder) => holder === descriptorHolder(STRAY));
  return rig.file(STRAY) === undefined ? holds : [...holds, STRAY];
};

describe("the collector", () => {
  it.each(["host", "array", "nothing"] as const)(
    "harms nothing and leaves no intent, cut short after each durable step (loses the %s)",
    (lose) => {
      const rig = withGarbage();
      const before = contents(rig);
      const left = new Set<number>();
      const counts = enumerateCrashes(rig, {
        lose,
        start: () => rig.start(collectGarbage, {}),
        check: (where) => {
          left.add(garbageOf(rig).length);
          expectSettled(rig, where);
          expect(points(rig), where).toEqual(["one", "two"]);
          expect(same(contents(rig), before), where).toBe(true);
          expect(rig.do(collectGarbage, {}), where).toBe("complete");
          expect(garbageOf(rig), where).toEqual([]);
          expectSettled(rig, `${where}, again`);
        },
      });
      expect(counts.steps).toBeGreaterThanOrEqual(4);
      // Once its intent is open the garbage goes, by it or by its recovery.
      expect(left).toEqual(new Set([0]));
    },
  );

  it.each(["snapshot", "deletion"] as const)(
    "and a %s that begins at any moment of it leave each other alone",
    (other) => {
      for (let moment = 0; moment < 40; moment += 3) {
        const rig = withGarbage();
        const collecting = rig.start(collectGarbage, {});
        rig.world.run({ untilEvent: rig.world.eventCount + moment });
        const id =
          other === "snapshot"
            ? rig.start(cowSnapshot, snapshotParams(rig, "three"))
            : rig.start(deletePoint, { pointInTime: "two" });
        const outcome = rig.finish(id);
        const where = `after ${moment} events: ${outcome}`;
        expect(["complete", "version-conflict"], where).toContain(outcome);
        expect(rig.ended.get(collecting)?.outcome, where).toBe("complete");
        expectSettled(rig, where);
        expect(rig.do(collectGarbage, {}), where).toBe("complete");
        expect(garbageOf(rig), where).toEqual([]);
      }
    },
  );

  it.each(["snapshot", "revert", "copy", "linked clone"] as const)(
    "takes nothing of a %s that is under way, at whatever moment of it",
    (other) => {
      const rig = beforeWork(other);
      const image = rig.capture();
      const before = rig.world.eventCount;
      rig.finish(WORK[other](rig));
      const events = rig.world.eventCount - before;
      expect(events).toBeGreaterThan(30);
      for (let moment = 0; moment < events; moment += 5) {
        rig.restore(image);
        const held = contents(rig);
        const working = WORK[other](rig);
        rig.world.run({ untilEvent: before + moment });
        const collecting = rig.start(collectGarbage, {});
        const outcome = rig.finish(working);
        const where = `after ${moment} events: ${outcome}`;
        expect(["complete", "version-conflict"], where).toContain(outcome);
        expect(rig.ended.get(collecting)?.outcome, where).toBe("complete");
        expectSettled(rig, where);
        if (other !== "revert") expect(same(contents(rig), held), where).toBe(true);
        if (other !== "copy" || outcome !== "complete") continue;
        expect(same(contents(rig, "copy"), held), where).toBe(true);
      }
    },
  );

  it("opens its intents for the configurations that it read", () => {
    const rig = withGarbage();
    // Between its look and its lock an operation begins and ends.
    const id = rig.start(collectGarbage, {});
    rig.runUntil(() => phaseOf(rig, id) === "lockNext");
    rig.array.editDurable().files["file:db.vmx"]!.version += 1;
    expect(rig.finish(id)).toBe("complete");
    expect(garbageOf(rig)).toHaveLength(2);
    expectSettled(rig, "passed over");
  });

  it("that let go of a hold before its descriptor would be seen (canary)", () => {
    const rig = withGarbage();
    const held = rig.descriptor(STRAY).volume;
    const { snapshots } = rig.vvols.editDurable();
    snapshots[held]!.holders = snapshots[held]!.holders.filter((each) => !/000077/.test(each));
    rig.vvols.durableStep("release vvols");
    expect(rig.violations().join()).toMatch(/held by others than lead to it/);
  });
});

function phaseOf(rig: CowRig, id: string): string {
  const at = rig.world.registry.idOf(id);
  if (at === undefined) return "";
  return (rig.world.entity(at).volatile as unknown as { phase: string }).phase;
}
