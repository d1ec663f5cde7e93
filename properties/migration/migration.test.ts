/** Laws of migration, on whole scenarios: time, bandwidth, dirtied pages, real guests, replay. */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  encodeImage,
  fromMs,
  hashHex,
  type PlainObject,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import {
  createBuilder,
  openRecordedRun,
  prepareDocument,
  prepareScenario,
  runScenario,
  type ScenarioDocument,
} from "../../scenarios/index.ts";
import { MemoryTraceWriter, replayAsync } from "../../traces/index.ts";
import { movingVm } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

type Figures = {
  readonly rounds: readonly { bytes: number; ns: number; dirtiedPages: number }[];
  readonly totalNs: number;
  readonly downtimeNs: number;
  readonly bytesSent: number;
  readonly forced: boolean;
};

const PAGE = 4_096;

/** Figures of each move, by operation, when all are over. */
function moved(document: ScenarioDocument, seed = 1): { [id: string]: Figures } {
  const world = builderOf(document).build({ seed });
  const figures: { [id: string]: Figures } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind !== "operation-end" || data["outcome"] !== "complete") return;
    const own = data["figures"] as PlainObject;
    if (own["rounds"] !== undefined) figures[data["id"] as string] = own as unknown as Figures;
  };
  const wanted = document.timeline!.length;
  const endNs = fromMs(document.durationMs!);
  while (Object.keys(figures).length < wanted && world.timeNs < endNs) {
    world.run({ untilNs: world.timeNs + fromMs(100) });
  }
  world.finish();
  expect(world.checker.violations.map(({ message }) => message)).toEqual([]);
  return figures;
}

/** VMs of so much memory on alpha, that go to beta over links of their own or one of all. */
function movers(
  count: number,
  options: {
    readonly memoryMiB?: number;
    readonly mbps?: number;
    readonly apart?: boolean;
    readonly memory?: PlainObject;
    readonly migrate?: PlainObject;
  },
): ScenarioDocument {
  const { memoryMiB = 64, mbps = 1_000, apart = false, memory, migrate = {} } = options;
  const hosts = apart ? count : 1;
  const ids = Array.from({ length: hosts }, (_, at) => at + 1);
  const phase = { name: "work", durationMs: 100_000, ...(memory && { memory }) };
  return {
    name: "movers",
    seed: 1,
    durationMs: 60_000,
    hosts: ids.flatMap((at) =>
      ["from", "to"].map((side) => ({
        id: `${side}${at}`,
        cores: 4,
        memoryMiB: 4_096,
        nic: { bandwidthMbps: 100_000 },
      })),
    ),
    links: ids.map((at) => ({ between: [`from${at}`, `to${at}`], bandwidthMbps: mbps })),
    vms: Array.from({ length: count }, (_, at) => ({
      id: `vm${at + 1}`,
      host: `from${apart ? at + 1 : 1}`,
      memoryMiB,
      guest: { kind: "workload", bootMs: 10, phases: [phase] },
    })),
    timeline: Array.from({ length: count }, (_, at) => ({
      id: `move${at + 1}`,
      atMs: 100,
      do: "migrate",
      vm: `vm${at + 1}`,
      to: `to${apart ? at + 1 : 1}`,
      minMbps: mbps,
      maxMbps: mbps,
      startUpMs: 0,
      ...migrate,
    })),
  } as never;
}

describe("stop-and-copy of an idle VM", () => {
  it("takes a constant and its bytes over the bandwidth, at 1, 2, 4 and 8 Gbps", () => {
    const constants = [1_000, 2_000, 4_000, 8_000].map((mbps) => {
      const migrate = { algorithm: "stop-and-copy", startUpMs: 40 };
      const { move1 } = moved(movers(1, { memoryMiB: 256, mbps, migrate }));
      expect(move1!.bytesSent).toBe(256 * 2 ** 20);
      // Frames carry 1,460 bytes of 1,538.
      return move1!.downtimeNs - (move1!.bytesSent * 8 * 1_538 * 1e3) / (1_460 * mbps);
    });
    const [least, most] = [Math.min(...constants), Math.max(...constants)];
    expect(least).toBeGreaterThan(fromMs(40));
    expect(most - least).toBeLessThan(fromMs(10));
  });
});

