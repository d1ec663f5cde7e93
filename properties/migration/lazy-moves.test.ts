/**
 * Machines that are moved while their restore is still lazy: absent pages are not sent, the destination
 * brings them from their file by itself. That what is absent is so at both hosts, and that each page is
 * what it was, is checked by core/migration and core/checkpoints.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  crashPoints,
  intentsOf,
  isRunning,
  onceEach,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { tellLink } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import { documentOf, type Entries, run, SMALL } from "../testing/saved-memory.ts";

const SLEEP = { ...SMALL, id: "sleep", atMs: 60, do: "suspend", vm: "db", on: "array" };
const WAKE = { id: "wake", after: "sleep.complete", do: "resume", vm: "db", on: "array" };
const MOVE = { after: "wake.goesOn", delayMs: 3, do: "migrate", vm: "db" };

/** Suspended, resumed lazily, and moved soon after. */
function lazyMove(move: object = {}, wake: object = {}, more: object[] = []): ScenarioDocument {
  const timeline = [
    SLEEP,
    { ...WAKE, method: "lazy", readsAtOnce: 1, ...wake },
    { ...MOVE, id: "move", to: "beta", minMbps: 500, ...move },
    ...more,
  ];
  const document = documentOf(timeline as unknown as Entries, 3_000);
  return {
    ...document,
    links: [
      ...document.links!,
      { id: "between", between: ["alpha", "beta"], bandwidthMbps: 1_000 },
    ],
    vms: document.vms!.map((vm) => ({
      ...vm,
      restartOn: ["alpha", "beta"],
      // What a lost host held unwritten is another matter.
      disks: vm.disks!.map((disk) => ({ ...disk, cacheMode: "writethrough" })),
    })) as never,
  };
}

const ALGORITHMS = ["pre-copy", "fixed-rate", "stop-and-copy", "post-copy"] as const;

describe("a machine that is not back yet", () => {
  const EAGER = { ...WAKE, method: "eager", readsAtOnce: 1 };
  const BESIDE = [
    { do: "checkpoint", on: "array", ...SMALL },
    { do: "suspend", on: "array", ...SMALL },
    { do: "snapshot" },
  ];

  it.each(BESIDE)("is off to $do, wherever in its restore", (entry) => {
    const outcomes = new Set<string>();
    for (let delayMs = 1; delayMs < 40; delayMs += 3) {
      const beside = { ...entry, id: "beside", vm: "db", after: "wake.prepare", delayMs };
      const { world, ended } = run(
        lazyMove({ after: "wake.goesOn", delayMs: 500 }, EAGER, [beside]),
      );
      const where = `${delayMs} ms`;
      expect(violations(world), where).toEqual([]);
      expect(ended["wake"]!.outcome, where).toBe("complete");
      outcomes.add(ended["beside"]!.outcome);
    }
    expect(outcomes).toContain("vm-off");
  });

  it.each([
    { do: "migrate", vm: "db", to: "beta" },
    { do: "evacuate", host: "alpha", to: ["beta"] },
  ])("is waited for to $do", (entry) => {
    for (let delayMs = 1; delayMs < 40; delayMs += 9) {
      const beside = { ...entry, id: "beside", after: "wake.prepare", delayMs };
      const { world, ended } = run(
        lazyMove({ after: "wake.goesOn", delayMs: 900 }, EAGER, [beside]),
      );
      const where = `${delayMs} ms`;
      expect(violations(world), where).toEqual([]);
      for (const id of ["wake", "beside"]) expect(ended[id]!.outcome, where).toBe("complete");
      expect(vmRecordOf(world, "db").durable.host, where).toBe("beta");
    }
  });
});

