/**
 * Linked clones onto disks that have points in time of their own: these stay, in the family that the
 * disks were of before, and can be gone back to. Each step is cut short after each durable step.
 */
import { describe, expect, it } from "vitest";
import { collectGarbage } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowLinkedClone } from "./cow-linked-clone.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";
import { splitClone } from "./split-clone.ts";
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

const LINK = { vm: "copy", pointInTime: "two", clone: "db" };
const images = (rig: CowRig, at: number) =>
  [0, 1].map((disk) => rig.states(disk)?.points[at]?.content.fork());

/** A VM with points "one" and "two", and a full copy of it that is another VM's. */
function withCopy(isLinked = false): CowRig {
  const rig = withHistory();
  rig.powerOff();
  expect(rig.do(copyHierarchy, { target: "copy", format: "cow", upTo: null })).toBe("complete");
  if (isLinked) expect(rig.do(cowLinkedClone, LINK)).toBe("complete");
  return rig;
}

describe("a linked clone onto disks with points in time", () => {
  it.each(["host", "array", "nothing"] as const)("keeps them (loses the %s)", (lose) => {
    const rig = withCopy();
    const [before, one, two] = [contents(rig), images(rig, 0), images(rig, 1)];
    const outcomes = new Set<boolean>();
    enumerateCrashes(rig, {
      lose,
      nested: false,
      start: () => rig.start(cowLinkedClone, LINK),
      check: (where) => {
        expectSettled(rig, where);
        expect(points(rig), where).toEqual(["one", "two"]);
        expect(same(images(rig, 0), one) && same(images(rig, 1), two), where).toBe(true);
        const isLinked = rig.descriptor(rig.configuration().running["d0"]!).parent === null;
        outcomes.add(isLinked);
        expect(same(contents(rig), isLinked ? two : before), where).toBe(true);
      },
    });
    expect(outcomes).toEqual(new Set([false, true]));
  });

  it.each(["host", "array"] as const)("goes back to one of them (loses the %s)", (lose) => {
    const rig = withCopy(true);
    const [linked, one] = [contents(rig), images(rig, 0)];
    const outcomes = new Set<boolean>();
    enumerateCrashes(rig, {
      lose,
      start: () => rig.start(revert, { pointInTime: "one" }),
      check: (where) => {
        expectSettled(rig, where);
        expect(points(rig), where).toEqual(["one", "two"]);
        const isBack = same(contents(rig), one);
        outcomes.add(isBack);
        expect(isBack || same(contents(rig), linked), where).toBe(true);
      },
    });
    expect(outcomes).toEqual(new Set([false, true]));
  });

  it("lives on: snapshots, deletions, reverts, promotion, and both formats", () => {
    const rig = withCopy(true);
    const [one, two] = [images(rig, 0), images(rig, 1)];
    rig.powerOn();
    rig.write(0, 3, 20, 70_000);
    rig.run();
    expect(rig.do(cowSnapshot, snapshotParams(rig, "three"))).toBe("complete");
    rig.write(1, 30, 4, 80_000);
    rig.powerOff();
    const three = images(rig, 2);
    expect(rig.do(deletePoint, { pointInTime: "one" })).toBe("complete");
    expect(rig.do(revert, { pointInTime: "three" })).toBe("complete");
    expect(same(contents(rig), three)).toBe(true);
    for (const format of ["redo", "cow"]) {
      expect(rig.do(copyHierarchy, { target: "db", format, upTo: null })).toBe("complete");
      expect(points(rig)).toEqual(["two", "three"]);
      expect(same(images(rig, 0), two) && same(images(rig, 1), three), format).toBe(true);
      expect(same(contents(rig), three), format).toBe(true);
      expectSettled(rig, format);
    }
    expect(rig.do(revert, { pointInTime: "two" })).toBe("complete");
    expect(same(contents(rig), two)).toBe(true);
    expect(rig.do(cowLinkedClone, LINK)).toBe("complete");
    expect(rig.do(splitClone, { vm: "db" })).toBe("complete");
    expect(same(contents(rig), two)).toBe(true);
    expect(rig.do(collectGarbage, {})).toBe("complete");
    expect(
      same(
        [0, 1].map((disk) => rig.states(disk, "copy")!.points[0]!.content),
        one,
      ),
    ).toBe(true);
    expectSettled(rig, "in the end");
  });

  it("is refused where they are of another format, and says why", () => {
    const rig = withCopy();
    expect(rig.do(copyHierarchy, { target: "db", format: "redo", upTo: null })).toBe("complete");
    const id = rig.start(cowLinkedClone, LINK);
    expect(rig.finish(id)).toBe("mixed-formats");
    expect(String(rig.ended.get(id)!.detail)).toMatch(/a VM keeps its points in time in one/);
  });
});