describe("two VMs that move at once", () => {
  it("take about twice as long over one link, and no longer over two", () => {
    const migrate = { algorithm: "stop-and-copy" };
    const alone = moved(movers(1, { migrate }))["move1"]!.totalNs;
    const together = moved(movers(2, { migrate }));
    const apart = moved(movers(2, { migrate, apart: true }));
    for (const { totalNs } of Object.values(together)) {
      expect(totalNs / alone).toBeGreaterThan(1.8);
      expect(totalNs / alone).toBeLessThan(2.1);
    }
    for (const { totalNs } of Object.values(apart)) expect(totalNs / alone).toBeCloseTo(1, 2);
  });
});

describe("a VM that writes", () => {
  it("dirties W (1 - exp(-rt/W)) pages in a round of t, within 3 sigma", () => {
    const workingSetMiB = 32;
    const rate = 20_000;
    const pages = (workingSetMiB * 2 ** 20) / PAGE;
    const memory = {
      workingSetMiB,
      readsPerSecond: 0,
      writesPerSecond: rate,
      distribution: "uniform",
    };
    const migrate = { algorithm: "fixed-rate", maxRounds: 4 };
    let deviation = 0;
    let rounds = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { move1 } = moved(movers(1, { memory, migrate, mbps: 1_000 }), seed);
      for (const { ns, dirtiedPages } of move1!.rounds.slice(0, -1)) {
        // What a trace costs its vCPU is writing that is not done; at most a few percent of it.
        const load = (rate * ns) / 1e9 / pages;
        const expected = pages * (1 - Math.exp(-load));
        const sigma = Math.sqrt(pages * Math.exp(-load) * (1 - (1 + load) * Math.exp(-load)));
        const paid = (dirtiedPages * 2_300 * rate) / 1e9;
        expect(dirtiedPages - expected).toBeLessThan(3 * sigma + 1);
        expect(expected - dirtiedPages).toBeLessThan(3 * sigma + paid + 1);
        deviation += (dirtiedPages - expected) / sigma;
        rounds++;
      }
    }
    expect(rounds).toBeGreaterThan(12);
    expect(Math.abs(deviation / rounds)).toBeLessThan(1.5);
  });

  it("with several working sets dirties the sum of what each of them would", () => {
    const sets = [
      { workingSetMiB: 20, writesPerSecond: 1_500 },
      { workingSetMiB: 2, writesPerSecond: 3_000 },
      { workingSetMiB: 8, writesPerSecond: 600 },
    ].map((set) => ({ ...set, readsPerSecond: 0, distribution: "uniform" }));
    const memory = { ...sets[0]!, furtherSets: sets.slice(1) };
    let worst = 0;
    for (let seed = 1; seed <= 3; seed++) {
      const migrate = { minMbps: 400, maxRounds: 3 };
      const { move1 } = moved(movers(1, { memory, migrate }), seed);
      for (const { ns, dirtiedPages } of move1!.rounds.slice(0, -1)) {
        const dirtied = sets.map(({ workingSetMiB, writesPerSecond }) => {
          const pages = (workingSetMiB * 2 ** 20) / PAGE;
          const left = Math.exp((-writesPerSecond * ns) / 1e9 / pages);
          return { mean: pages * (1 - left), variance: pages * left * (1 - left) };
        });
        const sum = (of: "mean" | "variance"): number =>
          dirtied.reduce((total, each) => total + each[of], 0);
        const deviation = Math.abs(dirtiedPages - sum("mean")) / Math.sqrt(sum("variance") + 1);
        worst = Math.max(worst, deviation);
      }
    }
    expect(worst).toBeLessThan(4);
  });

  it("is stopped by force where it writes faster than the link carries", () => {
    const forced = [2_000, 100_000].map((writesPerSecond) => {
      const memory = {
        workingSetMiB: 512,
        readsPerSecond: 0,
        writesPerSecond,
        distribution: "uniform",
      };
      const { move1 } = moved(movers(1, { memoryMiB: 1_024, memory, mbps: 1_000 }));
      return move1!.forced;
    });
    expect(forced).toEqual([false, true]);
  });

  it("is down for longer by stop-and-copy than at a fixed rate, and for shortest by pre-copy", () => {
    const memory = {
      workingSetMiB: 16,
      readsPerSecond: 0,
      writesPerSecond: 3_000,
      distribution: "zipf",
    };
    const down = ["stop-and-copy", "pre-copy"].map((algorithm) => {
      const migrate = { algorithm, minMbps: 500 };
      return moved(movers(1, { memory, migrate }))["move1"]!.downtimeNs;
    });
    expect(down[0]! / down[1]!).toBeGreaterThan(16);
  });
});

