/** The page-trace service against plain sets, with vCPUs whose TLBs are stale until they flush. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  component,
  decodeImage,
  encodeImage,
  type Entity,
  MS,
  restoreWorld,
} from "../../kernel/index.ts";
import type { SmallWorld } from "../testing/small-world.ts";
import { smallWorld } from "../testing/small-world.ts";
import { removeTraces, setTraces, takeDirty, type TraceWish } from "./clients.ts";
import { loadPages, readPages, setPrivate } from "./content.ts";
import { memoryOf } from "./guest-memory.ts";
import { releaseAccess } from "./held.ts";
import { clientBitmap, clientOf, type MemoryEntity, ownerOf, stampsOf } from "./memory-state.ts";
import { catchUpTouches, deviceWrote, writePages } from "./touches.ts";
import { DEVICE, STALE_ENTRY, type TraceHit } from "./tracer.ts";

const PAGES = 48;
const VCPUS = 3;

type Seen = { readonly seen: readonly (TraceHit & { readonly stamp: number })[] };

/** Who is told of hits, and looks at what the page holds then. */
const watcher = component<Record<string, never>, Record<string, never>, Seen>({
  kind: "watcher",
  volatile: () => ({ seen: [] }),
  handlers: {
    "trace-hit": (self, hit: TraceHit) => {
      const memory = self.world.entity(hit.memory) as unknown as MemoryEntity;
      self.edit().seen.push({ ...hit, stamp: stampsOf(memory).get(hit.page) });
    },
  },
});

function rig(seed: number): { built: SmallWorld; memory: MemoryEntity; owner: Entity } {
  const built = smallWorld({ seed, kind: "capture", vcpus: VCPUS });
  const vm = built.start(built.records[0]!, 0)!;
  const memory = memoryOf(vm);
  const owner = built.world.spawn(watcher, {}, { domain: vm.domain, name: "watcher" });
  return { built, memory, owner: owner as unknown as Entity };
}

interface Model {
  readonly keeps: boolean;
  readonly armed: Set<number>;
  readonly dirty: Set<number>;
  pending: Set<number>;
  generation: number;
}

const NAMES = ["integrity", "migration", "checkpoint"] as const;
const name = fc.constantFrom(...NAMES);
const by = fc.constantFrom<TraceWish["by"]>("all", [0], [1, 2]);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("write" as const), fc.nat(PAGES - 1), fc.nat(3)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("wait" as const), fc.constantFrom(1, 900, 5_000)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("wait" as const), fc.constantFrom(60_000)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("trace" as const), name, by, fc.nat(PAGES - 9)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("take" as const), name, by) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("remove" as const), name) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The rules, over sets. Only which vCPUs have flushed is read from the machine. */
class Plain {
  readonly clients = new Map<string, Model>();
  readonly memory: MemoryEntity;
  hits = 0;

  constructor(memory: MemoryEntity) {
    this.memory = memory;
  }

  settle(): void {
    const { flushed } = this.memory.volatile;
    for (const model of this.clients.values()) {
      if (flushed.some((at) => at < model.generation)) continue;
      for (const page of model.pending) model.armed.add(page);
      model.pending = new Set();
    }
  }

  write(page: number, vcpu: number): void {
    this.settle();
    for (const model of this.clients.values()) {
      const isFresh = vcpu === DEVICE || this.memory.volatile.flushed[vcpu]! >= model.generation;
      const set = model.armed.has(page) ? model.armed : isFresh ? model.pending : undefined;
      if (set === undefined || !set.has(page)) continue;
      if (!model.keeps) set.delete(page);
      model.dirty.add(page);
      this.hits++;
    }
  }
}