describe("a machine whose restore is lazy", () => {
  it.each(ALGORITHMS)("moves with references in place of absent pages (%s)", (algorithm) => {
    const { world, ended } = run(lazyMove({ algorithm }));
    expect(ended["move"]).toMatchObject({ outcome: "complete" });
    const { referredPages, bytesSent } = ended["move"]!.figures;
    expect(referredPages!).toBeGreaterThan(300);
    expect(bytesSent!).toBeLessThan(3 * 2 ** 20);
    // The restore ends at its host when the machine leaves, and goes on at the other one.
    expect(ended["wake"]).toMatchObject({ outcome: "complete" });
    expect(ended["wake"]!.figures["leftPages"]).toBe(referredPages);
    expect(ended["db.restore-on-beta"]).toMatchObject({ outcome: "complete" });
    expect(violations(world)).toEqual([]);
    expect(vmRecordOf(world, "db").durable).toMatchObject({ power: "on", host: "beta", run: 1 });
    expect(volumesOf(world).filter((name) => name.endsWith(".memory"))).toEqual([]);
    expect(intentsOf(world)).toEqual([]);
    expect(world.activeOperations).toBe(0);
  });

  it.each([
    ["deferred", { method: "deferred", readsAtOnce: 0 }],
    ["working-set", { method: "working-set", readsAtOnce: 0 }],
    ["lazy with prefetch", { prefetch: "physical", readsAtOnce: 0 }],
  ])("moves whichever way it is restored (%s)", (_name, wake) => {
    const sleep = { ...SLEEP, workingSet: "traced", traceMs: 20 };
    const onward = { ...MOVE, id: "on", after: "move.complete", delayMs: 1, to: "alpha" };
    const save = { id: "save", after: "move.complete", do: "checkpoint", vm: "db", on: "array" };
    const later = [{ ...save, ...SMALL, delayMs: 10 }, onward];
    const document = lazyMove({}, wake, later);
    const timeline = [sleep, ...document.timeline!.slice(1)] as Entries;
    const { world, ended } = run({ ...document, timeline });
    expect(ended["move"]!.figures["referredPages"]!).toBeGreaterThan(50);
    expect(ended["on"]!.figures["referredPages"]!).toBeGreaterThan(20);
    for (const id of ["wake", "move", "on", "save", "db.restore-on-beta"]) {
      expect(ended[id], id).toMatchObject({ outcome: "complete" });
    }
    expect(violations(world)).toEqual([]);
    expect(vmRecordOf(world, "db").durable).toMatchObject({ power: "on", host: "alpha" });
  });

  it("waits for its pages where the destination does not reach their file", () => {
    const document = lazyMove({}, {});
    const far = { id: "other" };
    const sleep = { ...SLEEP, on: "other" };
    const timeline = document.timeline!.map((entry) =>
      "on" in entry ? ({ ...entry, on: "other" } as never) : entry,
    );
    const links = [...document.links!, { between: ["alpha", "other"] }];
    const wired = { ...document, links, arrays: [...document.arrays!, far] } as ScenarioDocument;
    const { world, ended } = run({ ...wired, timeline: [sleep, ...timeline.slice(1)] as never });
    expect(ended["move"]).toMatchObject({ outcome: "complete" });
    expect(ended["move"]!.figures["referredPages"]).toBeUndefined();
    expect(violations(world)).toEqual([]);
    // The way is there, and does not lead there now.
    const between = { id: "far-way", between: ["beta", "other"] } as const;
    const again = { ...wired, links: [...wired.links!, between] } as ScenarioDocument;
    const cut = builderOf({ ...again, timeline: [sleep, ...timeline.slice(1)] as never });
    const late = cut.build({ seed: 1 });
    late.run({ untilNs: fromMs(60) });
    tellLink(late, "cut", "far-way");
    late.run({ untilNs: fromMs(3_000) });
    late.finish();
    expect(violations(late)).toEqual([]);
    expect(vmRecordOf(late, "db").durable).toMatchObject({ power: "on", host: "beta" });
  });
});

it("a page that is read when the machine stops comes at the destination", () => {
  for (const delayMs of [0.05, 0.4, 0.9, 1.7]) {
    const move = { algorithm: "stop-and-copy", lastMbps: 100, delayMs };
    const { world, ended } = run(lazyMove(move, { readsAtOnce: 4 }), {}, 400);
    expect(ended["move"]!.figures["referredPages"]!, String(delayMs)).toBeGreaterThan(300);
    expect(violations(world), String(delayMs)).toEqual([]);
  }
});

it("a page that came meanwhile and is not sent is noticed (canary)", () => {
  const planted = { at: "move", careless: { forgetsArrived: true } };
  const { world } = run(lazyMove({ minMbps: 50 }, { readsAtOnce: 4 }), planted, 400);
  expect(violations(world).join()).toMatch(/changed unseen by migration|are not what they were/);
});

describe("a move of a lazily restored machine that is disturbed", () => {
  const files = (world: World) => volumesOf(world).filter((name) => name.endsWith(".memory"));

  it.each(["pre-copy", "post-copy"])(
    "by its link leaves one restore (%s)",
    (algorithm) => {
      const world = builderOf({ ...lazyMove({ algorithm }), durationMs: 12_000 }).build({
        seed: 1,
      });
      world.run({ untilNs: fromMs(72) });
      const points = onceEach(
        crashPoints(world, fromMs(700), (id) => /^(move|db.start-run)/.test(id)),
      );
      expect(points.length).toBeGreaterThan(10);
      const hosts = new Set<string>();
      afterEach(world, captureWorld(world), sampled(points, 5, 4), ({ at }) => {
        const where = `link cut at ${at}`;
        tellLink(world, "cut");
        world.run({ untilNs: world.timeNs + fromMs(2_500) });
        tellLink(world, "heal");
        world.run({ untilNs: fromMs(12_000) });
        world.finish();
        expect(violations(world), where).toEqual([]);
        expect(isRunning(world, "db"), where).toBe(true);
        expect(world.activeOperations, where).toBe(0);
        expect(files(world), where).toEqual([]);
        hosts.add(vmRecordOf(world, "db").durable.host);
      });
      expect([...hosts].sort()).toEqual(["alpha", "beta"]);
    },
    120_000,
  );

  it.each([
    ["pre-copy", "alpha"],
    ["pre-copy", "beta"],
    ["post-copy", "alpha"],
    ["post-copy", "beta"],
  ])(
    "by a loss leaves one machine (%s, %s)",
    (algorithm, domain) => {
      const world = builderOf({ ...lazyMove({ algorithm }), durationMs: 9_000 }).build({ seed: 1 });
      world.run({ untilNs: fromMs(72) });
      const isMeant = (id: string): boolean => /^(move|db.start-run|db.restore-on)/.test(id);
      const points = onceEach(crashPoints(world, fromMs(700), isMeant));
      afterEach(world, captureWorld(world), sampled(points, 14, domain.length), ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crash(world, domain);
        world.run({ untilNs: world.timeNs + fromMs(300) });
        world.restart(world.registry.domainNamed(domain)!);
        world.run({ untilNs: fromMs(9_000) });
        world.finish();
        expect(violations(world), where).toEqual([]);
        expect(isRunning(world, "db"), where).toBe(true);
        expect(world.activeOperations, where).toBe(0);
      });
    },
    120_000,
  );
});
