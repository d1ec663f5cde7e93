import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  diffWorlds,
  encodeImage,
  type Request,
  restoreWorld,
  type World,
} from "../../kernel/index.ts";
import type { rv64 } from "../../guest/index.ts";
import { giveUpRun, vmOf } from "../index.ts";
import { LoneMachine } from "./lone-machine.ts";
import type { MachineEntity, MachineEntry } from "./machine-state.ts";
import {
  type MachineWorld,
  machinesOf,
  machineWorld,
  type MachineWorldOptions,
  specOf,
} from "./testing/index.ts";

const END_NS = 8_000_000;

const TALKING: MachineWorldOptions = {
  machines: [
    { id: "m1", program: "world/talk", host: 0, peer: "m2" },
    { id: "m2", program: "world/talk", host: 1, peer: "m1" },
    { id: "m3", program: "world/worker", host: 0, disk: true },
  ],
  lossPerMillion: 100_000,
  constants: { epochEvents: 64, epochNs: 3_000_000, metricsIntervalNs: 1_000_000 },
};

function begun(options: Partial<MachineWorldOptions> = {}): MachineWorld {
  const built = machineWorld({ ...TALKING, ...options });
  built.records.forEach((_, at) => built.start(at));
  return built;
}

function finish(world: World, untilNs = END_NS): bigint {
  world.run({ untilNs });
  world.finish();
  return world.root();
}

const machineOf = (built: MachineWorld, at: number): MachineEntity =>
  vmOf(built.records[at]!) as unknown as MachineEntity;

const request = { from: 0, askId: 0, delivery: "stream", via: -1, body: {} } as unknown as Request;

describe("real guests in a world", () => {
  const straight = begun();
  const root = finish(straight.world);

  it("two exchange packets and one works on its disk, to the end", () => {
    const built = begun();
    built.world.run({ untilNs: 60_000_000 });
    expect(built.world.checker.violations).toEqual([]);
    for (const { durable } of built.records) expect(durable.ended).toBe("shutdown");
    const last = Object.values(built.consoles).map((lines) => lines.at(-2));
    expect(last[0]).toMatch(/^frames 2[4-9]|3\d/);
    expect(last[1]).toMatch(/^questions (2[4-9]|3\d)\n/);
    expect(last[2]).toBe("rounds 20\n");
  });

  it("one root at any slice size, and in either engine", () => {
    for (const slice of [1_000, 7_919]) expect(finish(begun({ slice }).world)).toBe(root);
    const short = 2_000_000;
    const compiled = begun();
    const reference = begun({ engine: "reference", slice: 50_000 });
    const roots = [finish(compiled.world, short), finish(reference.world, short)];
    expect(diffWorlds(compiled.world, reference.world)).toEqual([]);
    expect(roots[0]).toBe(roots[1]);
  }, 20_000);

  it("snapshots at any event or instant, restored here or elsewhere, change nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(END_NS), { minLength: 1, maxLength: 8 }), (stops) => {
        let built = begun({ slice: 7_919 });
        for (const [i, untilNs] of [...stops].sort((a, b) => a - b).entries()) {
          const { world } = built;
          if (i % 2 === 0) world.run({ untilEvent: world.eventCount + 1 + (untilNs % 9) });
          else world.run({ untilNs });
          const image = captureWorld(world);
          if (i % 3 === 0) {
            world.run({ untilNs: Math.min(END_NS, world.timeNs + 300_000) });
            restoreWorld(world, image);
            continue;
          }
          const delta = structuredClone(encodeImage(world, image, undefined));
          built = machineWorld({ ...TALKING, slice: 1_000 });
          restoreWorld(built.world, decodeImage(built.world, delta, undefined));
          expect(built.world.stateRoot()).toBe(world.stateRoot());
        }
        expect(finish(built.world)).toBe(root);
      }),
      { numRuns: 8, seed: 11 },
    );
  }, 30_000);

  it("dropping every cache at any instant changes nothing", () => {
    const built = begun();
    for (let event = 1; event < 400 && built.world.timeNs < END_NS; event++) {
      if (built.world.run({ untilNs: END_NS, untilEvent: event * 3 }) !== "event") break;
      for (let at = 0; at < 3; at++) {
        const machine = machineOf(built, at);
        const memory = machine && built.world.memories.get(`${machine.name}#ram`);
        (memory?.backing as { engine: rv64.Engine } | undefined)?.engine.dropCaches();
      }
    }
    expect(finish(built.world)).toBe(root);
  });

  it("canary: an engine that forgets to mark a page is caught", () => {
    const built = begun();
    built.world.run({ untilNs: END_NS / 2 });
    const machine = machineOf(built, 2);
    const { engine } = built.world.memories.get(`${machine.name}#ram`)!.backing as unknown as {
      engine: rv64.Engine;
    };
    const marked = engine.dirtyPages.bind(engine);
    const image = captureWorld(built.world);
    engine.dirtyPages = () => marked().slice(1);
    built.world.run({ untilNs: END_NS });
    restoreWorld(built.world, image);
    expect(finish(built.world)).not.toBe(root);
  });

  it("harts take their turns in orders that are drawn, a new one each round", () => {
    const smp = { id: "m1", program: "board/smp", host: 0, harts: 4 } as const;
    const run = (seed: number, slice: number) => {
      const { world, records, start } = machineWorld({ machines: [smp], slice, gate: { seed } });
      const orders: number[] = [];
      world.hooks.onNotice = ({ kind, data }) => {
        const { input } = data as unknown as MachineEntry;
        if (kind === "boundary" && input.kind === "hart-orders") orders.push(...input.orders);
      };
      start(0);
      world.run({ untilNs: END_NS * 2 });
      expect(records[0]!.durable.ended).toBe("shutdown");
      world.finish();
      return { root: world.root(), orders };
    };
    const first = run(1, 10_000_000);
    expect(first.orders.length).toBeGreaterThan(100);
    expect(new Set(first.orders).size).toBe(24);
    for (const slice of [1_000, 7_919]) expect(run(1, slice)).toEqual(first);
    expect(run(2, 10_000_000).root).not.toBe(first.root);
  });

  it("alone, its progress at every event is exactly that of the instant", () => {
    const [, , worker] = TALKING.machines;
    const built = machineWorld({ machines: [worker!] });
    const machine = built.start(0);
    let checked = 0;
    built.world.hooks.onEvent = ({ timeNs }) => {
      const { board, clock, idleUntil } = machine.volatile;
      if (board === null || idleUntil !== null) return;
      expect(board.progress).toBe(Math.floor((timeNs - clock.sinceNs) / 10) + clock.from);
      checked++;
    };
    built.world.run({ untilNs: END_NS });
    expect(checked).toBeGreaterThan(20);
  });
});

