/**
 * Copy-on-write disks in a datacenter: a VM under load is snapshotted, reverted, converted and
 * cloned by the words of a timeline, with host or array lost at events of each operation. The guest
 * finds what it was promised, nothing is left over, and a snapshot restored mid-way changes nothing.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { validateDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  crashPoints,
  expectRunning,
  intentsOf,
  outcomesOf,
  sampled,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Timeline = NonNullable<ScenarioDocument["timeline"]>;

function datacenter(kind: "cow" | "redo", timeline: Timeline, durationMs = 9_000) {
  const { arrays, vms } = smallDatacenter();
  const guest = shortWork({ bootMs: 20, durationMs: 2_000, thinkTimeUs: 9_000, readPercent: 30 });
  return smallDatacenter({
    durationMs,
    arrays: [{ ...arrays![0]!, kind: "cow", chunkKiB: 64 }],
    vms: [{ ...vms![0]!, guest, disks: vms![0]!.disks!.map((disk) => ({ ...disk, kind })) }],
    timeline,
  });
}

const HISTORY: Timeline = [
  { id: "first", atMs: 300, do: "snapshot", vm: "db" },
  { id: "second", atMs: 600, do: "snapshot", vm: "db" },
  { id: "off", atMs: 1_000, do: "power-off", vm: "db" },
];

const violations = (world: World): string[] =>
  world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);

/** Runs to the end; how each operation of the timeline ended. */
function outcomes(document: ScenarioDocument): { [id: string]: string } {
  const world = builderOf(document).build({ seed: 1 });
  const ended: { [id: string]: string } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind !== "operation-end" || String(data["id"]).includes(".")) return;
    ended[data["id"] as string] = data["outcome"] as string;
  };
  world.run({ untilNs: fromMs(document.durationMs!) });
  world.finish();
  expect(violations(world)).toEqual([]);
  expect(powerStateOf(vmRecordOf(world, "db"))).toBe("running");
  return ended;
}

