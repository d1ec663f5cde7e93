/**
 * One root: whatever must not matter does not, and whatever matters does. On a short tour.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  encodeImage,
  hashHex,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import {
  createBuilder,
  openRecordedRun,
  prepareScenario,
  runScenario,
  type ReadyScenario,
} from "../../scenarios/index.ts";
import { MemoryTraceWriter, replayAsync } from "../../traces/index.ts";

const SHORT = ["/durationMs=3400", "/expect=[]", "/faults/0/restartAfterMs=300"];
const END_NS = 3_400_000_000;

async function load(...settings: readonly string[]): Promise<ReadyScenario> {
  const prepared = await prepareScenario("scenarios/tour.ts", {
    settings: [...SHORT, ...settings],
  });
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  return prepared.scenario;
}

function build({ document, inputs, own }: ReadyScenario): World {
  return createBuilder(document, inputs, own).build({ seed: document.seed });
}

function rootOf(scenario: ReadyScenario, untilNs = END_NS): string {
  const world = build(scenario);
  world.run({ untilNs });
  world.finish();
  return hashHex(world.root());
}

async function record(scenario: ReadyScenario, entropy: "seed" | "os", log: "full" | "seed") {
  let writer: MemoryTraceWriter | undefined;
  const run = await runScenario(scenario, {
    entropy,
    log,
    untilNs: END_NS,
    openTrace: (header) => (writer = new MemoryTraceWriter(header)),
  });
  return { run, bytes: writer!.bytes() };
}

async function replayed(bytes: Uint8Array) {
  const opened = await openRecordedRun(bytes);
  if (!opened.ok) throw new Error(opened.message);
  return replayAsync(opened.run, opened.builder, { sameCode: opened.sameCode });
}

let scenario: ReadyScenario;
let root: string;
beforeAll(async () => {
  scenario = await load();
  root = rootOf(scenario);
});

describe("what must not matter", () => {
  it("recording, logging less, and replaying: one root, every value from the log", async () => {
    const { run, bytes } = await record(scenario, "seed", "full");
    expect(run.root).toBe(root);
    const full = await replayed(bytes);
    expect(full).toMatchObject({ verified: true, root });
    expect(full.draws).toMatchObject({ fresh: 0, fromSeed: 0 });
    const seed = await replayed((await record(scenario, "seed", "seed")).bytes);
    expect(seed).toMatchObject({ verified: true, root });
  }, 60_000);

  it("running in a worker thread", async () => {
    const worker = new Worker(new URL("../testing/root-in-worker.mjs", import.meta.url), {
      workerData: { scenario: "scenarios/tour.ts", settings: SHORT, untilNs: END_NS },
    });
    const [posted] = await once(worker, "message");
    expect(posted).toBe(root);
    await worker.terminate();
  }, 60_000);

  it("a hundred snapshots, restored in place and carried to other worlds", () => {
    const straight = build(scenario);
    straight.run({ untilNs: END_NS });
    const last = straight.eventCount;
    let world = build(scenario);
    const initial = captureWorld(world);
    for (let i = 1; i <= 100; i++) {
      const event = Math.floor((((i * 7_919) % 101) / 101) * 30 + (i * (last - 40)) / 100);
      world.run({ untilNs: END_NS, untilEvent: event });
      if (i % 10 !== 0) {
        restoreWorld(world, captureWorld(world));
        world.queue.rebuildIndex();
        continue;
      }
      const delta = structuredClone(encodeImage(world, captureWorld(world), initial));
      const fresh = build(scenario);
      restoreWorld(fresh, decodeImage(fresh, delta, captureWorld(fresh)));
      world = fresh;
    }
    world.run({ untilNs: END_NS });
    world.finish();
    expect(hashHex(world.root())).toBe(root);
  }, 60_000);

  it("an interruption: the trace is whole and replays to where it ended", async () => {
    let writer: MemoryTraceWriter | undefined;
    const run = await runScenario(scenario, {
      entropy: "os",
      log: "full",
      untilNs: END_NS,
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
      signal: { aborted: true },
    });
    expect(run.outcome).toBe("interrupted");
    const again = await replayed(writer!.bytes());
    expect(again).toMatchObject({ verified: true, root: run.root, newDraws: [] });
    expect(again.world.eventCount).toBe(run.world.eventCount);
  }, 60_000);

  it("commands typed while it runs: each takes effect, and replays without anyone typing", async () => {
    const typed = [["nonsense", "stun batch"], ["unstun batch"]];
    let writer: MemoryTraceWriter | undefined;
    const run = await runScenario(scenario, {
      entropy: "seed",
      log: "full",
      untilNs: END_NS,
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
      takeInput: () =>
        (typed.shift() ?? []).map((arg) => ({ target: "driver", handler: "console", arg })),
    });
    expect(run.root).not.toBe(root);
    const kinds = run.summary.operations.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(["stun", "unstun"]));
    const again = await replayed(writer!.bytes());
    expect(again).toMatchObject({ verified: true, root: run.root });
  }, 60_000);

  it("the operating system's randomness: two runs differ, and each replays", async () => {
    const runs = [await record(scenario, "os", "full"), await record(scenario, "os", "full")];
    expect(runs[0]!.run.root).not.toBe(runs[1]!.run.root);
    for (const { run, bytes } of runs) {
      expect(await replayed(bytes)).toMatchObject({ verified: true, root: run.root });
    }
  }, 60_000);
});

/** Numbers that decide something within the first tenths of a second. */
const MATTERS: readonly (readonly [string, number, number])[] = [
  ["/seed", 100, 40],
  ["/hosts/alpha/memoryMiB", 30_000, 10],
  ["/hosts/alpha/scheduler/quantumUs", 4_000, 10],
  ["/hosts/alpha/clock/offsetUs", 1_000, 10],
  ["/arrays/array/writeLatencyUs/median", 91, 20],
  ["/arrays/array/readLatencyUs/p99", 2_001, 20],
  ["/arrays/array/capacityMiB", 200_000, 10],
  ["/links/beta--array/latencyUs", 26, 20],
  ["/links/alpha--array/bandwidthMbps", 9_000, 20],
  ["/vms/web/guest/phases/0/block/0/requestsPerSecond", 601, 20],
  ["/vms/batch/guest/phases/0/block/0/thinkTimeUs", 4_001, 20],
];

describe("what matters", () => {
  it("two hundred changes of a single value give two hundred other roots", async () => {
    const roots = new Set([rootOf(scenario, 620_000_000)]);
    let changes = 0;
    for (const [path, from, count] of MATTERS) {
      for (let i = 0; i < count; i++) {
        roots.add(rootOf(await load(`${path}=${from + i}`), 620_000_000));
        changes++;
      }
    }
    expect(changes).toBe(200);
    expect(roots.size).toBe(201);
  }, 120_000);
});

describe("the tour", () => {
  it("loses an unflushed write while a flush is outstanding", () => {
    const world = build(scenario);
    let lost = 0;
    let flushing = 0;
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "lost-writes") lost += data["writes"] as number;
      if (kind !== "fault") return;
      for (const entity of world.entities()) {
        if (entity.kind !== "virtual-disk") continue;
        const { flights } = world.volatile.get(entity.id) as unknown as { flights: object };
        const bodies = Object.values(flights) as { request: { body: { op: string } } }[];
        flushing += bodies.filter(({ request }) => request.body.op === "flush").length;
      }
    };
    world.run({ untilNs: END_NS });
    expect(lost).toBeGreaterThan(0);
    expect(flushing).toBeGreaterThan(0);
    expect(world.checker.violations).toEqual([]);
  }, 60_000);
});
