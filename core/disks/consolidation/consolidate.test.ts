/**
 * Consolidation under a guest that writes where the copier is. The laws are the invariants: the
 * view through the layers is what the guest was told at every range copied and after the switch,
 * and every point in time that stays reads as it was taken. Canaries are the careless variants.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  component,
  type EntityId,
  type Plain,
  type PlainObject,
  type Reply,
  type Request,
  startOperation,
} from "../../kernel/index.ts";
import type { ArrayEntity, BlockRequest } from "../../platform/index.ts";
import {
  type BenchOptions,
  configurationOf,
  diskBench,
  type DiskBench,
} from "../testing/disk-bench.ts";
import { chainOf } from "../testing/chains.ts";
import { abort } from "./abort.ts";
import { blockMergeConsolidate } from "./block-merge.ts";
import { consolidate } from "./consolidate.ts";
import type { Carelessness } from "./consolidation-state.ts";
import { iterativeConsolidate } from "./iterative.ts";
import { UNLISTED } from "./plan.ts";

const SECTORS = 512;

type Outcome = { readonly outcome: string; readonly figures: PlainObject };

function outcomes(bench: DiskBench): { [id: string]: Outcome } {
  const ended: { [id: string]: Outcome } = {};
  bench.world.hooks.onNotice = ({ kind, data }) => {
    if (kind !== "operation-end") return;
    ended[data["id"] as string] = data as unknown as Outcome;
  };
  return ended;
}

/** A device that is there and takes nothing. */
const refusing = component<PlainObject, PlainObject, PlainObject>({
  kind: "refusing-device",
  handlers: { io: (self, request: Request) => self.refuse(request, "no-space") },
});

type MoodyState = { readonly isMoody: boolean };

/** Passes everything on to the device below, but for what would change it while it is moody. */
const moody = component<{ lower: EntityId }, PlainObject, MoodyState>({
  kind: "moody-device",
  volatile: () => ({ isMoody: false }),
  handlers: {
    io: (self, request: Request<BlockRequest>) => {
      const { op } = request.body;
      if (self.volatile.isMoody && (op === "write" || op === "discard")) {
        return self.refuse(request, "medium-error");
      }
      const tag = request as unknown as Plain;
      self.ask(self.config.lower, "io", request.body as unknown as Plain, { then: "done", tag });
    },
    done: (self, reply: Reply) => {
      const request = reply.tag as unknown as Request;
      if (reply.ok) self.reply(request, reply.value);
      else self.refuse(request, reply.code, reply.detail);
    },
  },
});

const violations = ({ world }: DiskBench): string[] =>
  world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);

const METHODS = {
  mirror: consolidate,
  iterative: iterativeConsolidate,
  "block-merge": blockMergeConsolidate,
} as const;

function merge(
  bench: DiskBench,
  pointInTime: string,
  extra: PlainObject = {},
  method: keyof typeof METHODS = "mirror",
): void {
  const params = { ...bench.params, pointInTime, copySectors: 32, ...extra };
  startOperation(bench.world, METHODS[method], bench.host, `merge-${pointInTime}`, params);
}

const volumes = (array: ArrayEntity): string[] => Object.keys(array.durable.volumes);

function busy(options: Partial<BenchOptions> = {}): DiskBench {
  const load = { requests: 400, outstanding: 4, thinkNs: 9_000, ...options.load };
  return diskBench({ layers: chainOf(4, SECTORS), ...options, load });
}

