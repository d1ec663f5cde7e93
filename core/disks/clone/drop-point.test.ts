/** A point in time that an operation took for itself goes, unless somebody else needs it by now. */
import { expect, it } from "vitest";
import { fromMs, type PlainObject } from "../../kernel/index.ts";
import { configurationFile, intentFile } from "../chain/descriptor.ts";
import type { CowRig } from "../cow/testing/cow-rig.ts";
import { points, withHistory } from "../cow/testing/history.ts";
import { dropPoint } from "./drop-point.ts";

const startDropping = (rig: CowRig): string =>
  rig.start(dropPoint, { instance: rig.instance, disks: rig.open(), pointInTime: "one" });

function place(rig: CowRig, name: string, value: PlainObject): void {
  rig.array.editDurable().files[`file:${name}`] = { value, version: 1 } as never;
}

/** As an operation has that is not done yet. */
const openOther = (rig: CowRig): void =>
  place(rig, intentFile("db"), { kind: "cow-snapshot", operation: "other", stage: "opened" });

const closeOther = (rig: CowRig): void =>
  void delete rig.array.editDurable().files[`file:${intentFile("db")}`];

it("of copy-on-write disks is deleted; dropped again it is gone already", () => {
  const rig = withHistory();
  for (const _ of ["dropped", "again"]) {
    const id = startDropping(rig);
    expect(rig.finish(id)).toBe("complete");
    expect(rig.ended.get(id)!.figures).toEqual({});
    expect(points(rig)).not.toContain("one");
  }
  expect(rig.violations()).toEqual([]);
});

it("stays when another VM stands on it, at the first try", () => {
  const rig = withHistory();
  const [one] = rig.configuration().pointsInTime;
  const running = { ...one!.disks };
  place(rig, configurationFile("twin"), { vm: "twin", running, pointsInTime: [], layersMade: 1 });
  const id = startDropping(rig);
  const beganNs = rig.world.timeNs;
  rig.runUntil(() => rig.ended.has(id));
  expect(rig.ended.get(id)).toMatchObject({ outcome: "complete", figures: { kept: "shared" } });
  expect(rig.world.timeNs - beganNs).toBeLessThan(fromMs(100));
  expect(points(rig)).toContain("one");
});

it("waits until the VM's other operation is done", () => {
  const rig = withHistory();
  openOther(rig);
  const id = startDropping(rig);
  rig.pass(fromMs(10_000));
  expect(points(rig)).toContain("one");
  expect(rig.ended.has(id)).toBe(false);
  closeOther(rig);
  expect(rig.finish(id)).toBe("complete");
  expect(points(rig)).not.toContain("one");
});

it("stays, and says so, when the other operation never is", () => {
  const rig = withHistory();
  openOther(rig);
  const id = startDropping(rig);
  expect(rig.finish(id)).toBe("complete");
  expect(rig.ended.get(id)!.figures).toEqual({ kept: "gave-up" });
  expect(points(rig)).toContain("one");
});
