import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import { hash64, type World } from "../../core/kernel/index.ts";
import { machinesOf, machineWorld, program, specOf } from "../../core/vmm/rv64/testing/index.ts";
import { recordInMemory, runIn } from "../testing/record.ts";
import { Timeline } from "../replaying/timeline.ts";
import { Debugger, type MachineSource, RecordedMachine } from "./index.ts";

const MACHINES = [
  { id: "m1", program: "world/talk", host: 0, peer: "m2" },
  { id: "m2", program: "world/talk", host: 1, peer: "m1" },
  { id: "m3", program: "world/worker", host: 0, disk: true },
] as const;
const END_NS = 6_000_000;

const builder = {
  vms: MACHINES.map(({ id }) => id),
  durationNs: END_NS,
  build: (gate: object): World => {
    const built = machineWorld({ machines: MACHINES, gate, lossPerMillion: 100_000 });
    delete built.world.hooks.onNotice;
    MACHINES.forEach((_, at) => built.start(at));
    return built.world;
  },
};

const source: MachineSource = {
  guestSpec: (vm) => specOf(MACHINES.find(({ id }) => id === vm)!),
  machines: machinesOf(MACHINES.map((each) => each.program)),
};

let timeline: Timeline;
let bytes: Uint8Array;
beforeAll(async () => {
  // So much work beyond what it does that snapshots are taken now and then.
  const worked = {
    ...builder,
    build: (gate: object): World => {
      const world = builder.build(gate);
      const add = world.addWork.bind(world);
      world.addWork = (units) => add(units * 300);
      return world;
    },
  };
  ({ bytes } = await recordInMemory(worked, { pauseEvery: 16 }));
  timeline = new Timeline(runIn(bytes), builder);
}, 30_000);

const machineOf = (vm: string): RecordedMachine => RecordedMachine.open(timeline, source, vm)!;

/** Everything that a machine is. */
function stateOf(machine: RecordedMachine): string {
  const { engine, progress } = machine;
  return `${progress} ${hash64(engine.readHart(0))} ${hash64(engine.ram)}`;
}

describe("a recorded machine", () => {
  it("is the same at a place however it came there", () => {
    expect(timeline.run.snapshots.length).toBeGreaterThan(3);
    const machine = machineOf("m1");
    const straight = machineOf("m1");
    fc.assert(
      fc.property(fc.array(fc.nat(machine.end), { minLength: 2, maxLength: 6 }), (places) => {
        for (const place of places) machine.seek(place);
        straight.seek(0);
        straight.runTo(places.at(-1)!);
        expect(machine.progress).toBe(places.at(-1));
        expect(stateOf(machine)).toBe(stateOf(straight));
      }),
      { numRuns: 12, seed: 5 },
    );
  }, 20_000);

  it("is what the world of the recording has at the same instant", () => {
    for (const timeNs of [1_234_560, 4_000_010]) {
      timeline.seekTime(timeNs);
      const machine = machineOf("m3");
      timeline.seekTime(timeNs);
      machine.seek(machine.placeIn(timeline.world));
      const live = timeline.world.memories.get("m3/run-1#ram")!.backing as unknown as {
        engine: rv64.Engine;
      };
      expect(Buffer.compare(live.engine.ram, machine.engine.ram)).toBe(0);
    }
  });
});

describe("the debugger", () => {
  const symbols = rv64.symbolsOf(program("world/talk").bytes);
  const never = () => Promise.resolve(false);

  it("steps back through every instruction that it stepped", () => {
    const debugged = new Debugger(machineOf("m1"), 20_000);
    const states: string[] = [];
    for (let i = 0; i < 200; i++) {
      states.push(stateOf(debugged.machine));
      debugged.step(0);
    }
    for (const state of states.toReversed()) {
      debugged.stepBack(0);
      expect(stateOf(debugged.machine)).toBe(state);
    }
  });

  it("finds breakpoints backwards where it found them forwards", async () => {
    const debugged = new Debugger(machineOf("m1"), 0);
    debugged.addBreakpoint(symbols.find("send")!);
    const forwards: number[] = [];
    while ((await debugged.continue(0, never)).reason === "breakpoint") {
      forwards.push(debugged.machine.progress);
    }
    expect(forwards.length).toBeGreaterThan(5);
    const backwards: number[] = [];
    while ((await debugged.continueBack(0, never)).reason === "breakpoint") {
      backwards.unshift(debugged.machine.progress);
    }
    expect(backwards).toEqual(forwards);
  });

  it("finds the instruction that last stored somewhere", () => {
    const debugged = new Debugger(machineOf("m1"));
    const { machine } = debugged;
    const place = symbols.find("state")!;
    const found = debugged.lastStore(Number(place), 8, machine.end)!;
    machine.seek(found.progress);
    const after = debugged.dump(place, 8);
    machine.seek(found.progress - 1);
    expect(debugged.instructionAt(0, symbols).text).toMatch(/^(c\.)?sd /);
    expect(debugged.dump(place, 8)).not.toBe(after);
    machine.seek(machine.end);
    expect(debugged.dump(place, 8)).toBe(after);
  });
});
