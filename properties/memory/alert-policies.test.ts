/**
 * What hosts do at integrity alerts: a VM stands still at each until it is let go, or is saved there.
 * Every alert comes once, however often it stands, sleeps, wakes and moves on its way.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import { violations } from "../testing/crash-points.ts";
import {
  guardedWorld,
  modelledDriver,
  REAL_SENTRY,
  type Timeline,
} from "../testing/guarded-world.ts";

const END_MS = 360;

/** Alerts, when it stood, how operations ended. */
function watch(world: World) {
  const alerts: string[] = [];
  let stood = 0;
  const ended: { [id: string]: string } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "integrity-alert") alerts.push(String(data["what"]));
    if (kind === "lifecycle" && data["event"] === "paused") stood++;
    if (kind === "operation-end") ended[String(data["id"])] = String(data["outcome"]);
  };
  return { alerts, ended, stops: () => stood };
}

function runOn(world: World, untilMs: number): void {
  world.run({ untilNs: fromMs(untilMs) });
}

function finish(world: World): void {
  world.finish();
  expect(violations(world)).toEqual([]);
}

const ATTACKS = [
  { atMs: 12, pages: 2 },
  { atMs: 25, by: "forged-entry" },
  { atMs: 40, by: "device", pages: 2 },
  { atMs: 55, by: "driver", when: "in-update" },
];
const ALERTS = 7;

/** Somebody lets it go on every so often. */
const letGo = (everyMs: number): Timeline =>
  Array.from({ length: Math.floor((END_MS - 20) / everyMs) }, (_, at) => ({
    id: `go-${at}`,
    atMs: (at + 1) * everyMs,
    do: "unpause" as const,
    vm: "m",
  }));

const SLEEPS = (atMs: number): Timeline => [
  { id: "sleep", atMs, do: "suspend", vm: "m", on: "array", blockKiB: 32 },
  { id: "wake", after: "sleep.complete", do: "resume", vm: "m", on: "array" },
];

const MOVES = (when: object, algorithm: string): Timeline => [
  { id: "move", ...when, do: "migrate", vm: "m", to: "beta", minMbps: 2_000, algorithm } as never,
];

describe("a VM that stands still at integrity alerts", () => {
  it("stands once for each, also asleep, woken and on another host: modelled", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20, max: 80 }),
        fc.nat(12),
        fc.integer({ min: 6, max: 9 }),
        fc.constantFrom("pre-copy", "stop-and-copy", "post-copy"),
        async (sleepMs, delayMs, everyMs, algorithm) => {
          const when = { after: "wake.goesOn", delayMs };
          const timeline = [...SLEEPS(sleepMs), ...MOVES(when, algorithm), ...letGo(everyMs)];
          const vm = { ...modelledDriver(ATTACKS), onAlert: { do: "pause" } };
          const world = await guardedWorld(vm, timeline);
          const { alerts, stops } = watch(world);
          runOn(world, END_MS);
          finish(world);
          expect(alerts.length).toBe(ALERTS);
          expect(stops()).toBe(ALERTS);
          expect(vmRecordOf(world, "m").durable.standsAt).toBeUndefined();
        },
      ),
      { numRuns: 3 },
    );
  });

  it("stands where it stood: a real machine, asleep and moved while it stands", async () => {
    const timeline: Timeline = [
      ...SLEEPS(10),
      ...MOVES({ atMs: 80 }, "pre-copy"),
      ...[5, 70, 150, 160].map((atMs) => ({
        id: `go-${atMs}`,
        atMs,
        do: "unpause" as const,
        vm: "m",
      })),
    ];
    const vm = { ...REAL_SENTRY, onAlert: { do: "pause" } };
    const world = await guardedWorld(vm, timeline);
    const { alerts, ended, stops } = watch(world);
    runOn(world, 190);
    expect(vmRecordOf(world, "m").durable).toMatchObject({ host: "beta", standsAt: 5 });
    expect(vmOf(vmRecordOf(world, "m"))!.volatile.stuns).toBe(1);
    finish(world);
    // The fifth and the sixth are of one instruction.
    expect(alerts.length).toBe(6);
    expect(stops()).toBe(5);
    expect(ended).toMatchObject({ sleep: "complete", wake: "complete", move: "complete" });
  });

  it("lets nobody go on who does not stand", async () => {
    const world = await guardedWorld(modelledDriver([]), letGo(100));
    const { ended } = watch(world);
    runOn(world, END_MS);
    expect(ended["go-0"]).toBe("not-paused");
  });
});

