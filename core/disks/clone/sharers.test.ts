/**
 * Who stands on which layer, against what a person would do: take layers away, and look whether
 * anything that is left has lost one of its own.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlainObject } from "../../kernel/index.ts";
import { ArrayFiles } from "../chain/array-files.ts";
import { configurationFile, type DiskDescriptor, descriptorFileOf } from "../chain/descriptor.ts";
import { scanOf } from "../testing/index.ts";
import { exclusiveLayers, sharersOf } from "./sharers.ts";

const LAYERS = 8;
const VMS = ["db", "web", "app"];

const nameOf = (layer: number): string => `layer-${layer}.vmdk`;

interface Drawn {
  /** Of each layer a lower one that it stands on; its own number: it is a base. */
  readonly parents: readonly number[];
  /** Of each VM what it runs on, and its points in time. */
  readonly vms: readonly { readonly running: number; readonly points: readonly number[] }[];
}

const layer = fc.nat(LAYERS - 1);
const drawn: fc.Arbitrary<Drawn> = fc.record({
  parents: fc.tuple(...Array.from({ length: LAYERS }, (_, at) => fc.nat(at))),
  vms: fc.tuple(
    ...VMS.map(() => fc.record({ running: layer, points: fc.array(layer, { maxLength: 2 }) })),
  ),
});

function filesOf({ parents, vms }: Drawn): ArrayFiles {
  const descriptors = parents.map((parent, at): [string, PlainObject] => {
    const isBase = parent === at;
    const descriptor: DiskDescriptor = {
      cid: at + 1,
      parentCid: isBase ? 0 : parent + 1,
      parent: isBase ? null : nameOf(parent),
      volume: `volume-${at}`,
      kind: isBase ? "flat" : "redo",
      sectors: 2_048,
      grainSectors: 128,
    };
    return [nameOf(at), descriptorFileOf(descriptor)];
  });
  const configurations = vms.map(({ running, points }, at): [string, PlainObject] => {
    const pointsInTime = points.map((point, i) => ({
      id: `point-${i}`,
      disks: { data: nameOf(point) },
    }));
    const vm = VMS[at]!;
    const value = { vm, running: { data: nameOf(running) }, pointsInTime, layersMade: LAYERS };
    return [configurationFile(vm), value];
  });
  const files = [...descriptors, ...configurations];
  return new ArrayFiles(scanOf(files));
}

/** Whether all that is left is whole, apart from what `leaving` runs on. */
function isWholeWithout({ parents, vms }: Drawn, gone: ReadonlySet<number>, leaving = -1): boolean {
  const leaves = vms.flatMap(({ running, points }, at) =>
    at === leaving ? points : [running, ...points],
  );
  if (leaves.some((leaf) => gone.has(leaf))) return false;
  return parents.every((parent, at) => gone.has(at) || !gone.has(parent));
}

const numberOf = (name: string): number => Number(/\d+/.exec(name)![0]);

describe("layers that go with what a VM runs on", () => {
  it("are all that nothing else stands on, from the top, and no more", () => {
    const seen = new Set<string>();
    const property = fc.property(drawn, (each) => {
      const files = filesOf(each);
      const { running } = each.vms[0]!;
      const chain = files.chainOf(nameOf(running));
      const found = exclusiveLayers(files, VMS[0]!, nameOf(running));
      expect(found.map(({ descriptor }) => descriptor)).toEqual(chain.slice(0, found.length));
      const gone = new Set(found.map(({ descriptor }) => numberOf(descriptor)));
      expect(found.map(({ volume }) => numberOf(volume))).toEqual([...gone]);
      expect(isWholeWithout(each, gone, 0)).toBe(true);
      const next = chain[found.length];
      const isAll = next === undefined;
      if (!isAll) expect(isWholeWithout(each, new Set([...gone, numberOf(next)]), 0)).toBe(false);
      seen.add(`${Math.min(found.length, 2)} ${isAll}`);
    });
    fc.assert(property, { numRuns: 600, seed: 1 });
    expect(seen.size).toBe(5);
  });
});

describe("sharers of a layer", () => {
  it("are there when something would miss it, and only then", () => {
    let [shared, free] = [0, 0];
    const property = fc.property(drawn, layer, (each, at) => {
      const sharers = sharersOf(filesOf(each), nameOf(at), []);
      expect(sharers.length === 0).toBe(isWholeWithout(each, new Set([at])));
      if (sharers.length === 0) free++;
      else shared++;
    });
    fc.assert(property, { numRuns: 600, seed: 1 });
    expect(Math.min(shared, free)).toBeGreaterThan(20);
  });
});