function take(each: Step, memory: MemoryEntity, owner: Entity, plain: Plain): void {
  const { world } = memory;
  switch (each[0]) {
    case "write": {
      const [, page, vcpu] = each;
      plain.write(page, vcpu - 1);
      return writePages(memory, vcpu - 1, page, 1);
    }
    case "wait":
      return void world.run({ untilNs: world.timeNs + each[1] });
    case "trace": {
      const [, client, by, from] = each;
      if (clientOf(memory, client) !== undefined) return;
      const [keeps, priority] = [client === "integrity", NAMES.length - NAMES.indexOf(client)];
      const ranges = [{ page: from, pages: Math.min(PAGES - from, 30) }];
      const wish = { client, by, priority, keeps, ranges, mode: "stores", granularity: "1GiB" };
      setTraces(memory, { ...wish, owner: owner.id } as TraceWish, null);
      const pending = new Set(Array.from({ length: ranges[0]!.pages }, (_, i) => from + i));
      const { generation } = memory.volatile;
      plain.clients.set(client, { keeps, armed: new Set(), dirty: new Set(), pending, generation });
      return;
    }
    case "take": {
      const [, client, by] = each;
      const known = clientOf(memory, client);
      if (known === undefined || known.pending !== null) return;
      plain.settle();
      const model = plain.clients.get(client)!;
      takeDirty(memory, client, by, null);
      expect(bitsOf(memory, client, "taken")).toEqual(sorted(model.dirty));
      model.pending = new Set(model.dirty);
      model.dirty.clear();
      model.generation = memory.volatile.generation;
      return;
    }
    case "remove":
      plain.clients.delete(each[1]);
      return removeTraces(memory, each[1]);
  }
}

type Marks = "armed" | "dirty" | "pending" | "taken";

const bitsOf = (memory: MemoryEntity, client: string, which: Marks): number[] => {
  const bitmap = clientBitmap(memory, client, which);
  const pages: number[] = [];
  for (let page = bitmap.next(0); page >= 0; page = bitmap.next(page + 1)) pages.push(page);
  return pages;
};

const sorted = (pages: Iterable<number>): number[] => [...pages].sort((a, b) => a - b);