describe("a VM that is suspended as it stands at an integrity alert", () => {
  const attacks = [{ atMs: 25, pages: 1 }];
  const wake = { id: "wake", after: "sleep.complete", do: "resume", vm: "m", on: "array" } as const;
  const sleep = (atMs: number): Timeline[number] => ({ ...SLEEPS(atMs)[0]!, atMs });

  it("is not let go on in between: it stands as it is kept", async () => {
    const vm = { ...modelledDriver(attacks), onAlert: { do: "pause" } };
    const world = await guardedWorld(vm, [
      sleep(40),
      { id: "early", after: "sleep.fitVolume", do: "unpause", vm: "m" },
      wake,
      { id: "late", after: "wake.complete", do: "unpause", vm: "m" },
    ]);
    const { ended, stops } = watch(world);
    runOn(world, 150);
    expect(ended).toMatchObject({ early: "busy", late: "complete" });
    expect(stops()).toBe(1);
    expect(vmOf(vmRecordOf(world, "m"))!.volatile.stuns).toBe(0);
    finish(world);
  });

  it("is saved when it is resumed, and goes on", async () => {
    const onAlert = { do: "snapshot", on: "array", atMost: 3 };
    const world = await guardedWorld({ ...modelledDriver(attacks), onAlert }, [
      sleep(34.6),
      { ...wake, delayMs: 30 },
    ]);
    const { ended, stops } = watch(world);
    runOn(world, 150);
    expect(ended).toMatchObject({ sleep: "complete", "m-alert-1": "complete" });
    expect(stops()).toBe(1);
    expect(vmOf(vmRecordOf(world, "m"))!.volatile.stuns).toBe(0);
    finish(world);
  });
});

describe("a VM that is saved at integrity alerts", () => {
  const policy = (atMost: number) => ({ onAlert: { do: "snapshot", on: "array", atMost } });
  const disks = [{ id: "data", on: "array", sizeMiB: 2 }];

  it("has a checkpoint of each, with its disks, and what it brings back stands at the write", async () => {
    const vm = { ...modelledDriver(ATTACKS), ...policy(3), disks };
    const world = await guardedWorld(vm, [
      { id: "off", atMs: 120, do: "power-off", vm: "m" },
      {
        id: "look",
        after: "off.complete",
        do: "restore-checkpoint",
        vm: "m",
        on: "array",
        checkpoint: "m-alert-2",
      },
    ]);
    const { alerts, stops, ended } = watch(world);
    runOn(world, 119);
    expect(alerts.length).toBe(ALERTS);
    expect(stops()).toBe(ALERTS);
    for (const number of [1, 2, 3]) expect(ended[`m-alert-${number}`]).toBe("complete");
    expect(ended["m-alert-1.snapshot"]).toBe("complete");
    expect(ended["m-alert-4"]).toBeUndefined();
    runOn(world, END_MS);
    expect(ended["look"]).toBe("complete");
    const record = vmRecordOf(world, "m");
    expect(record.durable).toMatchObject({ standsAt: 2, integrityAlerts: ALERTS });
    expect(vmOf(record)!.volatile.stuns).toBe(1);
    finish(world);
  });

  it("is saved again on its way to another host, and once for each alert: a real machine", async () => {
    const vm = { ...REAL_SENTRY, ...policy(4) };
    const world = await guardedWorld(vm, MOVES({ atMs: 40 }, "pre-copy"));
    const { alerts, ended } = watch(world);
    runOn(world, END_MS);
    finish(world);
    expect(alerts.length).toBe(170);
    expect(ended["move"]).toBe("complete");
    const saved = Object.keys(ended).filter((id) => /^m-alert-\d+(-try-\d+)?$/.test(id));
    const complete = saved.filter((id) => ended[id] === "complete");
    expect(complete.length).toBe(4);
    expect(vmRecordOf(world, "m").durable.standsAt).toBeUndefined();
  });

  it("goes on when it cannot be saved", async () => {
    const vm = { ...modelledDriver(ATTACKS), ...policy(2) };
    const full = { id: "array", capacityMiB: 8, readLatencyUs: 200, writeLatencyUs: 150 };
    const world = await guardedWorld(vm, [], 1, { arrays: [full] });
    const { alerts, stops } = watch(world);
    runOn(world, END_MS);
    expect(alerts.length).toBe(ALERTS);
    expect(stops()).toBe(ALERTS);
  });

  it("refuses what cannot be in the document", async () => {
    const missing = { ...modelledDriver([]), onAlert: { do: "snapshot" } };
    await expect(guardedWorld(missing, [])).rejects.toThrow("/vms/0/onAlert/on");
    const protection = { kind: "log-replay", host: "beta" };
    const both = { ...REAL_SENTRY, ...policy(1), disks, protection };
    await expect(guardedWorld(both, [])).rejects.toThrow("a protected vm cannot be saved");
  });
});
