/**
 * Machines that their host stops at integrity alerts: each stands at the write that raised one, with
 * nothing behind it done, and goes on when it is let go, whatever came in between.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  encodeImage,
  type Entity,
  MS,
  restoreWorld,
} from "../../kernel/index.ts";
import { integrity } from "../../guest/index.ts";
import { memoryOf } from "../pages/guest-memory.ts";
import { stampsOf } from "../pages/memory-state.ts";
import { machineWorld, type MachineWorldOptions } from "../rv64/testing/index.ts";
import { smallWorld, type SmallWorld } from "../testing/small-world.ts";
import type { VmEntity } from "../vm-state.ts";
import { vmOf } from "../vmm.ts";
import { perhapsLater } from "./stores.ts";

const PAGES = 64;
const DATA = { page: 6, pages: 3 };
const VIOLATING = (page: number): boolean => page >= 4 && page < 12;

const REQUEST = { from: -1, askId: 0, delivery: "stream", via: -1, body: {} };
const ask = (vm: VmEntity, verb: "stun" | "unstun" | "unpause"): void =>
  vm.world.call(vm as unknown as Entity, verb, REQUEST as never);

/** A modelled guest whose driver protects pages 4 to 11, and that does nothing by itself. */
function quiet(seed: number): { readonly make: () => SmallWorld; readonly built: SmallWorld } {
  const make = (): SmallWorld =>
    smallWorld({ seed, kind: "capture", vcpus: 2, stopsAtAlerts: true });
  const built = make();
  const vm = built.start(built.records[0]!, 0)!;
  built.world.run({ untilNs: 2 * MS });
  const wish = { entry: 4 * 4_096, code: { page: 4, pages: 2 }, data: DATA };
  const made = integrity.registerDriver(undefined, wish, { memoryPages: PAGES, vcpus: 2 });
  if (!made.ok) throw new Error(made.message);
  const state = vm.edit();
  const registered = [{ page: 9, pages: 3 }];
  state.guest.integrity = { ...structuredClone(made.state), registered } as never;
  state.guest.stage = "booting";
  for (const { handle } of Object.values(state.timers)) built.world.queue.cancel(handle);
  state.timers = {};
  const second = integrity.secondStageOf(vm.volatile.guest.integrity!);
  perhapsLater(memoryOf(vm), { kind: "tables", second });
  return { make, built };
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("store" as const),
      by: fc.constantFrom(-1, 0, 1),
      page: fc.nat(14),
      pages: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("unpause" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("stun" as const, "unstun" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("save" as const) }) },
);

/** Pages in the order in which they are written, and how many have been. */
class PlainMachine {
  readonly writes: { readonly by: number; readonly page: number }[] = [];
  done = 0;
  stuns = 0;
  stands = false;
  alerts: string[] = [];

  goOn(): void {
    while (this.stuns === 0 && !this.stands && this.done < this.writes.length) {
      const { by, page } = this.writes[this.done++]!;
      if (!VIOLATING(page)) continue;
      this.alerts.push(`${by} ${page}`);
      this.stands = true;
    }
  }
}

/** What has been written since the beginning: how often each page changed. */
function written(built: SmallWorld, before: Map<number, number>, counts: number[]): void {
  const stamps = stampsOf(memoryOf(vmOf(built.records[0]!)!));
  for (let page = 0; page < 20; page++) {
    if (before.get(page) !== stamps.get(page)) counts[page]!++;
    before.set(page, stamps.get(page));
  }
}

type Script = readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[];

/** Returns alerts and violations; a canary lets the machine go on by itself. */
function play(seed: number, script: Script, isCanary = false) {
  const { make, built: first } = quiet(seed);
  let built = first;
  const alerts: string[] = [];
  const model = new PlainMachine();
  const listen = (): void => {
    built.world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "integrity-alert")
        alerts.push(`${data["vcpu"] as number} ${data["page"] as number}`);
    };
  };
  listen();
  const vm = (): VmEntity => vmOf(built.records[0]!)!;
  for (const each of script) {
    if (each.do === "store") {
      const { by, page, pages } = each;
      for (let at = page; at < page + pages; at++) model.writes.push({ by, page: at });
      perhapsLater(memoryOf(vm()), { kind: "store", by, page, pages });
    } else if (each.do === "unpause") {
      model.stands = false;
      ask(vm(), "unpause");
    } else if (each.do === "save") {
      const { world } = built;
      const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
      built = make();
      restoreWorld(built.world, decodeImage(built.world, delta, undefined));
      listen();
    } else {
      model.stuns = Math.max(0, model.stuns + (each.do === "stun" ? 1 : -1));
      ask(vm(), each.do);
    }
    if (isCanary && vm().volatile.standsAt !== undefined) vm().edit().stuns--;
    model.goOn();
    expect(vm().volatile.stuns > 0 || isCanary).toBe(model.stuns > 0 || model.stands || isCanary);
  }
  built.world.finish();
  return { alerts, model, violations: built.findings() };
}

