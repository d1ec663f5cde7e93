/**
 * A real guest with an integrity driver and all that attack it (samples/guard): alerts are what it says
 * itself that it did, in both engines, however the machine is run and wherever it is saved.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, decodeImage, encodeImage, restoreWorld } from "../../kernel/index.ts";
import { knownMemory } from "../pages/memory-state.ts";
import {
  type MachineWorld,
  machineWorld,
  type MachineWorldOptions,
} from "../rv64/testing/index.ts";
import { vmOf } from "../vmm.ts";

const OPTIONS: MachineWorldOptions = {
  machines: [{ id: "m1", program: "guard/guard", host: 0, harts: 2, firmware: true, disk: true }],
};
const END_NS = 2_500_000;

/** Each alert as text; calls have no page. */
function listen(built: MachineWorld, alerts: string[]): void {
  const before = built.world.hooks.onNotice!;
  built.world.hooks.onNotice = (notice) => {
    before(notice);
    if (notice.kind === "integrity-alert") alerts.push(JSON.stringify(notice.data));
  };
}

function begin(options: Partial<MachineWorldOptions>, alerts: string[]): MachineWorld {
  const built = machineWorld({ ...OPTIONS, ...options });
  listen(built, alerts);
  return built;
}

function runThrough(options: Partial<MachineWorldOptions> = {}) {
  const alerts: string[] = [];
  const built = begin(options, alerts);
  built.start(0);
  built.world.run({ untilNs: END_NS });
  built.world.finish();
  return { alerts, built, root: built.world.root(), shown: built.consoles["m1"]!.join("") };
}

const counted = (shown: string, what: string): number =>
  Number(new RegExp(`^${what} (\\d+)$`, "m").exec(shown)?.[1]);

describe("integrity driver of a real guest", () => {
  const straight = runThrough();
  const parsed = straight.alerts.map((each) => JSON.parse(each) as Record<string, unknown>);
  const writes = parsed.filter(({ what }) => what === "write");

  it("has every violating write told once, and no other", () => {
    const { shown, built } = straight;
    expect(built.world.checker.violations).toEqual([]);
    expect(counted(shown, "interrupted")).toBe(2);
    expect(writes.length).toBe(counted(shown, "writes"));
    expect(parsed.length - writes.length).toBe(counted(shown, "calls"));
    expect(counted(shown, "writes")).toBeGreaterThan(12);
    const kinds = new Set(writes.map(({ vcpu, table, holds }) => `${vcpu} ${table} ${holds}`));
    for (const kind of ["0 1 data", "0 1 code", "0 2 registered", "1 1 data", "-1 1 registered"]) {
      expect(kinds, kind).toContain(kind);
    }
  });

  it("is the same in the other engine, and however the machine is cut into slices", () => {
    const reference = runThrough({ engine: "reference", slice: 20_000 });
    expect(reference.alerts).toEqual(straight.alerts);
    expect(reference.root).toBe(straight.root);
    const slices = runThrough({ slice: 1_009 });
    expect(slices.alerts).toEqual(straight.alerts);
    expect(slices.root).toBe(straight.root);
  });

  it("loses nothing and repeats nothing where the world is saved and goes on", () => {
    const alerts: string[] = [];
    let built = begin({}, alerts);
    built.start(0);
    for (let atNs = 150_000; atNs < END_NS; atNs += 150_000) {
      built.world.run({ untilNs: atNs });
      const delta = structuredClone(encodeImage(built.world, captureWorld(built.world), undefined));
      built = begin({}, alerts);
      restoreWorld(built.world, decodeImage(built.world, delta, undefined));
    }
    built.world.run({ untilNs: END_NS });
    built.world.finish();
    expect(alerts).toEqual(straight.alerts);
    expect(built.world.root()).toBe(straight.root);
  });

  it("canary: entries of table 2 that stay in the TLB let writes pass, and that is found", () => {
    const alerts: string[] = [];
    const built = begin({}, alerts);
    built.start(0);
    for (let atNs = 0; atNs < END_NS; atNs += 20_000) {
      built.world.run({ untilNs: atNs });
      const vm = vmOf(built.records[0]!);
      const memory = vm === undefined ? undefined : knownMemory(vm);
      if (memory?.volatile.tables === undefined) continue;
      memory.edit().tables!.cached[0] = [memory.volatile.tables.data.page];
    }
    const found = new Set(built.world.checker.violations.map(({ invariant }) => invariant));
    expect(found).toContain("no vCPU sees another's table");
    expect(alerts.length).toBeLessThan(straight.alerts.length);
  });
});
