/** A VM with a past on copy-on-write disks, and what tests of operations on it hold it against. */
import { expect } from "vitest";
import type { SectorContent } from "../../../kernel/index.ts";
import { cowSnapshot } from "../cow-snapshot.ts";
import { CowRig, type RigOptions } from "./cow-rig.ts";
import type { Enumerated } from "./enumerate-crashes.ts";

/** A VM with points in time "one" and "two", and writes after each. */
export function withHistory(options: RigOptions = {}): CowRig {
  const rig = new CowRig(options);
  rig.powerOn();
  let stamp = 1_000;
  const touch = (): void => {
    for (let disk = 0; disk < rig.diskCount; disk++) {
      const sector = (stamp / 10) % 24;
      rig.write(disk, sector, 40, (stamp += 100));
      rig.write(disk, (stamp / 10) % 50, 6, -1);
    }
    rig.run();
  };
  touch();
  expect(snap(rig, "one")).toBe("complete");
  touch();
  expect(snap(rig, "two")).toBe("complete");
  touch();
  return rig;
}

export const snapshotParams = (rig: CowRig, pointInTime: string) => ({
  instance: rig.instance,
  disks: rig.open(),
  pointInTime,
});

export const snap = (rig: CowRig, id: string): string =>
  rig.do(cowSnapshot, snapshotParams(rig, id));

export const contents = (rig: CowRig, vm = "db"): (SectorContent | undefined)[] =>
  Array.from({ length: rig.diskCount }, (_, i) => rig.states(i, vm)?.running);

export const points = (rig: CowRig): string[] =>
  rig.configuration().pointsInTime.map(({ id }) => id);

export function expectSettled(rig: CowRig, where: string, vm = "db"): void {
  expect(rig.file(`${vm}.intent`), where).toBeUndefined();
  expect(rig.world.activeOperations, where).toBe(0);
  expect(rig.violations(), where).toEqual([]);
}

export const same = (a: readonly (SectorContent | undefined)[], b: typeof a): boolean =>
  a.every((each, i) => each !== undefined && b[i] !== undefined && each.equals(b[i]!));

export function expectThorough({ steps, settled }: Enumerated, lose: string, least: number): void {
  expect(steps).toBeGreaterThanOrEqual(least);
  expect(settled).toBeGreaterThanOrEqual(lose === "host" ? 2 * least : steps);
}
