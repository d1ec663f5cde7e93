/**
 * A protected machine, with its host lost after every event of a short run, its backup lost at every
 * few, and each way between them cut: what is seen outside is always what one machine would have put
 * out that was never interrupted. That machine is built alone, from the log that counts.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { OUTPUT_NOTICE } from "../../core/fault-tolerance/index.ts";
import {
  canonicalBytes,
  captureWorld,
  fromMs,
  type Entity,
  hash64,
  hashHex,
  type PlainObject,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import {
  BOUNDARY_NOTICE,
  type BoundaryEntry,
  LoneGuest,
  performOutput,
  vmOf,
  vmRecordOf,
} from "../../core/vmm/index.ts";
import {
  openRecordedRun,
  prepareScenario,
  runScenario,
  type ScenarioBuilder,
} from "../../scenarios/index.ts";
import { MemoryTraceWriter, replayAsync } from "../../traces/index.ts";
import { tellLink } from "../testing/links.ts";
import { PARTITIONS, protectedPair } from "../testing/protected-pair.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** Power-on, boot, and some of its work. */
const TO_NS = fromMs(12);
/** Longer than a failover takes. */
const AFTER_NS = fromMs(18);

type Left = { readonly run: number; readonly number: number; readonly hash: string };
type Seen = { readonly left: Left[]; readonly entries: BoundaryEntry[] };

let builder: ScenarioBuilder;
let world: World;
let seen: Seen;
/** Before the first event, and the number of the last one. */
let image: WorldImage;
let last: number;

beforeAll(() => {
  builder = builderOf(protectedPair());
  world = builder.build({ seed: 3 });
  watch(world);
  image = captureWorld(world);
  world.run({ untilNs: TO_NS });
  last = world.eventCount;
  expect(last).toBeGreaterThan(300);
}, 60_000);

function watch(of: World): void {
  seen = { left: [], entries: [] };
  of.hooks.onNotice = ({ kind, data }) => {
    if (data["vm"] !== "db") return;
    if (kind === OUTPUT_NOTICE) seen.left.push(data as unknown as Left);
    if (kind === BOUNDARY_NOTICE) {
      seen.entries.push(structuredClone(data) as unknown as BoundaryEntry);
    }
  };
}

/** Goes back, up to the event, lets the fault strike, and on to well after it. */
function strikeAfter(event: number, ...strikes: readonly (() => void)[]): void {
  restoreWorld(world, image);
  seen = { left: [], entries: [] };
  world.run({ untilEvent: event });
  for (const strike of strikes) strike();
  world.run({ untilNs: world.timeNs + AFTER_NS });
}

const violations = (): string[] =>
  world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);

/** What one machine puts out that takes the steps which count, as it is seen outside, by run. */
function uninterrupted(): string[][] {
  const runs: string[][] = [[]];
  const lone = new LoneGuest({
    spec: builder.guestSpec("db"),
    kinds: builder.kinds,
    inputs: builder.inputs,
    draws: { at: () => undefined },
  });
  for (const [at, entry] of seen.entries.entries()) {
    expect(entry.step).toBe(at);
    if (entry.input.kind === "start") runs.push([]);
    for (const output of lone.deliver(entry)) {
      if (output.kind === "send" || output.kind === "lifecycle" || output.kind === "halt") {
        runs.at(-1)!.push(hashHex(hash64(canonicalBytes(output))));
      }
    }
  }
  expect(lone.outputs).toEqual(vmRecordOf(world, "db").durable.outputs);
  return runs;
}

/** No gap, no reordering, nothing twice that differs, nothing that the machine never put out. */
function expectOneMachine(what: string): void {
  expect(violations(), what).toEqual([]);
  uninterrupted().forEach((outputs, of) => {
    let next = 0;
    for (const { run, number, hash } of seen.left) {
      if (run !== of) continue;
      expect(number, what).toBeLessThanOrEqual(next);
      expect(hash, what).toBe(outputs[number]);
      next = Math.max(next, number + 1);
    }
  });
}

const crash = (host: string) => () => world.crash(world.registry.domainNamed(host)!, "test");

const cut = (link: string) => () => tellLink(world, link, "cut");

const known = () => vmRecordOf(world, "db").durable;
const hasBegun = (): boolean => known().steps > 0;
const placeOf = (): string => `${known().power} ${known().host}`;

