/**
 * Post-copy: a VM that goes on at its destination before its pages are there. What it reads is what it
 * wrote, whichever of the two hosts or the link is lost, or it is lost and restarted; it never runs twice.
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  captureWorld,
  type Entity,
  fromMs,
  type PlainObject,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { powerStateOf, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import { createBuilder, prepareDocument, type ScenarioDocument } from "../../scenarios/index.ts";
import {
  type CrashPoint,
  crashPoints,
  outcomesOf,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { movingVm, tellLink } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const POST_COPY = { algorithm: "post-copy", maxMbps: 200, startUpMs: 1, patienceMs: 2_000 };
const END_NS = fromMs(9_000);

const domain = (world: World, name: string): number => world.registry.domainNamed(name)!;

function expectOneWhole(world: World, where: string): void {
  world.finish();
  expect(violations(world), where).toEqual([]);
  expect(powerStateOf(vmRecordOf(world, "db")), where).toBe("running");
  expect(world.activeOperations, where).toBe(0);
  const memories = [...world.entities()].filter(({ kind }) => kind === "guest-memory");
  expect(memories, where).toHaveLength(1);
  expect((memories[0]!.volatile as { clients: unknown[] }).clients, where).toEqual([]);
  expect([...world.entities()].filter(({ kind }) => kind === "post-copy-fetcher")).toEqual([]);
}

describe("a post-copy move", () => {
  let world: World;
  let image: WorldImage;
  let points: readonly CrashPoint[];

  beforeAll(() => {
    world = builderOf(movingVm(POST_COPY)).build({ seed: 1 });
    world.run({ untilNs: fromMs(300) - 1 });
    image = captureWorld(world);
    points = crashPoints(world, fromMs(1_500), (id) => /^(move|db.start-run)/.test(id));
  });

  it("is a short stop, and then brings each page once", () => {
    restoreWorld(world, image);
    let figures: PlainObject = {};
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end" && data["id"] === "move")
        figures = data["figures"] as PlainObject;
    };
    world.run({ untilNs: fromMs(1_500) });
    world.hooks = {};
    expectOneWhole(world, "undisturbed");
    expect(vmRecordOf(world, "db").durable).toMatchObject({ host: "beta", run: 1 });
    const { downtimeNs, totalNs, bytesSent, faults } = figures as { [figure: string]: number };
    expect(downtimeNs!).toBeLessThan(fromMs(10));
    expect(totalNs!).toBeGreaterThan(fromMs(300));
    expect(faults!).toBeGreaterThan(10);
    expect(bytesSent!).toBeGreaterThanOrEqual(8 * 2 ** 20);
    expect(bytesSent!).toBeLessThan(8.2 * 2 ** 20);
  });

  it("is over before the machine is saved", () => {
    const move = movingVm(POST_COPY).timeline![0]!;
    const save = {
      id: "save",
      after: "move.handOver",
      delayMs: 20,
      do: "checkpoint",
      vm: "db",
      on: "array",
    };
    const document = { ...movingVm(POST_COPY), timeline: [move, save] as never };
    const saving = builderOf(document).build({ seed: 1 });
    const fills: { [at: string]: boolean } = {};
    saving.hooks.onNotice = ({ kind, data }) => {
      const at = kind === "operation" ? String(data["id"]) : kind;
      if (at !== "save" && at !== "checkpoint-instant") return;
      const { clients } = saving.named("db/run-1-on-beta/memory").volatile as never as {
        clients: readonly { name: string }[];
      };
      fills[at] = clients.some(({ name }) => name === "post-copy");
    };
    saving.run({ untilNs: fromMs(2_000) });
    expect(fills).toEqual({ save: true, "checkpoint-instant": false });
    expectOneWhole(saving, "saved");
  });

  it.each([
    ["the source", 600, "alpha"],
    ["the destination", 600, "beta"],
    ["the array", 400, "array"],
    ["the link for a moment", 300, ""],
    ["the link for long", 3_500, ""],
  ])(
    "survives the loss of %s, or is lost and restarted",
    (name, awayMs, lost) => {
      const runs = new Set<number>();
      for (const { event, at } of sampled(points, 10, name.length)) {
        restoreWorld(world, image);
        world.run({ untilEvent: event });
        if (lost === "") tellLink(world, "cut");
        else world.crash(domain(world, lost), "test");
        world.run({ untilNs: world.timeNs + fromMs(awayMs) });
        if (lost === "") tellLink(world, "heal");
        else world.restart(domain(world, lost));
        world.run({ untilNs: END_NS });
        expectOneWhole(world, `${name} lost at ${at}, after event ${event}`);
        runs.add(vmRecordOf(world, "db").durable.run);
      }
      expect(runs).toContain(name.startsWith("the link for a") || lost === "array" ? 1 : 2);
    },
    120_000,
  );

  /** The world while pages are pushed. */
  function whilePushing(after = 20): Entity {
    restoreWorld(world, image);
    const pushes = points.filter(({ at }) => at.split(", ").includes("pushed"));
    world.run({ untilEvent: pushes[after]!.event });
    return vmOf(vmRecordOf(world, "db")) as unknown as Entity;
  }

  it("stands still while the link is cut and goes on when it returns", () => {
    const run = whilePushing(1);
    tellLink(world, "cut");
    world.run({ untilNs: world.timeNs + fromMs(1_000) });
    expect(powerStateOf(vmRecordOf(world, "db"))).toBe("stunned");
    tellLink(world, "heal");
    world.run({ untilNs: world.timeNs + fromMs(2_000) });
    expectOneWhole(world, "healed");
    expect(vmOf(vmRecordOf(world, "db"))!.id).toBe(run.id);
  });

  it("canary: a page that is another than it was is noticed as it comes", () => {
    whilePushing();
    const source = world.named("db/run-1/memory");
    const stamps = world.arrays.get(`${source.name}#pages`)!;
    for (let page = 0; page < stamps.length; page++) stamps.set(page, stamps.get(page) + 8);
    world.run({ untilNs: world.timeNs + fromMs(300) });
    expect(violations(world).join()).toMatch(/pages of db are not what they were/);
  });

  it("canary: a page that comes over one that the guest wrote since is noticed", () => {
    const run = whilePushing(1);
    const memory = `${run.name}/memory`;
    world.run({ untilNs: world.timeNs + fromMs(20) });
    const absent = world.arrays.get(`${memory}#post-copy.armed`)!;
    // Of its working set what is there was needed, and most of that was written.
    for (let word = 0; word < 16; word++) absent.set(word, 0xffff_ffff);
    world.run({ untilNs: world.timeNs + fromMs(600) });
    expect(violations(world).join()).toMatch(/newer pages of db are lost/);
  });
});

