/** Guest integrity of modelled guests: alerts are what a plain model says, whatever comes in between. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  component,
  decodeImage,
  type Editable,
  encodeImage,
  type Entity,
  MS,
  restoreWorld,
} from "../../kernel/index.ts";
import { integrity } from "../../guest/index.ts";
import { setTraces } from "../pages/clients.ts";
import { memoryOf } from "../pages/guest-memory.ts";
import { holdAccess, releaseAccess } from "../pages/held.ts";
import { clientBitmap, type MemoryEntity, stampsOf } from "../pages/memory-state.ts";
import { DEVICE, type TraceHit } from "../pages/tracer.ts";
import { smallWorld, type SmallWorld } from "../testing/small-world.ts";
import { vmOf } from "../vmm.ts";
import type { VmEntity } from "../vm-state.ts";
import { tellCall } from "./alerts.ts";
import { goOnStoring, perhapsLater } from "./stores.ts";

const PAGES = 64;
const VCPUS = 3;
const CODE = { page: 4, pages: 2 };
const DATA = { page: 6, pages: 3 };
const ENTRY = CODE.page * 4_096;

/** Holds the first access of a vCPU to each page that it traces. */
const holder = component<Record<string, never>, Record<string, never>, Record<string, never>>({
  kind: "test-holder",
  handlers: {
    "trace-hit": (self, hit: TraceHit) => {
      const memory = self.world.entity(hit.memory) as unknown as MemoryEntity;
      if (hit.vcpu === DEVICE) clientBitmap(memory, hit.client, "armed").delete(hit.page);
      else holdAccess(memory, hit);
    },
    "access-held": () => {},
  },
});

const vcpu = fc.nat(VCPUS - 1);
const page = fc.nat(15);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant("enter" as const), vcpu, fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("leave" as const), vcpu) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("interrupt" as const), vcpu) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("return" as const), vcpu) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("protect" as const), vcpu, page) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("unprotect" as const), vcpu, page) },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constant("store" as const), fc.integer({ min: -1, max: 2 }), page),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant("hold" as const), page) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("release" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("stun" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("save" as const)) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The rules over sets; nothing of the machine is read. */
class PlainRules {
  readonly registered = new Set<number>();
  readonly active: boolean[] = new Array(VCPUS).fill(false);
  readonly frames: number[] = new Array(VCPUS).fill(0);
  readonly alerts: string[] = [];

  store(by: number, at: number): void {
    const isData = at >= 6 && at < 9;
    const isTraced = isData || at === 4 || at === 5 || this.registered.has(at);
    if (!isTraced || (by >= 0 && this.active[by]! && isData)) return;
    this.alerts.push(`write ${by} ${at}`);
  }
}

class Rig {
  built: SmallWorld;
  readonly alerts: string[] = [];
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.built = this.#make();
    const vm = this.built.start(this.built.records[0]!, 0)!;
    this.built.world.run({ untilNs: 2 * MS });
    this.built.world.spawn(holder, {}, { domain: vm.domain, name: "holder" });
    const made = integrity.registerDriver(
      undefined,
      { entry: ENTRY, code: CODE, data: DATA },
      { memoryPages: PAGES, vcpus: VCPUS },
    );
    if (!made.ok) throw new Error(made.message);
    vm.edit().guest.integrity = made.state as never;
    // Its own work ends here: what it does is up to the script.
    const state = vm.edit();
    state.guest.stage = "booting";
    for (const { handle } of Object.values(state.timers)) this.built.world.queue.cancel(handle);
    state.timers = {};
    memoryOf(vm);
    this.tell();
  }

  #make(): SmallWorld {
    const built = smallWorld({ seed: this.#seed, kind: "capture", vcpus: VCPUS });
    built.world.register(holder as never);
    built.world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "integrity-alert") return;
      const { what, vcpu: by, page: at } = data;
      this.alerts.push(
        what === "write"
          ? `write ${by as number} ${at as number}`
          : `${what as string} ${by as number}`,
      );
    };
    return built;
  }

  get vm(): VmEntity {
    return vmOf(this.built.records[0]!)!;
  }

  get memory(): MemoryEntity {
    return memoryOf(this.vm);
  }

  get unit(): Editable<integrity.IntegrityState> {
    return this.vm.edit().guest.integrity!;
  }

  tell(): void {
    const second = structuredClone(integrity.secondStageOf(this.unit));
    perhapsLater(this.memory, { kind: "tables", second });
  }

  answered(by: number, answer: integrity.IntegrityAnswer): boolean {
    if (answer.ok) this.tell();
    else if (answer.offence !== undefined) {
      tellCall(this.vm, { what: "offence", offence: answer.offence, vcpu: by, message: "" });
    }
    return answer.ok;
  }

  store(by: number, at: number): void {
    perhapsLater(this.memory, { kind: "store", by, page: at, pages: 1 });
  }

  /** Everything that is held is let go. */
  release(): void {
    const { memory, vm } = this;
    for (let turn = 0; turn < 20; turn++) {
      releaseAccess(memory);
      const { clients } = memory.volatile;
      if (clients.some(({ name }) => name === "holder")) {
        clientBitmap(memory, "holder", "armed").clear();
      }
      vm.edit().stuns = 0;
      goOnStoring(memory);
      if (memory.volatile.stores === undefined) return;
    }
  }

  save(): void {
    const { world } = this.built;
    const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
    const next = this.#make();
    restoreWorld(next.world, decodeImage(next.world, delta, undefined));
    this.built = next;
  }
}