describe("a timeline of points in time", () => {
  it.each(["cow", "redo"] as const)("is carried out on disks of kind %s", (kind) => {
    const ended = outcomes(
      datacenter(kind, [
        ...HISTORY,
        { id: "back", atMs: 1_500, do: "revert", vm: "db", point: "first" },
        { id: "on", after: "back.complete", do: "power-on", vm: "db" },
        { id: "third", atMs: 3_000, do: "snapshot", vm: "db" },
        { id: "less", atMs: 3_500, do: "delete-snapshot", vm: "db", point: "second" },
        { id: "tidy", atMs: 6_000, do: "collect-garbage", array: "array", host: "beta" },
      ]),
    );
    expect(new Set(Object.values(ended))).toEqual(new Set(["complete"]));
  });

  it.each([
    ["cow", "redo"],
    ["redo", "cow"],
  ] as const)("goes on when %s disks become %s disks", (kind, to) => {
    const ended = outcomes(
      datacenter(kind, [
        ...HISTORY,
        { id: "copy", atMs: 1_100, do: "clone", vm: "db", as: "copy", format: to },
        { id: "change", atMs: 4_000, do: "migrate-disk-format", vm: "db", to },
        { id: "on", after: "change.complete", do: "power-on", vm: "db" },
        { id: "third", after: "on.complete", delayMs: 500, do: "snapshot", vm: "db" },
      ]),
    );
    expect(new Set(Object.values(ended))).toEqual(new Set(["complete"]));
  });

  it.each([
    ["torn", "io-error"],
    ["lost", "task-lost"],
    ["item", "no-space"],
  ] as const)("fails a revert whole when a task of the array is %s", (how, code) => {
    const document = datacenter("cow", [
      ...HISTORY,
      { id: "back", atMs: 1_500, do: "revert", vm: "db", point: "first" },
      { id: "on", after: "back.io-error", do: "power-on", vm: "db" },
      { id: "or", after: "back.task-lost", do: "power-on", vm: "db" },
      { id: "else", after: "back.no-space", do: "power-on", vm: "db" },
    ]);
    const faults = [{ kind: "array-task" as const, array: "array", how, atMs: 1_400 }];
    expect(outcomes({ ...document, faults })["back"]).toBe(code);
  });

  it("makes a linked clone that outlives its point in time, and promotes it while it runs", () => {
    const document = datacenter("cow", [
      HISTORY[0]!,
      { id: "twins", atMs: 400, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
      { id: "start", after: "twins.complete", do: "power-on", vm: "twin" },
      {
        id: "less",
        after: "start.complete",
        delayMs: 300,
        do: "delete-snapshot",
        vm: "db",
        point: "first",
      },
      { id: "own", after: "less.complete", delayMs: 300, do: "snapshot", vm: "twin" },
      { id: "full", after: "own.complete", delayMs: 300, do: "promote", vm: "twin" },
      { id: "again", after: "full.complete", do: "promote", vm: "twin" },
    ]);
    const [db] = document.vms!;
    const twin = { ...db!, id: "twin", host: "beta", restartOn: ["alpha"], poweredOn: false };
    const ended = outcomes({ ...document, vms: [db!, twin], durationMs: 3_000 });
    const { again, ...rest } = ended;
    expect(again).toBe("not-a-linked-clone");
    expect(Object.values(rest)).toEqual(Object.values(rest).map(() => "complete"));
    expect(Object.keys(rest)).toHaveLength(6);
  });

  it("refuses what cannot be done, by a code", () => {
    const ended = outcomes(
      datacenter("cow", [
        ...HISTORY.slice(0, 2),
        { id: "while-on", atMs: 1_500, do: "revert", vm: "db", point: "first" },
        { id: "up-to", atMs: 1_600, do: "clone", vm: "db", as: "copy", point: "first" },
        { id: "again", after: "up-to.complete", do: "clone", vm: "db", as: "copy", point: "first" },
        { id: "nothing", atMs: 4_000, do: "delete-snapshot", vm: "db", point: "while-on" },
      ]),
    );
    expect(ended).toMatchObject({
      "while-on": "vm-on",
      "up-to": "complete",
      again: "vm-exists",
      nothing: "no-point-in-time",
    });
  });
});

describe("an operation of a timeline, cut short by the loss of", () => {
  it.each([
    ["alpha", { id: "cut", atMs: 1_500, do: "revert", vm: "db", point: "first" }],
    ["array", { id: "cut", atMs: 1_500, do: "revert", vm: "db", point: "first" }],
    ["alpha", { id: "cut", atMs: 800, do: "snapshot", vm: "db" }],
    ["array", { id: "cut", atMs: 800, do: "snapshot", vm: "db" }],
    ["alpha", { id: "cut", atMs: 1_500, do: "migrate-disk-format", vm: "db", to: "redo" }],
  ] as const)(
    "%s, leaves a VM that runs on (%#)",
    (lost, cut) => {
      const history = cut.do === "snapshot" ? HISTORY.slice(0, 2) : HISTORY;
      const on: Timeline =
        cut.do === "snapshot" ? [] : [{ id: "on", atMs: 6_000, do: "power-on", vm: "db" }];
      const document = datacenter("cow", [...history, cut, ...on], 9_000);
      const world = builderOf(document).build({ seed: 1 });
      let last = 0;
      world.hooks.onNotice = ({ kind, data, event }) => {
        if (kind === "operation-end" && data["id"] === "cut") last = event;
      };
      world.run({ untilNs: fromMs(cut.atMs) - 1 });
      const image = captureWorld(world);
      const first = world.eventCount;
      world.run({ untilNs: fromMs(5_000) });
      expect(last - first).toBeGreaterThan(20);
      world.hooks = {};
      for (let event = first; event <= last; event += Math.ceil((last - first) / 4)) {
        restoreWorld(world, image);
        world.run({ untilEvent: event });
        const domain = world.registry.domainNamed(lost)!;
        world.crash(domain, "test");
        world.run({ untilNs: world.timeNs + fromMs(200) });
        world.restart(domain);
        world.run({ untilNs: fromMs(document.durationMs!) + fromMs(9_000) });
        world.finish();
        const where = `${lost} lost after event ${event}`;
        expect(violations(world), where).toEqual([]);
        expect(powerStateOf(vmRecordOf(world, "db")), where).toBe("running");
        expect(world.activeOperations, where).toBe(0);
      }
    },
    120_000,
  );
});

describe("a revert of a VM that is on", () => {
  const timeline: Timeline = [
    ...HISTORY.slice(0, 2),
    { id: "cut", atMs: 900, do: "revert", vm: "db", point: "first", restart: true },
    { id: "third", atMs: 5_000, do: "snapshot", vm: "db" },
  ];

  it.each(["cow", "redo"] as const)("boots it again from %s disks", (kind) => {
    const world = builderOf(datacenter(kind, timeline, 5_500)).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(5_500) });
    expectRunning(world, "db", kind);
    expect([ended["cut"], ended["third"]]).toEqual(["complete", "complete"]);
    expect(vmRecordOf(world, "db").durable.run).toBe(2);
  });

  it("that lets the old run go on is noticed (canary)", () => {
    const world = builderOf(datacenter("cow", timeline, 5_500)).build({ seed: 1 });
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "phase" || data["id"] !== "cut" || data["phase"] !== "endRun") return;
      const { params } = world.named("cut").config as { params: { instance: number } };
      // The run is not ended, and is no longer stunned.
      world.named("db/run-1").after(0, "unstun", { from: -1, askId: 0, delivery: "stream" });
      params.instance = -1;
    };
    world.run({ untilNs: fromMs(5_500) });
    expect(violations(world).join()).toMatch(/does not read as written|what it wrote/);
  });

  it("that fails lets it go on as it was", () => {
    const faults = [
      { kind: "array-task" as const, array: "array", how: "torn" as const, atMs: 890 },
    ];
    const world = builderOf({ ...datacenter("cow", timeline, 5_500), faults }).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(5_500) });
    expectRunning(world, "db", "");
    expect([ended["cut"], ended["third"]]).toEqual(["io-error", "complete"]);
    expect(vmRecordOf(world, "db").durable.run).toBe(1);
  });

  it.each([
    ["alpha", "cow"],
    ["array", "cow"],
    ["alpha", "redo"],
  ] as const)(
    "cut short by the loss of %s leaves it running on one state or the other, %s disks",
    (lost, kind) => {
      const world = builderOf(datacenter(kind, timeline.slice(0, 3), 9_000)).build({ seed: 1 });
      world.run({ untilNs: fromMs(900) - 1 });
      const isMeant = (id: string): boolean => /^cut(\.|$)/.test(id);
      const points = crashPoints(world, fromMs(2_000), isMeant);
      expect(points.length).toBeGreaterThan(15);
      const runs = new Set<number>();
      const every = Math.ceil(points.length / 12);
      afterEach(world, captureWorld(world), sampled(points, every), ({ at }) => {
        crash(world, lost);
        world.run({ untilNs: world.timeNs + fromMs(200) });
        world.restart(world.registry.domainNamed(lost)!);
        world.run({ untilNs: world.timeNs + fromMs(lost === "array" ? 14_000 : 5_000) });
        expectRunning(world, "db", `${lost} lost at ${at}`);
        expect(world.activeOperations, at).toBe(0);
        expect(intentsOf(world), at).toEqual([]);
        runs.add(vmRecordOf(world, "db").durable.run);
      });
      if (lost === "alpha") expect(runs).toContain(2);
    },
    300_000,
  );
});

describe("a document with copy-on-write disks", () => {
  const problems = (document: ScenarioDocument): string => {
    const checked = validateDocument(document, { file: "test" });
    return checked.ok ? "" : checked.problems.map((each) => JSON.stringify(each)).join("\n");
  };

  it("needs an array that has them, and one way of snapshots at a time", () => {
    const document = datacenter("cow", HISTORY);
    expect(problems(document)).toBe("");
    const plain = { ...document, arrays: [{ ...document.arrays![0]!, kind: "redo" as const }] };
    expect(problems(plain)).toMatch(/array keeps no copy-on-write volumes/);
    const [data, log] = document.vms![0]!.disks!;
    const disks = [data!, { ...log!, kind: "redo" as const }];
    const mixed = { ...document, vms: [{ ...document.vms![0]!, disks }] };
    expect(problems(mixed)).toMatch(/disks of kind redo and of kind cow at once/);
  });
});
