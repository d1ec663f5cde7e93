/**
 * Real guests in whole scenarios: one root whatever must not matter, traces that replay, seek and
 * rebuild a guest alone.
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  diffWorlds,
  encodeImage,
  hashHex,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import {
  createBuilder,
  openRecordedRun,
  type OpenedRun,
  prepareDocument,
  prepareScenario,
  type ReadyScenario,
  runScenario,
  type ScenarioDocument,
} from "../../scenarios/index.ts";
import { MemoryTraceWriter, replayAsync, Timeline } from "../../traces/index.ts";

type Opened = Extract<OpenedRun, { readonly ok: true }>;

async function record(scenario: ReadyScenario, untilNs: number) {
  let writer: MemoryTraceWriter | undefined;
  const run = await runScenario(scenario, {
    entropy: "seed",
    log: "full",
    untilNs,
    openTrace: (header) => (writer = new MemoryTraceWriter(header)),
  });
  return { run, bytes: writer!.bytes() };
}

async function opened(bytes: Uint8Array): Promise<Opened> {
  const result = await openRecordedRun(bytes);
  if (!result.ok) throw new Error(result.message);
  return result;
}

const build = ({ document, inputs, own }: ReadyScenario, slice?: number): World =>
  createBuilder(document, inputs, own, [], slice).build({ seed: document.seed });

describe("two guests that exchange packets over a link, and one on a disk of an array", () => {
  const END_NS = 40_000_000;
  let scenario: ReadyScenario;
  beforeAll(async () => {
    const prepared = await prepareScenario("scenarios/rv64-hello.ts", {});
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    scenario = prepared.scenario;
  });

  it("end in good order, with one root at three slice sizes, recorded or not", async () => {
    const roots = [1_000, 7_919, 10_000_000].map((slice) => {
      const world = build(scenario, slice);
      world.run({ untilNs: END_NS });
      world.finish();
      expect(world.checker.violations).toEqual([]);
      return hashHex(world.root());
    });
    const { run, bytes } = await record(scenario, END_NS);
    expect(new Set([...roots, run.root]).size).toBe(1);
    for (const { durable } of [...run.world.entities()].filter(({ kind }) => kind === "vm-record"))
      expect(durable["ended"]).toBe("shutdown");
    const { run: recorded, builder, sameCode } = await opened(bytes);
    const again = await replayAsync(recorded, builder, { sameCode });
    expect(again).toMatchObject({ verified: true, root: run.root });
    expect(again.draws).toMatchObject({ fresh: 0, fromSeed: 0 });
  }, 30_000);

  it("go on the same from fifty snapshots, here and in other worlds", () => {
    const straight = build(scenario);
    straight.run({ untilNs: END_NS });
    const last = straight.eventCount;
    straight.finish();
    let world = build(scenario, 7_919);
    const initial = captureWorld(world);
    for (let i = 1; i <= 50; i++) {
      const event = Math.floor(((i - 1) * last) / 50) + ((i * 7_919) % Math.floor(last / 50));
      if (i % 5 === 0) world.run({ untilNs: Math.max(world.timeNs, (i * END_NS) / 70) });
      else world.run({ untilNs: END_NS, untilEvent: Math.max(world.eventCount, event) });
      if (i % 10 !== 0) {
        restoreWorld(world, captureWorld(world));
        continue;
      }
      const delta = structuredClone(encodeImage(world, captureWorld(world), initial));
      const fresh = build(scenario, 1_000);
      restoreWorld(fresh, decodeImage(fresh, delta, captureWorld(fresh)));
      world = fresh;
    }
    world.run({ untilNs: END_NS });
    world.finish();
    expect(diffWorlds(straight, world)).toEqual([]);
    expect(hashHex(world.root())).toBe(hashHex(straight.root()));
  }, 30_000);
});

/** Computes without any event for three quarters of a second of simulated time. */
const SPINNING: ScenarioDocument = {
  name: "spinning",
  durationMs: 800,
  hosts: [{ id: "alpha", cores: 1, memoryMiB: 1_024 }],
  vms: [
    {
      id: "spin",
      host: "alpha",
      memoryMiB: 2,
      guest: { kind: "rv64", file: "core/guest/rv64/samples/world/spinner.elf" },
    },
  ],
};

