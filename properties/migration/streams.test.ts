/**
 * What a machine sends while it is moved: its old host's queue is longer than the time it stands
 * still, and the way from the new host is free. The stream comes whole and in order. And a machine
 * that is switched off while it is on no host stays off.
 */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  type Entity,
  fromMs,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import { powerStateOf, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { crashPoints, outcomesOf, violations } from "../testing/crash-points.ts";
import { movingVm } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const MOVE_MS = 20;

/** 96 Mbit/s for a while, over 50 of them from the old host. */
function sending(): ScenarioDocument {
  const network = [{ to: "web", messagesPerSecond: 1_200, sizeBytes: 10_000, transport: "stream" }];
  const quiet = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };
  const guest = (busy: object) => ({
    kind: "workload",
    bootMs: 2,
    phases: [{ name: "send", durationMs: 240, cpu: { busyPercent: 0 }, ...busy }, quiet],
  });
  const vm = { memoryMiB: 8, disks: [] };
  return {
    name: "sending",
    seed: 1,
    durationMs: 1_500,
    hosts: ["alpha", "beta", "gamma"].map((id) => ({ id, cores: 2, memoryMiB: 64 })),
    links: [
      { between: ["alpha", "gamma"], bandwidthMbps: 50 },
      { between: ["beta", "gamma"], bandwidthMbps: 10_000 },
      { between: ["alpha", "beta"], bandwidthMbps: 10_000 },
    ],
    vms: [
      { ...vm, id: "db", host: "alpha", guest: guest({ network }) },
      { ...vm, id: "web", host: "gamma", guest: guest({}) },
    ],
    timeline: [{ id: "move", atMs: MOVE_MS, do: "migrate", vm: "db", to: "beta", minMbps: 5_000 }],
  } as unknown as ScenarioDocument;
}

interface Messages {
  readonly sent: number;
  readonly last: number;
}

function messagesOf(world: World): Messages {
  const { sent } = vmRecordOf(world, "db").durable.journal;
  const { received } = vmRecordOf(world, "web").durable.journal;
  return { sent: sent["web"]!, last: received["db"]!.last };
}

describe("a stream of a machine that is moved", () => {
  it("comes whole and in order, though its old host's queue is long", () => {
    const world = builderOf(sending()).build({ seed: 1 });
    const ended = outcomesOf(world);
    let isBehind = false;
    let arrived = 0;
    world.run({ untilNs: fromMs(MOVE_MS) });
    for (let ms = MOVE_MS; ms < 1_400; ms += 2) {
      world.run({ untilNs: fromMs(ms) });
      const web = vmOf(vmRecordOf(world, "web"))!;
      isBehind ||= (web.volatile.early ?? []).length > 0;
      arrived = Math.max(arrived, messagesOf(world).last);
    }
    world.finish();
    expect(ended["move"]).toBe("complete");
    expect(violations(world)).toEqual([]);
    expect(isBehind).toBe(true);
    const { sent, last } = messagesOf(world);
    expect(sent).toBeGreaterThan(100);
    expect(last).toBe(sent);
  });

  it("waits for what the stream lacks, and not for datagrams that were lost", () => {
    const document = sending();
    const phase = (name: string, durationMs: number, transport: string) => ({
      name,
      durationMs,
      cpu: { busyPercent: 0 },
      network: [{ to: "web", messagesPerSecond: 1_000, sizeBytes: 200, transport }],
    });
    const phases = [
      phase("first", 8, "stream"),
      phase("lost", 10, "datagram"),
      { name: "pause", durationMs: 150, cpu: { busyPercent: 0 } },
      phase("last", 10_000, "stream"),
    ];
    const [db, web] = document.vms!;
    const world = builderOf({
      ...document,
      vms: [{ ...db, guest: { kind: "workload", bootMs: 2, phases } }, web],
      faults: [{ kind: "partition", from: "alpha", to: "gamma", atMs: 12, durationMs: 5_000 }],
    } as unknown as ScenarioDocument).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(600) });
    expect(ended["move"]).toBe("complete");
    expect(vmOf(vmRecordOf(world, "web"))!.volatile.early ?? []).toEqual([]);
    const { sent, last } = messagesOf(world);
    expect(sent).toBeGreaterThan(200);
    expect(sent - last).toBeLessThan(3);
    expect(violations(world)).toEqual([]);
  });

  it("is overtaken when nobody says what came before (canary)", () => {
    const world = builderOf(sending()).build({ seed: 1 });
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "lifecycle" || data["event"] !== "migrated") return;
      const state = vmOf(vmRecordOf(world, "db"))!.edit();
      delete state.sentBefore;
    };
    world.run({ untilNs: fromMs(1_400) });
    expect(violations(world).join()).toMatch(/streams of messages arrive in order/);
  });
});

describe("a machine that is switched off between its old host and the new one", () => {
  it("stays off, and nobody waits for it", () => {
    const world = builderOf(movingVm()).build({ seed: 1 });
    world.run({ untilNs: fromMs(300) - 1 });
    const image = captureWorld(world);
    const points = crashPoints(world, fromMs(1_500), (id) => id === "move");
    const given = points.filter(({ at }) => /commit|given away|handOver/.test(at));
    expect(given.length).toBeGreaterThan(1);
    for (const { event, at } of given) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      const ended = outcomesOf(world);
      const run = vmOf(vmRecordOf(world, "db")) as unknown as Entity;
      const request = { from: 0, askId: 0, delivery: "stream", via: -1, body: {} };
      world.call(run, "power-off", request);
      world.run({ untilNs: world.timeNs + fromMs(9_000) });
      world.finish();
      expect(violations(world), at).toEqual([]);
      expect(powerStateOf(vmRecordOf(world, "db")), at).toBe("off");
      expect(world.activeOperations, at).toBe(0);
      expect(ended["move"], at).toBe("vm-off");
      for (const name of ["alpha", "beta"]) {
        const { reservedMiB } = world.named(name).volatile as { reservedMiB: object };
        expect(reservedMiB, `${at}: ${name}`).toEqual({});
      }
    }
  });
});