describe("a modelled machine that stands still at alerts", () => {
  it("does one write after the other, up to the one that raised an alert", () => {
    let stops = 0;
    fc.assert(
      fc.property(fc.nat(20), fc.array(step, { minLength: 4, maxLength: 40 }), (seed, script) => {
        const { alerts, model, violations } = play(seed, script);
        expect(alerts).toEqual(model.alerts);
        expect(violations).toEqual([]);
        stops += alerts.length;
      }),
      { numRuns: 60 },
    );
    expect(stops).toBeGreaterThan(60);
  });

  it("leaves what is behind the write undone until it is let go", () => {
    const { built } = quiet(3);
    const vm = vmOf(built.records[0]!)!;
    const counts = new Array<number>(20).fill(0);
    const before = new Map<number, number>();
    written(built, before, counts);
    counts.fill(0);
    perhapsLater(memoryOf(vm), { kind: "store", by: 0, page: 8, pages: 3 });
    perhapsLater(memoryOf(vm), { kind: "store", by: 1, page: 13, pages: 1 });
    const stages = [[8], [8, 9], [8, 9, 10], [8, 9, 10, 13]];
    for (const expected of stages) {
      written(built, before, counts);
      expect(counts.flatMap((count, page) => (count === 1 ? [page] : []))).toEqual(expected);
      expect(vm.volatile.stuns).toBe(expected.includes(13) ? 0 : 1);
      ask(vm, "unstun");
      ask(vm, "unpause");
    }
  });

  it("canary: a machine that goes on by itself is found", () => {
    const store = { do: "store", by: 0, page: 4, pages: 1 } as const;
    const script: Script = [store, { do: "stun" }, { do: "unstun" }, { do: "unpause" }];
    expect(play(1, script).violations).toEqual([]);
    const { violations } = play(1, script, true);
    expect(violations).toContain("a machine that is stopped at an alert stands still");
  });
});

const OPTIONS: MachineWorldOptions = {
  machines: [{ id: "m1", program: "guard/guard", host: 0, harts: 2, firmware: true, disk: true }],
};

/** The sample attacks itself in every way it knows, and says at its end how often. */
function runGuard(options: Partial<MachineWorldOptions>, goOnAfterNs: number, saves = false) {
  const alerts: string[] = [];
  const stops: number[] = [];
  const begin = () => {
    const made = machineWorld({ ...OPTIONS, ...options });
    const before = made.world.hooks.onNotice!;
    made.world.hooks.onNotice = (notice) => {
      before(notice);
      if (notice.kind !== "integrity-alert") return;
      const { what, vcpu, page, table, holds } = notice.data;
      alerts.push(JSON.stringify({ what, vcpu, page, table, holds }));
    };
    return made;
  };
  let built = begin();
  built.start(0);
  let shown = "";
  for (let turn = 0; turn < 200; turn++) {
    built.world.run({ untilNs: built.world.timeNs + goOnAfterNs });
    const vm = vmOf(built.records[0]!);
    if (vm === undefined) break;
    if (saves) {
      const { world } = built;
      const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
      shown += built.consoles["m1"]!.join("");
      built = begin();
      restoreWorld(built.world, decodeImage(built.world, delta, undefined));
    }
    const now = vmOf(built.records[0]!)!;
    if (now.volatile.standsAt === undefined) continue;
    stops.push(alerts.length);
    ask(now, "unpause");
  }
  built.world.finish();
  shown += built.consoles["m1"]!.join("");
  const violations = built.world.checker.violations.map(({ invariant }) => invariant);
  return { alerts, stops, shown, violations };
}

describe("a real machine that stands still at alerts", () => {
  const straight = runGuard({}, 2_500_000);

  it("stops at each instruction that raised one, and is otherwise as ever", () => {
    const stopped = runGuard({ stopsAtAlerts: true }, 60_000);
    expect(stopped.violations).toEqual([]);
    expect(stopped.alerts).toEqual(straight.alerts);
    expect(stopped.shown).toBe(straight.shown);
    // One stop for each: alerts of one instant are one.
    expect(new Set(stopped.stops).size).toBe(stopped.stops.length);
    expect(stopped.stops.length).toBeGreaterThan(straight.alerts.length - 4);
  });

  it("stands where it stood when the world is saved meanwhile", () => {
    const saved = runGuard({ stopsAtAlerts: true }, 60_000, true);
    expect(saved.violations).toEqual([]);
    expect(saved.alerts).toEqual(straight.alerts);
    expect(saved.shown).toBe(straight.shown);
  });
});
