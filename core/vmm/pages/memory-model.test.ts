/**
 * Random loads, stores, device writes, traces and contents that arrive late, against plain sets and
 * a plain array: what the guest sees is what was written last, and each mark is where it has to be.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { component, type ContentRun, MS } from "../../kernel/index.ts";
import { smallWorld } from "../testing/small-world.ts";
import { fillAbsent, lackAll, onAbsentAccess } from "./absent.ts";
import { cipherStamp } from "./cipher.ts";
import { memoryReplaced, removeTraces, setTraces, takeDirty, type TraceWish } from "./clients.ts";
import { readPages, setPrivate } from "./content.ts";
import { GRANULARITIES } from "./costs.ts";
import { memoryOf } from "./guest-memory.ts";
import { releaseAccess } from "./held.ts";
import {
  clientBitmap,
  clientOf,
  type MemoryEntity,
  PAGE_SECTORS,
  stampsOf,
} from "./memory-state.ts";
import { takeStamps, writePages } from "./touches.ts";
import { DEVICE, splits, Tracer, type TraceHit } from "./tracer.ts";

/** On both sides of borders of large entries. */
const PLACES = [0, 1, 2, 511, 512, 513, 1_023, 1_024, 2_048, 4_093, 4_094, 4_095] as const;
const VCPUS = 3;

const filler = component<Record<string, never>, Record<string, never>, Record<string, never>>({
  kind: "filler",
  handlers: {
    "trace-hit": (self, hit: TraceHit) =>
      onAbsentAccess(self.world.entity(hit.memory) as unknown as MemoryEntity, hit),
    "access-held": () => {},
  },
});

const CLIENTS = {
  guard: { mode: "stores", keeps: true, priority: 3, granularity: "4KiB" },
  copier: { mode: "stores", keeps: false, priority: 2, granularity: "2MiB" },
  looker: { mode: "accesses", keeps: false, priority: 1, granularity: "1GiB" },
} as const;
type Name = keyof typeof CLIENTS;

type Bug = "none" | "lost mark" | "stale entry" | "early" | "overwrites";
type Model = {
  readonly armed: Set<number>;
  readonly dirty: Set<number>;
  pending: Set<number>;
  generation: number;
};