describe("the life of a real guest", () => {
  it("stands still while it is stunned, and goes on where it stood", () => {
    const ends = [0, 3_000_000].map((stunNs) => {
      const built = machineWorld({ machines: [TALKING.machines[2]!] });
      const machine = built.start(0);
      built.world.run({ untilNs: 2_000_003 });
      if (stunNs > 0) {
        built.world.call(machine as never, "stun", request as never);
        const progress = machine.volatile.board!.progress;
        built.world.run({ untilNs: 2_000_003 + stunNs });
        expect(machine.volatile.board!.progress).toBe(progress);
        built.world.call(machine as never, "unstun", request as never);
      }
      built.world.run({ untilNs: 60_000_000 });
      expect(built.records[0]!.durable.ended).toBe("shutdown");
      return { lines: built.consoles["m3"], endNs: built.world.timeNs };
    });
    expect(ends[1]!.lines).toEqual(ends[0]!.lines);
  });

  it("is gone with its host, and starts again from the beginning", () => {
    const built = begun();
    built.world.run({ untilNs: 1_500_000 });
    built.world.crash(built.hosts[0]!, "power");
    expect(built.records.map(({ durable }) => durable.ended)).toEqual([
      "crash",
      "never-run",
      "crash",
    ]);
    expect(built.world.memories.size).toBe(1);
    built.world.restart(built.hosts[0]!);
    built.start(0);
    built.world.run({ untilNs: 3_000_000 });
    expect(built.consoles["m1"]!.filter((line) => line === "asking\n").length).toBe(2);
    expect(built.world.checker.violations).toEqual([]);
  });

  it("that was given up receives nothing more, and its log ends there", () => {
    const built = machineWorld(TALKING);
    const log: MachineEntry[] = [];
    built.world.hooks.onNotice = ({ kind, data }) => {
      const entry = data as unknown as MachineEntry;
      if (kind === "boundary" && entry.vm === "m3") log.push(structuredClone(entry));
    };
    const old = built.start(2);
    built.world.run({ untilNs: 2_300_000 });
    giveUpRun(built.records[2]!);
    const progress = old.volatile.board!.progress;
    expect(log.at(-1)).toMatchObject({ step: progress, input: { kind: "end" } });
    built.start(2);
    built.world.run({ untilNs: 60_000_000 });
    expect(old.volatile.board!.progress).toBe(progress);
    expect(built.records[2]!.durable.ended).toBe("shutdown");
    const lone = new LoneMachine(specOf(TALKING.machines[2]!), machinesOf(["world/worker"]));
    for (const entry of log) expect(lone.take(entry)).toEqual({ ok: true });
    expect(lone.outputs).toEqual(built.records[2]!.durable.outputs);
  });

  it("is built again alone from its boundary log, through crash and restart", () => {
    const logs = new Map<string, MachineEntry[]>();
    const built = machineWorld(TALKING);
    const { onNotice } = built.world.hooks;
    built.world.hooks.onNotice = (notice) => {
      onNotice?.(notice);
      if (notice.kind !== "boundary") return;
      const entry = structuredClone(notice.data) as unknown as MachineEntry;
      logs.set(entry.vm, [...(logs.get(entry.vm) ?? []), entry]);
    };
    built.records.forEach((_, at) => built.start(at));
    built.world.run({ untilNs: 1_500_000 });
    built.world.crash(built.hosts[0]!, "power");
    built.world.restart(built.hosts[0]!);
    built.start(0);
    built.start(2);
    built.world.run({ untilNs: 60_000_000 });
    TALKING.machines.forEach((options, at) => {
      const log = logs.get(options.id)!;
      const again = (entries: readonly MachineEntry[], engine: "compiled" | "reference") => {
        const machines = machinesOf([options.program], { engine, slice: 3_001 });
        const lone = new LoneMachine(specOf(options), machines);
        for (const entry of entries) {
          const taken = lone.take(entry);
          if (!taken.ok) return taken.code;
        }
        const running = machineOf(built, at)?.volatile.board;
        if (running) lone.runTo(running.progress);
        return lone.outputs;
      };
      const { outputs } = built.records[at]!.durable;
      expect(again(log, "compiled")).toEqual(outputs);
      if (at === 1) expect(again(log, "reference")).toEqual(outputs);
      // Canaries: an entry that is missing, and one that comes an instruction late.
      expect(again(log.toSpliced(3, 1), "compiled")).toBe("gap");
      const last = log.findLastIndex(({ input }) => input.kind !== "end");
      const late = log.with(last, { ...log[last]!, step: log[last]!.step + 3_000 });
      expect(again(late, "compiled")).not.toEqual(outputs);
    });
  }, 20_000);
});