describe("a real machine", () => {
  /** One machine of a program, which moves at these times. */
  async function lived(atMs: readonly number[], program = "newton.elf") {
    const disks = program === "newton.elf" ? [] : [{ id: "data", on: "array", sizeMiB: 1 }];
    const hosts = ["alpha", "beta"];
    const document = {
      name: "moving-machine",
      seed: 1,
      durationMs: 2_000,
      hosts: hosts.map((id) => ({ id, cores: 2, memoryMiB: 1_024 })),
      arrays: [{ id: "array", readLatencyUs: 100, writeLatencyUs: 80 }],
      links: [{ between: hosts }, ...hosts.map((id) => ({ between: [id, "array"] }))],
      vms: [
        {
          id: "m",
          host: "alpha",
          memoryMiB: 2,
          guest: {
            kind: "rv64",
            file: `core/guest/rv64/samples/${program}`,
            instructionsPerSecond: 1_000_000,
          },
          disks,
        },
      ],
      timeline: atMs.map((at, i) => ({
        id: `move${i}`,
        atMs: at,
        do: "migrate",
        vm: "m",
        to: hosts[1 - (i % 2)],
        ...POST_COPY,
        maxMbps: 4_000,
      })),
    } as unknown as ScenarioDocument;
    const prepared = await prepareDocument(document, "machine");
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    const { document: whole, inputs, own } = prepared.scenario;
    const builder = createBuilder(whole, inputs, own, []);
    const world = builder.build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(2_000) });
    world.finish();
    expect(violations(world)).toEqual([]);
    expect(vmRecordOf(world, "m").durable).toMatchObject({ ended: "shutdown", run: 1 });
    return { output: builder.outputs(world)["m"], ended };
  }

  it("computes what it would have, wherever its pages are", async () => {
    const { output } = await lived([]);
    for (const shift of [0, 5.2, 11.7]) {
      const moved = await lived([1 + shift, 17 + shift]);
      expect(moved.ended).toMatchObject({ move0: "complete", move1: "complete" });
      expect(moved.output).toEqual(output);
    }
  }, 60_000);

  it("whose devices need pages waits for them", async () => {
    for (const atMs of [3, 11, 29]) {
      const { ended } = await lived([atMs], "world/worker.elf");
      expect(ended).toMatchObject({ move0: "complete" });
    }
  }, 60_000);
});
