/** Moves that do not come about: called off at every phase, or refused by the destination. */
import { beforeAll, describe, expect, it } from "vitest";
import { cancelMigration } from "../../core/migration/index.ts";
import {
  captureWorld,
  type Entity,
  fromMs,
  restoreWorld,
  startOperation,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import {
  memoryOf,
  powerStateOf,
  privatePages,
  setPrivate,
  vmOf,
  vmRecordOf,
} from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { type CrashPoint, crashPoints, outcomesOf, violations } from "../testing/crash-points.ts";
import { movingVm } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** What a move leaves where it does not come about, or has come. */
function expectOneWhole(world: World, host: string, where: string): void {
  world.finish();
  expect(violations(world), where).toEqual([]);
  expect(world.activeOperations, where).toBe(0);
  const record = vmRecordOf(world, "db");
  expect(powerStateOf(record), where).toBe("running");
  expect(record.durable.host, where).toBe(host);
  expect(vmOf(record)!.volatile.stuns, where).toBe(0);
  const memories = [...world.entities()].filter(({ kind }) => kind === "guest-memory");
  expect(memories, where).toHaveLength(1);
  expect((memories[0]!.volatile as { clients: unknown[] }).clients, where).toEqual([]);
  for (const name of ["alpha", "beta"]) {
    const { reservedMiB } = world.named(name).volatile as { reservedMiB: object };
    expect(Object.keys(reservedMiB), `${where}: ${name}`).toEqual(name === host ? ["db"] : []);
  }
}

describe("a move that is called off", () => {
  let world: World;
  let image: WorldImage;
  let points: readonly CrashPoint[];

  beforeAll(() => {
    world = builderOf(movingVm()).build({ seed: 1 });
    world.run({ untilNs: fromMs(300) - 1 });
    image = captureWorld(world);
    points = crashPoints(world, fromMs(1_500), (id) => id === "move");
  });

  it("goes on at the source before it is given away, and is done after that", () => {
    const ends = new Set<string>();
    for (const { event, at } of new Map(points.map((each) => [each.at, each])).values()) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      const ended = outcomesOf(world);
      startOperation(world, cancelMigration, world.named("alpha"), "cancel", { vm: "db" });
      world.run({ untilNs: world.timeNs + fromMs(900) });
      const { move = "over", cancel = "" } = ended;
      const where = `called off at ${at}: ${move}, ${cancel}`;
      ends.add(`${move} ${cancel}`);
      if (cancel === "complete") expect(move, where).toBe("cancelled");
      else expect(cancel, where).toMatch(/^(given-away|not-moving)$/);
      expectOneWhole(world, cancel === "complete" ? "alpha" : "beta", where);
    }
    expect(ends).toContain("cancelled complete");
    expect(ends).toContain("complete given-away");
  }, 60_000);

  it("is over for everybody when the VM is powered off as it arrives", () => {
    let arrived = 0;
    const from = points.findIndex(({ at }) => /handOver/.test(at));
    for (const { event, at } of points.slice(from)) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      if (vmRecordOf(world, "db").durable.host === "alpha") continue;
      arrived++;
      const run = vmOf(vmRecordOf(world, "db")) as unknown as Entity;
      const request = { from: 0, askId: 0, delivery: "stream", via: -1, body: {} };
      world.call(run, "power-off", request);
      world.run({ untilNs: world.timeNs + fromMs(9_000) });
      world.finish();
      const where = `powered off at ${at}, event ${event}`;
      expect(violations(world), where).toEqual([]);
      expect(world.activeOperations, where).toBe(0);
      for (const name of ["alpha", "beta"]) {
        const { coming } = world.named(`${name}/migration`).volatile as { coming: object };
        expect(coming, where).toEqual({});
        const { reservedMiB } = world.named(name).volatile as { reservedMiB: object };
        expect(reservedMiB, where).toEqual({});
      }
    }
    expect(arrived).toBeGreaterThan(0);
  }, 60_000);

  it("is called off by a word of the timeline, and by nobody who moves nothing", () => {
    const timeline = [
      { id: "early", atMs: 200, do: "cancel-migration", vm: "db" },
      { id: "move", atMs: 300, do: "migrate", vm: "db", to: "beta", minMbps: 500 },
      { id: "cancel", after: "move.copy", do: "cancel-migration", vm: "db" },
    ] as unknown as NonNullable<ScenarioDocument["timeline"]>;
    const world = builderOf(movingVm({}, 8, { timeline })).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(900) });
    expect(ended).toMatchObject({ early: "not-moving", move: "cancelled", cancel: "complete" });
    expectOneWhole(world, "alpha", "by the timeline");
  });
});

