/**
 * Promotion under a guest that writes and discards where the copier is. The laws are the invariants
 * (what the guest sees is what it was told), what is kept of thinness, and that the parent's layers
 * and every other VM's view of them stay as they are.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashHex, type PlainObject, startOperation } from "../../kernel/index.ts";
import { type ArrayEntity, volumeContent } from "../../platform/index.ts";
import { viewOf } from "../chain/device-view.ts";
import { abort } from "../consolidation/abort.ts";
import { chainOf } from "../testing/chains.ts";
import { configurationOf, diskBench, type DiskBench } from "../testing/disk-bench.ts";
import { promote } from "./promote.ts";

const SECTORS = 512;

/** The lower layers are made another VM's as well: the disk is a clone that stands on them. */
function clone(options: {
  readonly seed: number;
  readonly own: number;
  readonly discards: number;
}) {
  const layers = chainOf(3 + options.own, SECTORS).map((layer, index) => {
    return { ...layer, pointInTime: index === 2 ? "shared" : null };
  });
  const load = { requests: 300, outstanding: 4, thinkNs: 9_000, discards: options.discards };
  const bench = diskBench({ layers, seed: options.seed, load });
  const { files } = bench.array.editDurable();
  const configuration = configurationOf(bench.array);
  const [shared] = configuration.pointsInTime;
  files["file:db.vmx"] = {
    version: files["file:db.vmx"]!.version,
    value: { ...configuration, pointsInTime: [] } as never,
  };
  const parent = { vm: "parent", running: shared!.disks, pointsInTime: [], layersMade: 0 };
  files["file:parent.vmx"] = { version: 1, value: parent as never };
  return bench;
}

function run(
  bench: DiskBench,
  extra: PlainObject,
  abortNs = -1,
): { outcome: string; figures: PlainObject } {
  const { world } = bench;
  let ended = { outcome: "", figures: {} as PlainObject };
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "promote") ended = data as never;
  };
  bench.start();
  world.run({ untilNs: 500_000 });
  const params = { ...bench.params, copySectors: 32, ...extra };
  startOperation(world, promote, bench.host, "promote", params);
  if (abortNs >= 0) {
    world.run({ untilNs: 500_000 + abortNs });
    startOperation(world, abort, bench.host, "abort", { operation: "promote" });
  }
  world.run({ untilNs: 4_000_000_000 });
  world.finish();
  return ended;
}

const violations = ({ world }: DiskBench): string[] =>
  world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);

const volumesOf = (array: ArrayEntity): string[] =>
  Object.keys(array.durable.volumes).map((label) => label.slice("volume:".length));

const digests = (array: ArrayEntity, names: readonly string[]): string[] =>
  names.map((name) => hashHex(volumeContent(array, name)!.digest()));

describe("promotion of a linked clone", () => {
  it("under load: the guest sees no difference, parents are untouched, thin stays thin", () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(5, 40),
        fc.constantFrom(8, 32, 1_024),
        (seed, own, discards, copySectors) => {
          const bench = clone({ seed, own, discards });
          const shared = volumesOf(bench.array).filter((name) => !/00000[3-9]$/.test(name));
          const before = digests(bench.array, shared);
          const { outcome } = run(bench, { copySectors });
          expect(outcome).toBe("complete");
          expect(violations(bench)).toEqual([]);
          expect(digests(bench.array, shared)).toEqual(before);
          expect(bench.disk.volatile.layers).toHaveLength(1);
          const base = bench.disk.volatile.layers[0]!.volume;
          expect(volumesOf(bench.array).sort()).toEqual([...shared, base].sort());
          expect(bench.instance.volatile).toMatchObject({ answered: 300, errors: 0, stuns: 0 });
          const content = volumeContent(bench.array, base)!;
          const view = viewOf(bench.disk, 0, SECTORS);
          expect(content.equals(view)).toBe(true);
          // Of the zeros that the copier met none were written; only the guest writes zeros.
          const zeros = content
            .allocatedRuns()
            .flatMap(({ sector, sectors }) => content.read(sector, sectors))
            .filter(({ kind }) => kind === "zero");
          expect(zeros).toEqual([]);
          expect(bench.array.durable.volumes[`volume:${base}`]!.reserved ?? 0).toBe(0);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("given up at any time leaves the clone that it was", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(4_000_000), (seed, abortNs) => {
        const bench = clone({ seed, own: 1, discards: 10 });
        const before = volumesOf(bench.array).length;
        const { outcome } = run(bench, {}, abortNs);
        expect(["complete", "aborted"]).toContain(outcome);
        expect(violations(bench)).toEqual([]);
        expect(bench.disk.volatile.merge).toBeNull();
        // A full clone has its base instead of its layer.
        expect(volumesOf(bench.array)).toHaveLength(before);
        expect(bench.disk.volatile.layers).toHaveLength(outcome === "complete" ? 1 : 4);
        expect(bench.array.durable.files["file:db.intent"]?.value).toBeUndefined();
        expect(bench.instance.volatile).toMatchObject({ answered: 300, stuns: 0 });
      }),
      { numRuns: 15 },
    );
  });

  it("that leaves out the shared base is caught (canary)", () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 20 && found.size === 0; seed++) {
      const bench = clone({ seed, own: 1, discards: 40 });
      const { world, disk } = bench;
      world.hooks.onEvent = () => {
        const { merge } = disk.volatile;
        if (merge !== null && merge.zeros === "skip") disk.edit().merge!.from = 1;
      };
      run(bench, {});
      for (const each of violations(bench)) found.add(each);
    }
    expect([...found].join()).toMatch(/does not read as written/);
  });
});
