/**
 * Linked clones on copy-on-write disks: made, written, promoted, their point in time given up, each
 * cut short after each durable step, and the recovery after each of its own. After each: the source
 * and the clone read as they must, and nothing is left over.
 */
import { describe, expect, it } from "vitest";
import { collectGarbage } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowLinkedClone } from "./cow-linked-clone.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";
import { splitClone } from "./split-clone.ts";
import type { CowRig } from "./testing/cow-rig.ts";
import { enumerateCrashes } from "./testing/enumerate-crashes.ts";
import { contents, expectSettled, expectThorough, same, withHistory } from "./testing/history.ts";

const CLONE = { vm: "db", pointInTime: "one", clone: "twin" };

/** A source with a past and another VM, whose disks are empty or are a clone of its first point. */
function withTwin(isCloned = false): CowRig {
  const rig = withHistory();
  rig.powerOff();
  rig.provision("twin", "cow");
  if (isCloned) expect(rig.do(cowLinkedClone, CLONE)).toBe("complete");
  return rig;
}

const twin = (rig: CowRig) => contents(rig, "twin");
const pointOne = (rig: CowRig) => [0, 1].map((disk) => rig.states(disk)?.points[0]?.content);
const origins = (rig: CowRig) =>
  Object.values(rig.vvols.durable.bases).flatMap(({ origin }) => origin ?? []);

describe("a linked clone on copy-on-write disks", () => {
  it.each(["host", "array", "nothing"] as const)("is one or is not (loses the %s)", (lose) => {
    const rig = withTwin();
    rig.owner = "twin";
    const [before, empty, one] = [contents(rig), twin(rig), pointOne(rig)];
    const outcomes = new Set<string>();
    const counts = enumerateCrashes(rig, {
      lose,
      start: () => rig.start(cowLinkedClone, CLONE),
      check: (where) => {
        expectSettled(rig, where, "twin");
        const isClone = origins(rig).length === 2;
        outcomes.add(isClone ? "clone" : "empty");
        expect(same(twin(rig), isClone ? one : empty), where).toBe(true);
        expect(same(contents(rig), before), where).toBe(true);
        expect(Object.keys(rig.vvols.durable.bases), where).toHaveLength(4);
      },
    });
    expect(outcomes).toEqual(new Set(["clone", "empty"]));
    expectThorough(counts, lose, 10);
  });

  it("keeps what it shares when the point goes, whatever is lost meanwhile", () => {
    const rig = withTwin(true);
    const one = pointOne(rig);
    const shared = origins(rig);
    enumerateCrashes(rig, {
      lose: "host",
      start: () => rig.start(deletePoint, { pointInTime: "one" }),
      check: (where) => {
        expectSettled(rig, where);
        expect(same(twin(rig), one), where).toBe(true);
        for (const vvol of shared) expect(rig.vvols.durable.snapshots[vvol], where).toBeDefined();
      },
    });
  });

  it("outlives a revert of its source, its conversion, and the collector", () => {
    const rig = withTwin(true);
    const one = pointOne(rig);
    expect(rig.do(revert, { pointInTime: "two" })).toBe("complete");
    expect(rig.do(deletePoint, { pointInTime: "one" })).toBe("complete");
    expect(same(twin(rig), one)).toBe(true);
    const toRedo = { target: "db", format: "redo", upTo: null };
    expect(rig.do(copyHierarchy, toRedo)).toBe("complete");
    expect(rig.do(collectGarbage, {})).toBe("complete");
    expect(same(twin(rig), one)).toBe(true);
    expectSettled(rig, "converted");
    expect(rig.do(splitClone, { vm: "twin" })).toBe("complete");
    // With the last that shared it, the source's old family goes too.
    expect(Object.keys(rig.vvols.durable.bases)).toHaveLength(2);
    expect(same(twin(rig), one)).toBe(true);
    expectSettled(rig, "promoted");
  });

  it("is promoted in the end, whatever is lost meanwhile, and reads the same all the time", () => {
    const rig = withTwin(true);
    const one = pointOne(rig);
    for (const lose of ["host", "array"] as const) {
      const image = rig.capture();
      const counts = enumerateCrashes(rig, {
        lose,
        nested: false,
        start: () => rig.start(splitClone, { vm: "twin" }),
        check: (where) => {
          expectSettled(rig, where, "twin");
          expect(same(twin(rig), one), where).toBe(true);
          if (lose === "array") expect(origins(rig), where).toEqual([]);
        },
      });
      expect(counts.steps).toBeGreaterThan(5);
      rig.restore(image);
    }
    expect(rig.do(splitClone, { vm: "twin" })).toBe("complete");
    expect(rig.do(splitClone, { vm: "twin" })).toBe("not-a-linked-clone");
  });

  it("of a clone, and copied with what it shares, reads as the first", () => {
    const rig = withTwin(true);
    const one = pointOne(rig);
    const copy = { vm: "twin", target: "copy", upTo: null };
    expect(rig.do(copyHierarchy, { ...copy, format: "cow" })).toBe("complete");
    expect(same(contents(rig, "copy"), one)).toBe(true);
    const other = { vm: "twin", target: "other", upTo: null };
    expect(rig.do(copyHierarchy, { ...other, format: "redo" })).toBe("complete");
    expect(same(contents(rig, "other"), one)).toBe(true);
    expectSettled(rig, "copied");
  });

  it("is refused of no point, and onto what is not there", () => {
    const rig = withTwin();
    expect(rig.do(cowLinkedClone, { ...CLONE, pointInTime: "none" })).toBe("no-point-in-time");
    expect(rig.do(cowLinkedClone, { ...CLONE, clone: "nobody" })).toBe("no-disks");
    rig.provision("flat", "flat");
    expect(rig.do(cowLinkedClone, { ...CLONE, vm: "flat" })).toBe("no-point-in-time");
    expect(rig.do(cowLinkedClone, { ...CLONE, clone: "flat" })).toBe("complete");
    expectSettled(rig, "refused", "flat");
    expect(
      Object.keys(rig.array.durable.volumes).filter((name) => name === "volume:flat-d0"),
    ).toEqual([]);
  });

  it("whose commit came before its volumes were held is seen (canary)", () => {
    const rig = withTwin(true);
    const [clone] = Object.keys(rig.vvols.durable.bases).filter((name) => name.startsWith("twin"));
    rig.vvols.editDurable().bases[clone!]!.holders.length = 0;
    rig.vvols.durableStep("release vvols");
    expect(rig.violations().join()).toMatch(/held by others than lead to it/);
  });
});