describe("a protected machine", () => {
  it("goes on when its host is lost, at every event", () => {
    let wentOn = 0;
    for (let event = 1; event <= last; event++) {
      strikeAfter(event, crash("alpha"));
      const what = `alpha lost after event ${event}`;
      expectOneMachine(what);
      if (!hasBegun()) continue;
      wentOn++;
      expect(placeOf(), what).toBe("on beta");
    }
    expect(wentOn).toBeGreaterThan(last / 2);
  }, 120_000);

  it("goes on from what the backup has, when the end of the log is lost with the host", () => {
    let lost = 0;
    for (let event = 100; event <= last; event += 4) {
      loseTail(event, () => {});
      const what = `log cut after event ${event}`;
      const { steps } = machine("ft-guard");
      lost += steps! - machine("ft-follower").received!;
      crash("alpha")();
      world.run({ untilNs: world.timeNs + AFTER_NS });
      expectOneMachine(what);
      if (hasBegun()) expect(placeOf(), what).toBe("on beta");
    }
    expect(lost).toBeGreaterThan(500);
  }, 60_000);

  it("goes on alone when its backup is lost", () => {
    for (let event = 1; event <= last; event += 6) {
      strikeAfter(event, crash("beta"));
      const what = `beta lost after event ${event}`;
      expectOneMachine(what);
      if (hasBegun()) expect(placeOf(), what).toBe("on alpha");
    }
  }, 60_000);

  it.each(PARTITIONS)(
    "lives once when %s",
    (_name, links) => {
      for (let event = 2; event <= last; event += 13) {
        strikeAfter(event, ...links.map(cut));
        expectOneMachine(`${links.join()} cut after event ${event}`);
        for (const link of links) tellLink(world, link, "heal");
        world.run({ untilNs: world.timeNs + AFTER_NS });
        expectOneMachine(`${links.join()} cut after event ${event}, and healed`);
      }
    },
    60_000,
  );

  it("waits for the array before it goes on, and lives when that is back", () => {
    for (let event = last - 60; event <= last; event += 20) {
      strikeAfter(event, crash("alpha"), cut("beta--array"));
      const before = seen.left.length;
      world.run({ untilNs: world.timeNs + fromMs(300) });
      expect(seen.left.length).toBe(before);
      tellLink(world, "beta--array", "heal");
      world.run({ untilNs: world.timeNs + fromMs(500) });
      expectOneMachine(`no array after event ${event}`);
      expect(placeOf()).toBe("on beta");
      expect(seen.left.length).toBeGreaterThan(before);
    }
  }, 60_000);

  it("is lost with both hosts, and starts again", () => {
    for (let event = last - 60; event <= last; event += 20) {
      strikeAfter(event, crash("alpha"), crash("beta"));
      expect(placeOf()).toBe("off alpha");
      strikeAfter(event, crash("alpha"));
      crash("beta")();
      for (const host of ["alpha", "beta"]) world.restart(world.registry.domainNamed(host)!);
      world.run({ untilNs: world.timeNs + fromMs(2_200) });
      expectOneMachine(`both lost after event ${event}`);
      expect(known()).toMatchObject({ power: "on", run: 2 });
    }
  }, 60_000);

  it("starts again when the backup dies while it takes over", () => {
    const lost = (steps: number): boolean => {
      restoreWorld(world, image);
      seen = { left: [], entries: [] };
      world.run({ untilEvent: last });
      crash("alpha")();
      world.run({ untilEvent: last + steps });
      return known().host === "alpha";
    };
    for (let steps = 2; lost(steps); steps += 9) {
      crash("beta")();
      for (const host of ["alpha", "beta"]) world.restart(world.registry.domainNamed(host)!);
      const untilNs = world.timeNs + fromMs(4_000);
      const isBack = (): boolean => known().power === "on" && known().run === 2;
      while (world.timeNs < untilNs && !isBack()) {
        world.run({ untilNs: world.timeNs + fromMs(50) });
      }
      expectOneMachine(`beta lost ${steps} events after alpha`);
      expect(isBack(), `${steps} events after alpha`).toBe(true);
    }
  }, 60_000);

  it("is noticed when output leaves before the backup has what led to it (canary)", () => {
    const found = new Set<string>();
    for (let event = last - 90; event <= last; event += 3) {
      loseTail(event, acknowledgeAll);
      crash("alpha")();
      world.run({ untilNs: world.timeNs + AFTER_NS });
      for (const { invariant } of world.checker.violations) found.add(invariant);
    }
    expect(found).toContain("output leaves after the backup has acknowledged all before it");
    expect(found).toContain("a backup can go on from what was seen outside");
  }, 60_000);

  it("is noticed when the disk is written before that (canary)", () => {
    const found = new Set<string>();
    for (let event = 100; event <= last && found.size === 0; event += 4) {
      loseTail(event, writeAll);
      crash("alpha")();
      world.run({ untilNs: world.timeNs + AFTER_NS });
      for (const { invariant } of world.checker.violations) found.add(invariant);
    }
    expect(found).toContain("a guest reads what it wrote");
  }, 60_000);
});