describe("a move whose destination cannot reach the array", () => {
  it("is over when the VM runs there, however often its source asks", () => {
    const away = { from: "beta", to: "array", during: "move.commit", durationMs: 3_500 } as const;
    const document = movingVm({}, 8, { faults: [{ kind: "partition", ...away }] });
    const world = builderOf({ ...document, durationMs: 8_000 }).build({ seed: 1 });
    const record = vmRecordOf(world, "db");
    let asked = 0;
    const outcomes: string[] = [];
    world.hooks.onNotice = ({ kind, data }) => {
      if (data["id"] !== "move") return;
      if (kind === "phase" && data["phase"] === "handOver") asked++;
      if (kind === "operation-end") outcomes.push(data["outcome"] as string);
    };
    while (outcomes.length === 0) world.run({ untilEvent: world.eventCount + 1 });
    expect(asked).toBeGreaterThan(1);
    const { host } = record.durable;
    expect([...outcomes, host, powerStateOf(record)]).toEqual(["complete", "beta", "running"]);
    expectOneWhole(world, "beta", "asked again and again");
  });
});

describe("private pages of a VM that moves", () => {
  it("go as ciphertext, and are private and the same where it arrives", () => {
    const world = builderOf(movingVm()).build({ seed: 1 });
    world.run({ untilNs: fromMs(300) - 1 });
    const record = vmRecordOf(world, "db");
    const source = memoryOf(vmOf(record)!);
    for (const page of [0, 7, 200, 300]) setPrivate(source, page, 5, true);
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(1_500) });
    expect(ended["move"]).toBe("complete");
    const arrived = memoryOf(vmOf(record)!);
    expect(arrived.id).not.toBe(source.id);
    const hidden = Array.from({ length: 400 }, (_, page) => page).filter((page) =>
      privatePages(arrived).has(page),
    );
    expect(hidden).toEqual([0, 7, 200, 300].flatMap((at) => [0, 1, 2, 3, 4].map((i) => at + i)));
    // That memory arrives as it left is an invariant.
    expectOneWhole(world, "beta", "with private pages");
  });
});

/** Hosts of the small datacenter, with another destination. */
const withBeta = (beta: object): Partial<ScenarioDocument> => ({
  hosts: [
    { id: "alpha", cores: 2, memoryMiB: 64 },
    { id: "beta", cores: 2, memoryMiB: 64, ...beta },
  ],
  vms: movingVm().vms!.map((vm) => ({ ...vm, restartOn: [] })),
});

/** Outcome of the move, and what belongs to it; the VM must run on where it was. */
function refusal(document: ScenarioDocument): readonly unknown[] {
  const world = builderOf(document).build({ seed: 1 });
  let end: readonly unknown[] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "move") end = [data["outcome"], data["detail"]];
  };
  world.run({ untilNs: fromMs(1_500) });
  expectOneWhole(world, "alpha", String(end[0]));
  return end;
}

describe("a destination", () => {
  it.each([
    ["itself", { to: "alpha" }, {}, "same-host", "alpha"],
    ["without memory", {}, withBeta({ memoryMiB: 4 }), "no-memory", { needsMiB: 8, freeMiB: 4 }],
    ["without cores", {}, withBeta({ cores: 1 }), "no-cores", { needs: 2, has: 1 }],
    ["without a link", {}, { links: movingVm().links!.slice(0, 2) }, "no-link", "beta"],
    [
      "that no link joins to a disk",
      {},
      {
        links: movingVm().links!.filter((_, at) => at !== 1),
        vms: movingVm().vms!.map((vm) => ({ ...vm, restartOn: [] })),
      },
      "no-path",
      "data",
    ],
    [
      "whose only path to a disk is cut",
      {},
      {
        faults: [{ kind: "partition", from: "beta", to: "array", atMs: 250, durationMs: 2_000 }],
      },
      "no-path",
      "array",
    ],
  ])("%s is refused with one reason", (_name, migrate, changes, code, detail) => {
    expect(refusal(movingVm(migrate, 8, changes as never))).toEqual([code, detail]);
  });

  it("that a VM has left in the meantime is no destination of a second move", () => {
    const move = { do: "migrate", vm: "db", to: "beta", minMbps: 500 };
    const timeline = [
      { id: "move", atMs: 300, ...move },
      { id: "second", atMs: 310, ...move },
    ] as unknown as NonNullable<ScenarioDocument["timeline"]>;
    const world = builderOf(movingVm({}, 8, { timeline })).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(900) });
    expect(ended).toMatchObject({ move: "complete", second: "busy" });
    expectOneWhole(world, "beta", "a second move");
  });
});
