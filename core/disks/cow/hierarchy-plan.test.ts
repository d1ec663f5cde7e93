/** What a planned copy of a hierarchy leads to: all points in time that were asked for, and no more. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { PlainObject } from "../../kernel/index.ts";
import {
  configurationFile,
  descriptorFile,
  descriptorFileOf,
  type DiskDescriptor,
  redoOn,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import { scanOf } from "../testing/index.ts";
import { CowView } from "./cow-files.ts";
import { type CopyRequest, planCopy } from "./hierarchy-plan.ts";

const DISKS = ["data", "log"];

/** A VM whose disks have a layer for each point in time, and one on top. */
function hierarchy(points: number): { view: CowView; configuration: VmConfiguration } {
  const files: [string, PlainObject][] = [];
  for (const disk of DISKS) {
    const name = descriptorFile("db", disk, 0);
    let below: DiskDescriptor = {
      cid: 1,
      parentCid: 0,
      parent: null,
      volume: volumeOf(name),
      kind: "flat",
      sectors: 2_048,
      grainSectors: 128,
    };
    files.push([name, descriptorFileOf(below)]);
    for (let layer = 1; layer <= points; layer++) {
      below = redoOn(
        descriptorFile("db", disk, layer),
        descriptorFile("db", disk, layer - 1),
        below,
      );
      files.push([descriptorFile("db", disk, layer), descriptorFileOf(below)]);
    }
  }
  const at = (layer: number) =>
    Object.fromEntries(DISKS.map((disk) => [disk, descriptorFile("db", disk, layer)]));
  const configuration: VmConfiguration = {
    vm: "db",
    running: at(points),
    pointsInTime: Array.from({ length: points }, (_, layer) => ({
      id: `point-${layer}`,
      disks: at(layer),
    })),
    layersMade: points,
  };
  files.push([configurationFile("db"), configuration as unknown as PlainObject]);
  return { view: new CowView([{ vvols: [] }, scanOf(files)]), configuration };
}

const request = fc.record({
  points: fc.integer({ min: 1, max: 4 }),
  format: fc.constantFrom("cow" as const, "redo" as const),
  upTo: fc.option(fc.nat(3)),
  asRunning: fc.boolean(),
  only: fc.option(fc.constantFrom(...DISKS)),
});

/** Points in time of the source that the copy is to have. */
function expectedPoints(points: number, upTo: number | null, asRunning: boolean): number[] {
  const all = Array.from({ length: points }, (_, at) => at);
  return upTo === null ? all : all.slice(0, asRunning ? upTo : upTo + 1);
}

it("has the points that were asked for, runs on none of them, and leaves other disks alone", () => {
  const seen = new Set<string>();
  const property = fc.property(request, ({ points, format, upTo: last, asRunning, only }) => {
    if (last !== null && last >= points) return;
    const isInPlace = only !== null;
    const { view, configuration } = hierarchy(points);
    const upTo = isInPlace ? null : last;
    const isOnPoint = asRunning && upTo !== null;
    const target = isInPlace ? "db" : "other";
    const asked: CopyRequest = {
      vm: "db",
      target,
      format,
      upTo: upTo === null ? null : `point-${upTo}`,
      asRunning: isOnPoint,
      ...(isInPlace && { disks: [only] }),
    };
    const plan = planCopy(view, configuration, asked)!;
    const { running, pointsInTime } = plan.configuration;
    const expected = expectedPoints(points, upTo, isOnPoint);
    expect(pointsInTime.map(({ id }) => id)).toEqual(expected.map((at) => `point-${at}`));
    const described = new Map<string, DiskDescriptor>();
    for (const step of plan.steps) {
      if (step.do === "describe") described.set(step.name, step.descriptor);
    }
    expect([...described.keys()].toSorted()).toEqual(plan.made.toSorted());
    const leads: string[] = [];
    for (const at of [...pointsInTime.map(({ disks }) => disks), running]) {
      expect(Object.keys(at).toSorted()).toEqual(DISKS);
      for (const [disk, name] of Object.entries(at)) {
        if (isInPlace && disk !== only) continue;
        expect(leads).not.toContain(name);
        expect(described.has(name)).toBe(true);
        expect(name.startsWith(`${target}-${disk}`)).toBe(true);
        leads.push(name);
      }
    }
    expect(leads.toSorted()).toEqual(plan.made.toSorted());
    for (const disk of DISKS) {
      if (!isInPlace || disk === only) continue;
      expect(running[disk]).toBe(configuration.running[disk]);
      pointsInTime.forEach(({ disks }, at) =>
        expect(disks[disk]).toBe(configuration.pointsInTime[at]!.disks[disk]),
      );
    }
    seen.add(`${format} ${upTo === null} ${isOnPoint} ${isInPlace}`);
  });
  fc.assert(property, { numRuns: 400, seed: 1 });
  expect(seen.size).toBe(8);
});

it("is none of a point in time that is not there", () => {
  const { view, configuration } = hierarchy(2);
  const asked = { vm: "db", target: "other", format: "redo", upTo: "point-7" } as const;
  expect(planCopy(view, configuration, asked)).toBeUndefined();
});