describe("page traces", () => {
  it("are what plain sets say, for several clients and stale vCPUs, at any moment", () => {
    let stale = 0;
    fc.assert(
      fc.property(fc.nat(100), fc.array(step, { minLength: 5, maxLength: 80 }), (seed, script) => {
        const { built, memory, owner } = rig(seed);
        const plain = new Plain(memory);
        const before = new Map<number, number>();
        built.world.hooks.onNotice = ({ data }) => {
          if (data["name"] === STALE_ENTRY) stale++;
        };
        for (const each of script) {
          if (each[0] === "write") before.set(each[1], stampsOf(memory).get(each[1]));
          const seenBefore = (owner.volatile as Seen).seen.length;
          take(each, memory, owner, plain);
          const { seen } = owner.volatile as Seen;
          expect(seen.length).toBe(plain.hits);
          for (const hit of seen.slice(seenBefore)) expect(hit.stamp).toBe(before.get(hit.page));
          plain.settle();
          for (const [client, model] of plain.clients) {
            expect(bitsOf(memory, client, "armed")).toEqual(sorted(model.armed));
            expect(bitsOf(memory, client, "dirty")).toEqual(sorted(model.dirty));
            expect(bitsOf(memory, client, "pending")).toEqual(sorted(model.pending));
          }
        }
        expect(built.findings()).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(stale).toBeGreaterThan(0);
  });

  it("are seen by higher priorities first", () => {
    const { memory, owner, built } = rig(1);
    const wish = { mode: "stores", granularity: "4KiB", by: "all", owner: owner.id } as const;
    setTraces(memory, { ...wish, client: "low", priority: 1 }, null);
    setTraces(memory, { ...wish, client: "high", priority: 9 }, null);
    built.world.run({ untilNs: built.world.timeNs + MS });
    writePages(memory, 0, 3, 1);
    const { seen } = owner.volatile as Seen;
    expect(seen.map(({ client }) => client)).toEqual(["high", "low"]);
  });

  it("canary: counting before all have flushed, and a device that passes by, are found", () => {
    for (const bug of ["early", "device", "none"] as const) {
      const { memory, built } = rig(3);
      const wish = { client: "migration", mode: "stores", priority: 1 } as const;
      setTraces(memory, { ...wish, granularity: "1GiB", by: [0] }, null);
      if (bug === "early") {
        memory.edit().flushed.fill(memory.volatile.generation);
        built.world.run({ untilNs: built.world.timeNs + MS });
        memory.edit().flushed.fill(0);
        clientBitmap(memory, "migration", "armed").clear();
      } else built.world.run({ untilNs: built.world.timeNs + MS });
      if (bug === "device") stampsOf(memory).set(7, 8);
      else if (bug === "early") stampsOf(memory).set(9, 16);
      else deviceWrote(memory, 9_000);
      takeDirty(memory, "migration", [0], null);
      expect(built.findings().length > 0, bug).toBe(bug !== "none");
    }
  });
});

describe("memory of a modelled guest", () => {
  it("is written as often as its guest says, and the same wherever a run is saved", () => {
    const one = smallWorld({ kind: "workload", vcpus: 2 });
    const vm = one.start(one.records[0]!, 0)!;
    one.world.run({ untilNs: 25 * MS });
    const image = decodeImage(
      one.world,
      encodeImage(one.world, captureWorld(one.world), undefined),
      undefined,
    );
    one.world.run({ untilNs: 61 * MS });
    const memory = memoryOf(vm);
    const digest = stampsOf(memory).digest();
    expect(memory.volatile.batch?.writes).toBeGreaterThan(70);
    const other = smallWorld({ kind: "workload", vcpus: 2 });
    restoreWorld(other.world, image);
    other.world.run({ untilNs: 61 * MS });
    const again = other.world.named(memory.name) as unknown as MemoryEntity;
    expect(stampsOf(again).digest()).toBe(digest);
    expect(one.findings()).toEqual([]);
  });

  it("has W (1 - exp(-n/W)) pages written by n uniform writes", () => {
    const [pages, writes] = [1_000, 1_500];
    const deviations: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { memory, built } = rig(seed);
      setTraces(
        memory,
        { client: "m", mode: "stores", priority: 1, granularity: "1GiB", by: [0] },
        null,
      );
      built.world.run({ untilNs: built.world.timeNs + MS });
      const batch = { workingSetPages: pages, distribution: "uniform", reads: 0, writes } as const;
      const since = { sinceNs: built.world.timeNs - 100 * MS, overNs: MS, doneReads: 0 };
      memory.edit().batch = { ...batch, ...since, doneWrites: 0, stallNs: 0 };
      catchUpTouches(memory);
      const load = writes / pages;
      const expected = pages * (1 - Math.exp(-load));
      const variance = pages * Math.exp(-load) * (1 - (1 + load) * Math.exp(-load));
      deviations.push(
        (clientBitmap(memory, "m", "dirty").count() - expected) / Math.sqrt(variance),
      );
    }
    const mean = deviations.reduce((sum, each) => sum + each, 0) / deviations.length;
    const spread = deviations.reduce((sum, each) => sum + each * each, 0) / deviations.length;
    expect(Math.abs(mean)).toBeLessThan(3 / Math.sqrt(deviations.length));
    expect(spread).toBeGreaterThan(0.4);
    expect(spread).toBeLessThan(2);
  });

  it("has a held access that may proceed wait until its run goes on", () => {
    const { memory, built } = rig(7);
    const vm = ownerOf(memory)!;
    const batch = { workingSetPages: PAGES, distribution: "uniform", reads: 0, writes: 0 } as const;
    const since = { sinceNs: built.world.timeNs, overNs: MS, doneReads: 0 };
    memory.edit().batch = { ...batch, ...since, doneWrites: 0, stallNs: 0 };
    memory.edit().held = { client: "gone", page: 5, vcpu: 0, writes: true };
    const before = stampsOf(memory).get(5);
    vm.edit().stuns = 1;
    releaseAccess(memory);
    catchUpTouches(memory);
    expect(stampsOf(memory).get(5)).toBe(before);
    expect(memory.volatile.released).not.toBeNull();
    vm.edit().stuns = 0;
    catchUpTouches(memory);
    expect(stampsOf(memory).get(5)).not.toBe(before);
    expect(memory.volatile.released).toBeNull();
  });

  it("shows private pages as ciphertext, from which the same content comes back", () => {
    const { memory } = rig(5);
    writePages(memory, 0, 10, 6);
    const plain = Array.from({ length: 8 }, (_, i) => stampsOf(memory).get(9 + i));
    const shown = readPages(memory, 9, 8);
    setPrivate(memory, 11, 3, true);
    const hidden = readPages(memory, 9, 8);
    expect(JSON.stringify(hidden)).not.toBe(JSON.stringify(shown));
    for (const run of hidden) {
      if (run.kind !== "stamp") continue;
      const isOwn = plain
        .slice(2, 5)
        .some((stamp) => stamp >= run.stamp && stamp < run.stamp + run.sectors);
      expect(isOwn).toBe(false);
    }
    stampsOf(memory).fill(9, 8, 0);
    loadPages(memory, 9, hidden);
    expect(Array.from({ length: 8 }, (_, i) => stampsOf(memory).get(9 + i))).toEqual(plain);
  });
});