describe("a scenario with a move", () => {
  it("has one root, wherever it is saved and restored", () => {
    const builder = builderOf(movingVm());
    const finish = (world: World): string => {
      world.run({ untilNs: fromMs(700) });
      world.finish();
      return hashHex(world.root());
    };
    const root = finish(builder.build({ seed: 1 }));
    let world = builder.build({ seed: 1 });
    for (const atMs of [310, 333, 401, 440, 452, 455, 460, 500]) {
      world.run({ untilNs: fromMs(atMs) });
      const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
      const fresh = builder.build({ seed: 1 });
      restoreWorld(fresh, decodeImage(fresh, delta, undefined));
      world = fresh;
    }
    expect(finish(world)).toBe(root);
    expect(vmRecordOf(world, "db").durable.host).toBe("beta");
  });
});

describe("a move that cannot be", () => {
  it.each([
    ["to itself", { to: "alpha" }, {}, "same-host"],
    [
      "to a host without memory",
      {},
      {
        hosts: [
          { id: "alpha", cores: 2, memoryMiB: 64 },
          { id: "beta", cores: 2, memoryMiB: 4 },
        ],
        vms: movingVm().vms!.map((vm) => ({ ...vm, restartOn: [] })),
      },
      "no-memory",
    ],
    ["without a link", {}, { links: movingVm().links!.slice(0, 2) }, "no-link"],
    [
      "to where its disks are not",
      {},
      {
        links: movingVm().links!.filter((_, at) => at !== 1),
        vms: movingVm().vms!.map((vm) => ({ ...vm, restartOn: [] })),
      },
      "no-path",
    ],
  ])("%s ends with one code, and the VM runs on", (_name, migrate, changes, code) => {
    const world = builderOf(movingVm(migrate, 8, changes as never)).build({ seed: 1 });
    const outcomes: string[] = [];
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end" && data["id"] === "move") outcomes.push(String(data["outcome"]));
    };
    world.run({ untilNs: fromMs(500) });
    world.finish();
    expect(outcomes).toEqual([code]);
    expect(world.checker.violations).toEqual([]);
    expect(vmRecordOf(world, "db").durable).toMatchObject({ host: "alpha", power: "on" });
  });
});

describe("real machines that move", () => {
  it("go on with the instruction, and to their end; the trace replays", async () => {
    const loaded = await prepareScenario("scenarios/rv64-hello.ts", {});
    if (!loaded.ok) throw new Error(loaded.problems[0]!.message);
    const { hosts, arrays, vms } = loaded.scenario.document;
    const migrate = { do: "migrate", minMbps: 900, stopBelowKiB: 64, startUpMs: 1 };
    const traces = { granularity: "4KiB", tracedBy: "all" };
    const document = {
      name: "moving-machines",
      seed: 3,
      durationMs: 120,
      hosts,
      arrays,
      vms,
      links: [
        { between: ["alpha", "beta"], bandwidthMbps: 1_000, latencyUs: 50 },
        { between: ["alpha", "array"], bandwidthMbps: 10_000, latencyUs: 20 },
        { between: ["beta", "array"], bandwidthMbps: 10_000, latencyUs: 20 },
      ],
      timeline: [
        { id: "move-worker", atMs: 3, vm: "worker", to: "alpha", ...migrate },
        { id: "move-asker", atMs: 5, vm: "asker", to: "beta", ...migrate, ...traces },
      ],
    } as unknown as ScenarioDocument;
    const prepared = await prepareDocument(document, "moving-machines.json");
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    const { scenario } = prepared;
    const world = createBuilder(scenario.document, scenario.inputs, scenario.own, []).build({
      seed: 3,
    });
    const ended: { [id: string]: string } = {};
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end") ended[data["id"] as string] = data["outcome"] as string;
    };
    world.run({ untilNs: fromMs(120) });
    world.finish();
    expect(world.checker.violations.map(({ message }) => message)).toEqual([]);
    expect(ended).toMatchObject({ "move-worker": "complete", "move-asker": "complete" });
    for (const [vm, host] of [
      ["worker", "alpha"],
      ["asker", "beta"],
      ["answerer", "beta"],
    ]) {
      expect(vmRecordOf(world, vm!).durable).toMatchObject({ ended: "shutdown", host, run: 1 });
    }
    let writer: MemoryTraceWriter | undefined;
    const run = await runScenario(scenario, {
      entropy: "seed",
      log: "full",
      untilNs: fromMs(60),
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
    });
    const opened = await openRecordedRun(writer!.bytes());
    if (!opened.ok) throw new Error(opened.message);
    const again = await replayAsync(opened.run, opened.builder, { sameCode: opened.sameCode });
    expect(again).toMatchObject({ verified: true, root: run.root });
  }, 60_000);
});