describe("consolidation with a mirror", () => {
  it.each(["none", "writethrough", "writeback"] as const)(
    "under load, any point in time, any size of copy, host cache %s",
    (cacheMode) => {
      fc.assert(
        fc.property(
          fc.nat(100_000),
          fc.shuffledSubarray(["p1", "p2", "p3"], { minLength: 1 }),
          fc.constantFrom(8, 24, 100, 1_024),
          fc.constantFrom(1, 5, 8),
          (seed, points, copySectors, grainSectors) => {
            const bench = busy({ seed, cacheMode, grainSectors });
            const ended = outcomes(bench);
            bench.start();
            for (const point of points) {
              bench.world.run({ untilNs: bench.world.timeNs + 2_000_000 });
              merge(bench, point, { copySectors });
              bench.world.run({ untilNs: bench.world.timeNs + 400_000_000 });
              expect(ended[`merge-${point}`]?.outcome).toBe("complete");
            }
            bench.world.run({ untilNs: bench.world.timeNs + 2_000_000_000 });
            bench.world.finish();
            expect(violations(bench)).toEqual([]);
            expect(volumes(bench.array)).toHaveLength(4 - points.length);
            expect(bench.disk.volatile.layers).toHaveLength(4 - points.length);
            expect(configurationOf(bench.array).pointsInTime).toHaveLength(3 - points.length);
            expect(bench.instance.volatile).toMatchObject({ answered: 400, errors: 0 });
          },
        ),
        { numRuns: 12 },
      );
    },
  );

  it.each(["iterative", "block-merge"] as const)(
    "has baselines with the same laws: %s",
    (method) => {
      fc.assert(
        fc.property(
          fc.nat(100_000),
          fc.constantFrom("p1", "p2", "p3"),
          fc.constantFrom("none" as const, "writethrough" as const, "writeback" as const),
          fc.constantFrom(1, 60, 5_000),
          (seed, point, cacheMode, enoughSectors) => {
            const bench = busy({ seed, cacheMode });
            const ended = outcomes(bench);
            bench.start();
            bench.world.run({ untilNs: 1_000_000 });
            merge(bench, point, { enoughSectors, maxRounds: 4 }, method);
            bench.world.run({ untilNs: 3_000_000_000 });
            bench.world.finish();
            expect(ended[`merge-${point}`]?.outcome).toBe("complete");
            expect(violations(bench)).toEqual([]);
            expect(bench.disk.volatile.layers).toHaveLength(3);
            expect(volumes(bench.array)).toHaveLength(3);
            expect(bench.instance.volatile).toMatchObject({ answered: 400, errors: 0, stuns: 0 });
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it("copies once what the iterative way copies again and again, and stuns for less", () => {
    const load = { requests: 4_000, outstanding: 8, thinkNs: 2_000, reads: 0, flushes: 0 };
    const [mirror, iterative] = (["mirror", "iterative"] as const).map((method) => {
      const bench = busy({ seed: 3, load });
      const ended = outcomes(bench);
      bench.start();
      bench.world.run({ untilNs: 2_000_000 });
      merge(bench, "p3", { enoughSectors: 16, maxRounds: 6 }, method);
      bench.world.run({ untilNs: 900_000_000 });
      expect(violations(bench)).toEqual([]);
      return ended["merge-p3"]!.figures as { [name: string]: number };
    });
    expect(iterative!["rounds"]).toBe(7);
    expect(iterative!["copiedSectors"]).toBeGreaterThan(2 * mirror!["copiedSectors"]!);
    expect(iterative!["stunNs"]).toBeGreaterThan(2 * mirror!["stunNs"]!);
  });

  it("is given up by request, at any time, twice; what is left is a whole chain", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(4_000_000), (seed, abortNs) => {
        const bench = busy({ seed });
        const ended = outcomes(bench);
        bench.start();
        merge(bench, "p3");
        bench.world.run({ untilNs: abortNs });
        for (const id of ["abort-1", "abort-2"]) {
          startOperation(bench.world, abort, bench.host, id, { operation: "merge-p3" });
        }
        bench.world.run({ untilNs: 2_000_000_000 });
        bench.world.finish();
        expect(["complete", "aborted"]).toContain(ended["merge-p3"]?.outcome);
        expect(violations(bench)).toEqual([]);
        expect(bench.disk.volatile.merge).toBeNull();
        expect(bench.instance.volatile).toMatchObject({ answered: 400, stuns: 0 });
        expect(bench.array.durable.files["file:db.intent"]?.value).toBeUndefined();
        if (ended["merge-p3"]?.outcome !== "aborted") return;
        // Where the point in time was given up already, its layer is one that none is kept on.
        const listed = configurationOf(bench.array).pointsInTime.length === 3;
        merge(bench, listed ? "p3" : UNLISTED);
        bench.world.run({ untilNs: 4_000_000_000 });
        expect(violations(bench)).toEqual([]);
        expect(bench.disk.volatile.layers).toHaveLength(3);
      }),
      { numRuns: 15 },
    );
  });

  it("meets guest writes in the range that it copies, and writes both ways", () => {
    const bench = busy();
    const ended = outcomes(bench);
    bench.start();
    merge(bench, "p3", { copySectors: 400 });
    bench.world.run();
    const { figures } = ended["merge-p3"]!;
    expect(figures["conflicts"]).toBeGreaterThan(0);
    expect(figures["mirroredSectors"]).toBeGreaterThan(0);
    expect(figures["copiedSectors"]).toBeGreaterThan(0);
  });

  it("refuses a point in time that is not there, or on which somebody else stands", () => {
    const bench = busy();
    const ended = outcomes(bench);
    merge(bench, "p9");
    const { files } = bench.array.editDurable();
    const twin = { vm: "twin", running: {}, pointsInTime: [], layersMade: 0 };
    const p3 = configurationOf(bench.array).pointsInTime[2]!.disks["data"]!;
    files["file:twin.vmx"] = { version: 1, value: { ...twin, running: { data: p3 } } };
    merge(bench, "p3");
    merge(bench, "p2");
    bench.world.run();
    expect(ended["merge-p9"]?.outcome).toBe("no-point-in-time");
    expect(ended["merge-p3"]?.outcome).toBe("target-shared");
    expect(ended["merge-p2"]?.outcome).toBe("target-shared");
    expect(configurationOf(bench.array).pointsInTime).toHaveLength(3);
  });
});

describe("errors during a consolidation", () => {
  it("of the target end the job, and the guest never hears of them", () => {
    for (let seed = 0; seed < 6; seed++) {
      const bench = busy({ seed, load: { reads: 10 } });
      const ended = outcomes(bench);
      const broken = bench.world.spawn(refusing, {}, { creator: bench.host });
      bench.start();
      merge(bench, "p3");
      while (bench.disk.volatile.merge === null)
        bench.world.run({ untilEvent: bench.world.eventCount + 1 });
      bench.world.run({ untilEvent: bench.world.eventCount + 40 * seed });
      const { merge: begun } = bench.disk.edit();
      if (begun !== null) begun.target = broken.id;
      bench.world.run({ untilNs: 4_000_000_000 });
      bench.world.finish();
      expect(ended["merge-p3"]?.outcome).toBe("target-error");
      expect(violations(bench)).toEqual([]);
      expect(bench.disk.volatile.merge).toBeNull();
      expect(bench.instance.volatile).toMatchObject({ answered: 400, errors: 0, stuns: 0 });
    }
  });

  it("of the source are the guest's, and what differs then is copied again", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(1_500_000), (seed, strikeNs) => {
        const bench = busy({ seed, load: { requests: 300, reads: 0 } });
        const ended = outcomes(bench);
        bench.start();
        merge(bench, "p3");
        bench.world.run({ untilNs: strikeNs });
        const top = bench.disk.volatile.layers.at(-1)!.volume;
        const own = (owner: string | null) => {
          const volume = bench.array.editDurable().volumes[`volume:${top}`];
          if (volume !== undefined) volume.owner = owner;
        };
        own("somebody");
        bench.world.run({ untilNs: strikeNs + 150_000 });
        own(null);
        bench.world.run({ untilNs: 6_000_000_000 });
        bench.world.finish();
        expect(violations(bench)).toEqual([]);
        expect(ended["merge-p3"]?.outcome).toMatch(/complete|-error/);
      }),
      { numRuns: 25 },
    );
  });
});