const place = fc.constantFrom(...PLACES);
const pages = fc.integer({ min: 1, max: 3 });
const name = fc.constantFrom<Name>("guard", "copier", "looker");
const by = fc.constantFrom<TraceWish["by"]>("all", [0], [1, 2]);
const vcpu = fc.nat(VCPUS - 1);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("store" as const), place, vcpu }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("load" as const), place, vcpu }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("device" as const), place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("fill" as const), place, most: pages }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("trace" as const), name, by }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("take" as const), name, by }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("hide" as const), place, on: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ns: fc.constantFrom(900, 60_000) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "replace" } as const) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Guest {
  readonly memory: MemoryEntity;
  readonly world = smallWorld({ vcpus: VCPUS });
  readonly bug: Bug;
  /** What the guest is to see, wherever it is now. */
  readonly content = new Map<number, number>();
  /** What was saved: it arrives as it was then. */
  readonly saved = new Map<number, number>();
  readonly absent = new Set<number>(PLACES);
  readonly clients = new Map<Name, Model>();
  readonly hidden = new Set<number>();
  readonly small = new Set<number>();
  readonly smallest = new Set<number>();
  isReplaced = false;
  held: Extract<Step, { do: "store" | "load" }> | undefined;

  constructor(bug: Bug) {
    this.bug = bug;
    const vm = this.world.start(this.world.records[0]!, 0)!;
    this.memory = memoryOf(vm);
    for (const page of PLACES) this.saved.set(page, takeStamps(this.memory, 1));
    for (const [page, stamp] of this.saved) this.content.set(page, stamp);
    const owner = this.world.world.spawn(filler, {}, { domain: vm.domain, name: "filler" });
    lackAll(this.memory, "absent", owner.id);
  }

  settle(): void {
    const { flushed } = this.memory.volatile;
    for (const model of this.clients.values()) {
      if (flushed.some((at) => at < model.generation)) continue;
      for (const page of model.pending) model.armed.add(page);
      model.pending = new Set();
    }
  }

  /** An access that proceeds. */
  see(page: number, vcpu: number, writes: boolean, isHit = false): void {
    this.settle();
    for (const [client, model] of this.clients) {
      if (!writes && CLIENTS[client].mode === "stores") continue;
      const isFresh = vcpu === DEVICE || this.memory.volatile.flushed[vcpu]! >= model.generation;
      const set = model.armed.has(page) ? model.armed : isFresh ? model.pending : undefined;
      if (!set?.has(page)) continue;
      if (!CLIENTS[client].keeps) set.delete(page);
      model.dirty.add(page);
      isHit = true;
    }
    if (!isHit) return;
    this.small.add(Math.floor(page / GRANULARITIES["2MiB"]));
    this.smallest.add(Math.floor(page / GRANULARITIES["1GiB"]));
  }

  access(each: Extract<Step, { do: "store" | "load" }>): void {
    if (this.held !== undefined) return;
    const { memory } = this;
    const writes = each.do === "store";
    const stamps = stampsOf(memory);
    if (this.bug === "stale entry" && writes && !this.absent.has(each.place)) {
      this.see(each.place, each.vcpu, true);
      this.content.set(each.place, takeStamps(memory, 1));
      return stamps.set(each.place, this.content.get(each.place)!);
    }
    new Tracer(memory).access(each.place, each.vcpu, writes);
    expect(memory.volatile.held !== null).toBe(this.absent.has(each.place));
    if (memory.volatile.held !== null) return void (this.held = each);
    this.see(each.place, each.vcpu, writes);
    if (!writes) return expect(stamps.get(each.place)).toBe(this.content.get(each.place));
    this.content.set(each.place, takeStamps(memory, 1));
    stamps.set(each.place, this.content.get(each.place)!);
  }

  /** The held access goes on when its page is there. */
  goOn(): void {
    const { held, memory } = this;
    if (held === undefined || this.absent.has(held.place)) return;
    releaseAccess(memory);
    memory.edit().released = null;
    this.held = undefined;
    this.access(held);
  }

  /** What a file has of a page. */
  saving(page: number): ContentRun {
    const saved = this.saved.get(page)!;
    const { number } = this.memory.config;
    const stamp = this.hidden.has(page) ? cipherStamp(number, saved) : saved;
    return { kind: "stamp", sectors: PAGE_SECTORS, stamp };
  }

  take(each: Step): void {
    const { memory } = this;
    switch (each.do) {
      case "store":
      case "load":
        return this.access(each);
      case "device": {
        this.see(each.place, DEVICE, true, this.absent.has(each.place));
        writePages(memory, DEVICE, each.place, 1);
        this.content.set(each.place, stampsOf(memory).get(each.place));
        this.absent.delete(each.place);
        if (this.bug === "lost mark") clientBitmap(memory, "copier", "dirty").delete(each.place);
        return this.goOn();
      }
      case "fill": {
        if (clientOf(memory, "absent") === undefined) return;
        const places = [0, 1, 2].map((at) => each.place + at).slice(0, each.most);
        const come = places.filter((_, at) =>
          places.slice(0, at + 1).every((page) => this.saved.has(page)),
        );
        const runs = come.map((page) => this.saving(page));
        const { keptPages } = fillAbsent(
          memory,
          "absent",
          each.place,
          runs,
          this.bug === "overwrites",
        );
        const kept = come.filter((page) => !this.absent.has(page));
        if (this.bug === "none") expect(keptPages).toBe(kept.length);
        for (const page of come) this.absent.delete(page);
        return this.goOn();
      }
      case "trace":
        return this.trace(each.name, each.by);
      case "take": {
        const client = clientOf(memory, each.name);
        if (client === undefined || client.pending !== null) return;
        this.settle();
        const model = this.clients.get(each.name)!;
        model.pending = new Set(model.dirty);
        model.dirty.clear();
        takeDirty(memory, each.name, each.by, null);
        model.generation = memory.volatile.generation;
        return;
      }
      case "remove":
        this.clients.delete(each.name);
        return removeTraces(memory, each.name);
      case "hide":
        this.hidden[each.on ? "add" : "delete"](each.place);
        return setPrivate(memory, each.place, 1, each.on);
      case "wait":
        return void this.world.world.run({ untilNs: this.world.world.timeNs + each.ns });
      case "replace": {
        if (this.held !== undefined) return;
        this.isReplaced = true;
        for (const page of PLACES) this.content.set(page, takeStamps(memory, 1));
        for (const [page, stamp] of this.content) stampsOf(memory).set(page, stamp);
        memoryReplaced(memory);
        this.absent.clear();
        for (const { dirty } of this.clients.values()) for (const page of PLACES) dirty.add(page);
      }
    }
  }

  trace(client: Name, by: TraceWish["by"]): void {
    const { memory } = this;
    if (this.clients.has(client)) return;
    const ranges = PLACES.map((page) => ({ page, pages: 1 }));
    setTraces(memory, { ...CLIENTS[client], client, by, ranges }, null);
    const { generation } = memory.volatile;
    const [armed, dirty, pending] = [new Set<number>(), new Set<number>(), new Set<number>(PLACES)];
    this.clients.set(client, { armed, dirty, pending, generation });
    if (this.bug !== "early") return;
    clientBitmap(memory, client, "armed").addAll(clientBitmap(memory, client, "pending"));
    clientBitmap(memory, client, "pending").clear();
  }

  compare(): void {
    const { memory } = this;
    this.settle();
    for (const page of PLACES) {
      if (this.absent.has(page)) continue;
      const stamp = this.content.get(page)!;
      expect(stampsOf(memory).get(page), `page ${page}`).toBe(stamp);
      const [shown] = readPages(memory, page, 1);
      const isHidden = this.hidden.has(page);
      const outside = isHidden ? cipherStamp(memory.config.number, stamp) : stamp;
      expect(shown).toMatchObject({ kind: "stamp", stamp: outside });
    }
    for (const [client, model] of this.clients) {
      for (const which of ["armed", "dirty", "pending"] as const) {
        const bitmap = clientBitmap(memory, client, which);
        const marked = PLACES.filter((page) => bitmap.has(page));
        expect(marked, `${client} ${which}`).toEqual(
          PLACES.filter((page) => model[which].has(page)),
        );
      }
    }
    // Behind a lazy restore entries stay split: its traces are of single pages.
    if (clientOf(memory, "absent") === undefined || this.isReplaced) return;
    for (const at of this.small) expect(splits(memory, "2MiB").has(at)).toBe(true);
    expect(splits(memory, "2MiB").count()).toBe(this.small.size);
    expect(splits(memory, "1GiB").count()).toBe(this.smallest.size);
  }
}

const property = (bug: Bug) =>
  fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (script) => {
    const guest = new Guest(bug);
    for (const each of script) {
      guest.take(each);
      guest.compare();
    }
    guest.world.world.run({ untilNs: guest.world.world.timeNs + MS });
    guest.compare();
  });

describe("memory under several mechanisms at once", () => {
  it("holds what was written last, and its marks are what plain sets say", () => {
    fc.assert(property("none"), { numRuns: 120 });
  });

  it.each(["lost mark", "stale entry", "early", "overwrites"] as const)(
    "canary: %s is found",
    (bug) => {
      const { failed } = fc.check(property(bug), { numRuns: 60, seed: 1, endOnFailure: true });
      expect(failed).toBe(true);
    },
  );
});