const FRAME = { at: ENTRY + 8, address: "", registers: "" };

function take(rig: Rig, rules: PlainRules, each: Step): void {
  const { unit } = rig;
  switch (each[0]) {
    case "enter": {
      const [, by, isForged] = each;
      const from = isForged ? ENTRY + 4 : ENTRY;
      if (rig.answered(by, integrity.enterIntegrity(unit, by, from))) rules.active[by] = true;
      if (isForged) rules.alerts.push(`forged-entry ${by}`);
      return;
    }
    case "leave": {
      const [, by] = each;
      rig.answered(by, integrity.leaveIntegrity(unit, by));
      rules.active[by] = false;
      return;
    }
    case "interrupt": {
      const [, by] = each;
      if (!rules.active[by]) return;
      integrity.interruptIntegrity(unit, by, FRAME);
      rules.active[by] = false;
      rules.frames[by]!++;
      return rig.tell();
    }
    case "return": {
      const [, by] = each;
      const isBack = integrity.resumeIntegrity(unit, by, FRAME);
      expect(isBack).toBe(!rules.active[by] && rules.frames[by]! > 0);
      expect(integrity.resumeIntegrity(unit, by, { ...FRAME, registers: "others" })).toBe(false);
      if (!isBack) return;
      rules.active[by] = true;
      rules.frames[by]!--;
      return rig.tell();
    }
    case "protect":
    case "unprotect": {
      const [what, by, at] = each;
      const range = { page: at, pages: 1 };
      const isIn = rules.active[by]!;
      const isProtect = what === "protect";
      const answer = isProtect
        ? integrity.protectPages(unit, by, range, PAGES)
        : integrity.unprotectPages(unit, by, range);
      rig.answered(by, answer);
      if (!isIn) return void rules.alerts.push(`${what}-outside ${by}`);
      if (!isProtect) return void rules.registered.delete(at);
      if (at < 6 || at > 8) rules.registered.add(at);
      return;
    }
    case "store":
      rules.store(each[1], each[2]);
      return rig.store(each[1], each[2]);
    case "hold": {
      const { memory } = rig;
      const range = { page: each[1], pages: 3 };
      if (memory.volatile.clients.some(({ name }) => name === "holder")) return;
      const wish = { client: "holder", mode: "accesses", granularity: "4KiB", by: "all" } as const;
      const owner = (rig.built.world.named("holder") as Entity).id;
      setTraces(memory, { ...wish, priority: 100, owner, ranges: [range] }, null);
      return void rig.built.world.run({ untilNs: rig.built.world.timeNs + MS });
    }
    case "release":
      return rig.release();
    case "stun":
      rig.vm.edit().stuns = 1;
      return;
    case "save":
      return rig.save();
  }
}