describe("writes that fail on the delta alone", () => {
  it("leave the disk the same before and after the switch, whatever their fate", () => {
    for (let seed = 0; seed < 2; seed++) {
      const bench = busy({ seed, load: { requests: 300, reads: 0, flushes: 0 } });
      const ended = outcomes(bench);
      const { world, disk, host } = bench;
      bench.start();
      merge(bench, "p3", { copySectors: 8 });
      while (disk.volatile.merge === null) world.run({ untilEvent: world.eventCount + 1 });
      const top = disk.edit().layers.at(-1)!;
      const device = world.spawn(moody, { lower: top.device }, { creator: host });
      top.device = device.id;
      device.edit().isMoody = true;
      world.run({ untilNs: world.timeNs + 400_000 });
      device.edit().isMoody = false;
      world.run({ untilNs: 4_000_000_000 });
      world.finish();
      expect(bench.instance.volatile.errors).toBeGreaterThan(0);
      expect(ended["merge-p3"]?.outcome).toBe("complete");
      expect(violations(bench)).toEqual([]);
    }
  });
});

describe("canaries: a consolidation that is careless is caught", () => {
  const careless: readonly (readonly [string, Carelessness])[] = [
    ["copies without locking the range", { lock: "none" }],
    ["compares only where a write starts", { lock: "start-only" }],
    ["puts the mirror in while writes are on their way", { undrained: true, lock: "none" }],
  ];
  it.each(careless)("that %s", (_, how) => {
    const found = new Set<string>();
    for (let seed = 0; seed < 30 && found.size === 0; seed++) {
      const bench = busy({
        seed,
        load: { requests: 500, outstanding: 8, thinkNs: 1_000, reads: 0 },
      });
      bench.start();
      bench.world.run({ untilNs: 300_000 });
      merge(bench, "p3", { careless: how as PlainObject, copySectors: 64 });
      bench.world.run({ untilNs: 400_000_000 });
      bench.world.finish();
      for (const each of violations(bench)) found.add(each);
    }
    expect([...found].join()).toMatch(/does not read as written/);
  });
});