describe("a pair", () => {
  const powerOff = (atMs: number) => ({ id: "off", atMs, do: "power-off" as const, vm: "db" });

  it("leaves nothing behind when its machine is powered off, before a failover or after", () => {
    for (const faults of [[], [{ kind: "crash" as const, domain: "alpha", atMs: 10 }]]) {
      const of = builderOf(protectedPair({ faults, timeline: [powerOff(60)] })).build({ seed: 4 });
      of.run({ untilNs: fromMs(90) });
      expect(of.checker.violations).toEqual([]);
      expect(vmRecordOf(of, "db").durable).toMatchObject({ power: "off", ended: "power-off" });
      const kinds = [...of.entities()].map(({ kind }) => kind);
      expect(kinds.filter((kind) => /^(ft-guard|ft-follower|vm)$/.test(kind))).toEqual(["vm"]);
      const beta = of.named("beta").volatile as unknown as { readonly reservedMiB: object };
      expect(beta.reservedMiB).toEqual({});
    }
  });

  /** Of a pair whose log goes over a line that is too slow for it. */
  const largestLagNs = (maxLagMs: number): number => {
    const document = protectedPair();
    const links = document.links!.map((each) =>
      each.id === "logging" ? { ...each, bandwidthMbps: 8 } : each,
    );
    const [db, client] = document.vms!;
    const protection = { ...db!.protection!, maxLagMs, timeoutMs: 1_000 };
    const vms = [{ ...db!, protection }, client!];
    const of = builderOf({ ...document, links, vms }).build({ seed: 4 });
    let largestNs = 0;
    of.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "metric" || data["series"] !== "lag-ns") return;
      largestNs = Math.max(largestNs, data["max"] as number);
    };
    of.run({ untilNs: fromMs(400) });
    of.finish();
    expect(of.checker.violations).toEqual([]);
    expect(vmRecordOf(of, "db").durable.steps).toBeGreaterThan(100);
    return largestNs;
  };

  it("waits while its backup is too far behind, and no longer", () => {
    const [bounded, free] = [largestLagNs(10), largestLagNs(10_000)];
    expect(bounded).toBeGreaterThan(fromMs(10));
    expect(bounded).toBeLessThan(fromMs(70));
    expect(free).toBeGreaterThan(fromMs(150));
  });
});

describe("a failover", () => {
  const toItsEnd = (of: World, stops: readonly number[], between: () => void): string => {
    for (const stop of stops) {
      of.run({ untilEvent: stop });
      between();
    }
    of.run({ untilNs: fromMs(40) });
    of.finish();
    return hashHex(of.root());
  };
  const faults = [{ kind: "crash" as const, domain: "alpha", atMs: 13 }];
  const fresh = (): World => builderOf(protectedPair({ faults })).build({ seed: 3 });

  it("has one root over repeats, snapshots and restores at any event", () => {
    const straight = fresh();
    const root = toItsEnd(straight, [], () => {});
    const last = straight.eventCount;
    expect(last).toBeGreaterThan(1_000);
    expect(toItsEnd(fresh(), [], () => {})).toBe(root);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: last }), { maxLength: 5 }), (stops) => {
        const of = fresh();
        const inOrder = [...stops].sort((a, b) => a - b);
        const between = (): void => {
          const kept = captureWorld(of);
          of.run({ untilEvent: of.eventCount + 40 });
          restoreWorld(of, kept);
        };
        expect(toItsEnd(of, inOrder, between)).toBe(root);
      }),
      { numRuns: 6 },
    );
  }, 60_000);

  it("is replayed from its trace, as told by its scenario", async () => {
    const settings = ["/durationMs=700"];
    const prepared = await prepareScenario("scenarios/fault-tolerant.ts", { settings });
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    let writer: MemoryTraceWriter | undefined;
    const run = await runScenario(prepared.scenario, {
      entropy: "seed",
      log: "full",
      untilNs: fromMs(700),
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
    });
    const opened = await openRecordedRun(writer!.bytes());
    if (!opened.ok) throw new Error(opened.message);
    const options = { sameCode: opened.sameCode };
    const again = await replayAsync(opened.run, opened.builder, options);
    expect(again).toMatchObject({ verified: true, root: run.root });
  }, 60_000);
});

/** The way of the log is cut after the event, and the primary goes on for a while. */
function loseTail(event: number, each: () => void): void {
  restoreWorld(world, image);
  seen = { left: [], entries: [] };
  world.run({ untilEvent: event });
  cut("logging")();
  const untilNs = world.timeNs + fromMs(3);
  while (world.timeNs < untilNs) {
    world.run({ untilEvent: world.eventCount + 1 });
    each();
  }
}

type Guard = Entity<
  PlainObject,
  PlainObject,
  { readonly held: readonly { readonly number: number; readonly output: PlainObject }[] }
>;

const entityOf = (kind: string) => [...world.entities()].find((each) => each.kind === kind)!;

const machine = (kind: string) =>
  entityOf(kind).volatile as { readonly steps?: number; readonly received?: number };

/** What the disk is to be asked is not held. */
function writeAll(): void {
  const guard = entityOf("ft-guard") as unknown as Guard;
  const run = vmOf(vmRecordOf(world, "db"));
  const writes = guard.volatile.held.filter(({ number }) => number < 0);
  if (run === undefined || writes.length === 0) return;
  guard.edit().held = guard.volatile.held.filter(({ number }) => number >= 0) as never;
  for (const { output } of writes) performOutput(run, output as never);
}

/** As if the backup had everything that was sent to it. */
function acknowledgeAll(): void {
  const body = { received: machine("ft-guard").steps!, behindNs: 0 };
  const request = { from: -1, askId: 0, delivery: "stream", via: -1, body };
  world.call(entityOf("ft-guard"), "acknowledged", request as never);
}