const offences = (alerts: readonly string[]): string[] =>
  alerts.filter((a) => !a.startsWith("write"));
const writes = (alerts: readonly string[]): string[] => alerts.filter((a) => a.startsWith("write"));

describe("guest integrity", () => {
  it("alerts exactly once for every violating write, and for no other, whatever comes between", () => {
    let held = 0;
    fc.assert(
      fc.property(fc.nat(50), fc.array(step, { minLength: 10, maxLength: 90 }), (seed, script) => {
        const rig = new Rig(seed);
        const rules = new PlainRules();
        for (const each of script) {
          take(rig, rules, each);
          if (rig.memory.volatile.held !== null) held++;
        }
        rig.release();
        expect(rig.memory.volatile.stores).toBeUndefined();
        expect(writes(rig.alerts)).toEqual(writes(rules.alerts));
        expect(offences(rig.alerts)).toEqual(offences(rules.alerts));
        rig.built.world.finish();
        expect(rig.built.world.checker.violations.map((v) => v.message)).toEqual([]);
      }),
      { numRuns: 120 },
    );
    expect(held).toBeGreaterThan(20);
  });

  it("refuses what is outside memory and an entry point that is not protected, and changes nothing", () => {
    const machine = { memoryPages: PAGES, vcpus: VCPUS };
    const wish = { entry: ENTRY, code: CODE, data: DATA };
    const bad = (over: object) =>
      integrity.registerDriver(undefined, { ...wish, ...over }, machine);
    expect(bad({ entry: 0 })).toMatchObject({ code: "bad-entry" });
    expect(bad({ code: { page: 63, pages: 2 } })).toMatchObject({ code: "outside-memory" });
    expect(bad({ data: { page: 5, pages: 1 } })).toMatchObject({ code: "overlap" });
    const rig = new Rig(1);
    const { unit } = rig;
    expect(integrity.registerDriver(unit as never, wish, machine)).toMatchObject({ code: "known" });
    integrity.enterIntegrity(unit, 0, ENTRY);
    const before = structuredClone(unit);
    for (const range of [
      { page: PAGES, pages: 1 },
      { page: -1, pages: 1 },
      { page: 10, pages: 0 },
      { page: 10, pages: PAGES },
    ]) {
      const answer = integrity.protectPages(unit, 0, range, PAGES);
      expect(answer).toMatchObject({ ok: false, code: "outside-memory" });
    }
    expect(integrity.unprotectPages(unit, 0, { page: 20, pages: 1 })).toMatchObject({ ok: false });
    expect(structuredClone(unit)).toEqual(before);
  });

  it("canary: a mode that survives an interrupt, a TLB that is not flushed, unchecked DMA are found", () => {
    for (const bug of ["none", "interrupt", "tlb", "dma"] as const) {
      const rig = new Rig(3);
      const rules = new PlainRules();
      const settle = (): void => void rig.built.world.run({ untilNs: rig.built.world.timeNs + MS });
      take(rig, rules, ["enter", 1, false]);
      take(rig, rules, ["store", 1, 7]);
      settle();
      if (bug === "interrupt") {
        integrity.interruptIntegrity(rig.unit, 1, FRAME);
        rules.active[1] = false;
      } else take(rig, rules, ["interrupt", 1]);
      if (bug === "tlb") rig.memory.edit().tables!.cached[1] = [7];
      take(rig, rules, ["store", 1, 7]);
      if (bug === "dma") stampsOf(rig.memory).set(8, 800);
      else take(rig, rules, ["store", -1, 8]);
      rig.memory.edit();
      settle();
      rig.built.world.finish();
      const isWrong = JSON.stringify(rig.alerts) !== JSON.stringify(rules.alerts);
      expect(rig.built.findings().length > 0, bug).toBe(bug !== "none");
      if (bug === "interrupt" || bug === "tlb") expect(isWrong, bug).toBe(true);
      if (bug === "none") expect(isWrong).toBe(false);
    }
  });
});