describe("a guest that computes without any event", () => {
  let scenario: ReadyScenario;
  let bytes: Uint8Array;
  let root = "";
  beforeAll(async () => {
    const prepared = await prepareDocument(SPINNING, "spinning.json");
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    scenario = prepared.scenario;
    const recorded = await record(scenario, 300_000_000);
    bytes = recorded.bytes;
    root = recorded.run.root;
  }, 30_000);

  it("is saved between two instructions, and any instant is found again", async () => {
    const { run, builder } = await opened(bytes);
    expect(run.snapshots.length).toBeGreaterThan(1);
    expect(run.snapshots.some(({ between }) => between)).toBe(true);
    const timeline = new Timeline(run, builder);
    for (const timeNs of [299_000_017, 40_000_003, 170_000_000, 170_000_001, 300_000_000]) {
      timeline.seekTime(timeNs);
      const straight = build(scenario);
      straight.run({ untilNs: timeNs });
      expect(timeline.world.timeNs).toBe(timeNs);
      expect(timeline.world.stateRoot()).toBe(straight.stateRoot());
    }
    timeline.seekEvent(1);
    const first = build(scenario);
    first.run({ untilEvent: 1 });
    expect(timeline.world.stateRoot()).toBe(first.stateRoot());
  }, 30_000);

  it("replays to the instant at which the recording ended", async () => {
    const { run, builder, sameCode } = await opened(bytes);
    const again = await replayAsync(run, builder, { sameCode });
    expect(again).toMatchObject({ verified: true, root });
  }, 30_000);

  it("can be interrupted; the trace is whole and replays to where it ended", async () => {
    let writer: MemoryTraceWriter | undefined;
    const run = await runScenario(scenario, {
      entropy: "seed",
      log: "full",
      untilNs: 300_000_000,
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
      signal: { aborted: true },
    });
    expect(run.outcome).toBe("interrupted");
    expect(run.world.timeNs).toBeLessThan(200_000_000);
    const { run: recorded, builder, sameCode } = await opened(writer!.bytes());
    const again = await replayAsync(recorded, builder, { sameCode });
    expect(again).toMatchObject({ verified: true, root: run.root });
  }, 30_000);

  it("a line typed while it runs reaches the console of another guest, and replays", async () => {
    const [spin] = SPINNING.vms!;
    const guest = { kind: "rv64", file: "core/guest/rv64/samples/board/echo.elf" } as const;
    const echo = { ...spin!, id: "echo", guest };
    const both = await prepareDocument({ ...SPINNING, vms: [spin!, echo] }, "both.json");
    if (!both.ok) throw new Error(both.problems[0]!.message);
    const typed = [[], ["type echo hello there"], ["type echo "]];
    let writer: MemoryTraceWriter | undefined;
    const shown: string[] = [];
    const run = await runScenario(both.scenario, {
      entropy: "seed",
      log: "full",
      untilNs: 400_000_000,
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
      takeInput: () =>
        (typed.shift() ?? []).map((arg) => ({ target: "driver", handler: "console", arg })),
    });
    const { run: recorded, builder, sameCode } = await opened(writer!.bytes());
    const again = await replayAsync(recorded, builder, { sameCode });
    expect(again).toMatchObject({ verified: true, root: run.root });
    const timeline = new Timeline(recorded, builder);
    timeline.world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "console-output" && data["vm"] === "echo") shown.push(String(data["text"]));
    };
    timeline.play(Infinity);
    expect(shown).toEqual(["type\n", "> hello there\n", "> \n", "lines 2\n"]);
  }, 30_000);

  it("canary: a trace without its pages cannot be sought in", async () => {
    const { run, builder } = await opened(bytes);
    const timeline = new Timeline(run, builder);
    timeline.world.memories.fetchPagesFrom(() => undefined);
    expect(() => timeline.seekTime(299_000_000)).toThrow(/no content with hash/);
  });
});
