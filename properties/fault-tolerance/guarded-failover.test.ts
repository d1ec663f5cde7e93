/**
 * Protected VMs with integrity drivers, modelled and real: wherever the host is lost, the one that goes
 * on tells of each attack that nobody has told of, and of no other.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, restoreWorld, type World } from "../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import { createBuilder, prepareDocument } from "../../scenarios/index.ts";
import { violations } from "../testing/crash-points.ts";
import { modelledDriver } from "../testing/guarded-world.ts";
import { protectedPair } from "../testing/protected-pair.ts";

const MS = 1_000_000;

async function build(vm: object): Promise<World> {
  const protection = protectedPair().vms![0]!.protection!;
  const disks = [{ id: "data", on: "array", sizeMiB: 1 }];
  const db = { id: "db", host: "alpha", protection, disks, ...vm };
  const prepared = await prepareDocument(protectedPair({ vms: [db as never] }), "guarded");
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const { scenario } = prepared;
  return createBuilder(scenario.document, scenario.inputs, scenario.own, []).build({ seed: 1 });
}

type FollowerState = { pending: { readonly output: { readonly kind: string } }[] };

/** The run without a fault, and runs in which the host of the machine is lost. */
class Lost {
  readonly world: World;
  alerts: string[] = [];
  readonly straight: readonly string[];
  readonly #begin;
  readonly #toNs: number;

  constructor(world: World, toNs: number) {
    this.world = world;
    this.#toNs = toNs;
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind !== "integrity-alert") return;
      const { what, vcpu, page, table, holds } = data;
      this.alerts.push(JSON.stringify({ what, vcpu, page, table, holds }));
    };
    this.#begin = captureWorld(world);
    world.run({ untilNs: toNs });
    this.straight = this.alerts;
    expect(violations(world)).toEqual([]);
  }

  /** `spoil`: done just before the loss; `each`: every 2 ms. */
  loseAt(atNs: number, { each = () => {}, spoil = () => {} } = {}): void {
    restoreWorld(this.world, this.#begin);
    this.alerts = [];
    let isLost = false;
    for (let untilNs = 0; untilNs < this.#toNs; untilNs += 2 * MS) {
      if (!isLost && untilNs > atNs) {
        this.world.run({ untilNs: atNs });
        spoil();
        this.world.crash(this.world.registry.domainNamed("alpha")!, "test");
        isLost = true;
      }
      this.world.run({ untilNs });
      each();
    }
  }
}

const REAL = {
  memoryMiB: 1,
  vcpus: 2,
  guest: {
    kind: "rv64",
    file: "core/guest/rv64/samples/guard/guard.elf",
    firmware: true,
    instructionsPerSecond: 20_000_000,
  },
};

const ATTACKS = [
  { atMs: 8, pages: 2 },
  { atMs: 12, by: "forged-entry" },
  { atMs: 16, by: "driver", when: "in-update" },
  { atMs: 20, when: "in-interrupt", on: "data" },
  { atMs: 24, by: "device", pages: 2 },
  { atMs: 28, by: "unprotect" },
];
const MODELLED = { ...modelledDriver(ATTACKS), vcpus: 1 };

const request = { from: -1, askId: 0, delivery: "stream", via: -1, body: {} };

const unpause = (world: World): void => {
  const vm = vmOf(vmRecordOf(world, "db"));
  if (vm !== undefined) world.call(vm as never, "unpause", request as never);
};

describe("a protected VM with an integrity driver", () => {
  it("has every attack told once, whenever its host is lost: a real machine", async () => {
    const lost = new Lost(await build(REAL), 40 * MS);
    expect(lost.straight.length).toBe(18);
    let tookOver = 0;
    for (let atNs = 5_300_000; atNs < 8_000_000; atNs += 271_000) {
      lost.loseAt(atNs);
      expect(violations(lost.world)).toEqual([]);
      expect(lost.alerts, `lost at ${atNs} ns`).toEqual(lost.straight);
      if (vmRecordOf(lost.world, "db").durable.host === "beta") tookOver++;
    }
    expect(tookOver).toBe(10);
  });

  it("stands at an alert on the host that goes on as on the one that was lost", async () => {
    const lost = new Lost(await build({ ...REAL, onAlert: { do: "pause" } }), 90 * MS);
    expect(lost.straight.length).toBe(1);
    for (const atNs of [5_900_000, 13_300_000]) {
      lost.loseAt(atNs, { each: () => unpause(lost.world) });
      expect(violations(lost.world)).toEqual([]);
      expect(lost.alerts.length, `lost at ${atNs} ns`).toBe(18);
    }
    lost.loseAt(30 * MS);
    const { standsAt, host } = vmRecordOf(lost.world, "db").durable;
    expect([standsAt, host, lost.alerts.length]).toEqual([1, "beta", 1]);
  });

  it("has every attack told once, whenever its host is lost: a modelled one", async () => {
    const lost = new Lost(await build(MODELLED), 90 * MS);
    expect(lost.straight.length).toBe(10);
    for (let atNs = 19 * MS; atNs < 52 * MS; atNs += 1_470_000) {
      lost.loseAt(atNs);
      expect(violations(lost.world)).toEqual([]);
      expect(lost.alerts, `lost at ${atNs} ns`).toEqual(lost.straight);
    }
  });

  it("canary: a copy that forgets what its machine's host has not told is found", async () => {
    const lost = new Lost(await build(REAL), 40 * MS);
    let forgotten = 0;
    const spoil = (): void => {
      const followers = [...lost.world.entities()].filter(({ kind }) => kind === "ft-follower");
      for (const follower of followers) {
        const state = follower.edit() as unknown as FollowerState;
        const kept = state.pending.filter(({ output }) => output.kind !== "alert");
        forgotten += state.pending.length - kept.length;
        state.pending = kept;
      }
    };
    const shorter = [];
    for (let atNs = 5_860_000; atNs < 6_500_000; atNs += 37_000) {
      lost.loseAt(atNs, { spoil });
      shorter.push(lost.straight.length - lost.alerts.length);
      if (forgotten > 0) break;
    }
    expect(forgotten).toBeGreaterThan(0);
    expect(shorter.at(-1)).toBeGreaterThan(0);
  });
});
