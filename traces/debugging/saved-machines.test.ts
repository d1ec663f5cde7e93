/** A recorded machine that goes on from snapshots of its trace, held against one that never does. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import { hash64, type World } from "../../core/kernel/index.ts";
import type { MachineConfig } from "../../core/vmm/index.ts";
import { machinesOf, machineWorld, program, specOf } from "../../core/vmm/rv64/testing/index.ts";
import { finish } from "../replaying/sliced.ts";
import { Timeline } from "../replaying/timeline.ts";
import { recordInMemory, runIn } from "../testing/record.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Journey } from "./journey.ts";
import { entriesOf, openGuest } from "./open-guest.ts";
import { EntryLog } from "./entry-log.ts";
import { RecordedBoard } from "./recorded-board.ts";
import type { RecordedMachine } from "./recorded-machine.ts";
import { SavedMachines } from "./saved-machines.ts";

const MACHINES = [
  { id: "m1", program: "world/talk", host: 0, peer: "m2" },
  { id: "m2", program: "world/talk", host: 1, peer: "m1" },
  { id: "m3", program: "world/worker", host: 0, disk: true },
  { id: "m4", program: "board/smp", host: 1, harts: 3 },
] as const;
type Id = (typeof MACHINES)[number]["id"];
const END_NS = 6_000_000;
const machines = machinesOf(MACHINES.map((each) => each.program));
const configOf = (vm: Id): MachineConfig =>
  specOf(MACHINES.find(({ id }) => id === vm)!).config as unknown as MachineConfig;
const always = (): boolean => true;

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

let timeline: Timeline;
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
  const { bytes } = await recordInMemory(worked, { pauseEvery: 16 });
  timeline = new Timeline(runIn(bytes), builder);
}, 30_000);

/** Few and small, so that they are thinned out all the time. */
const TIGHT = { pages: 40, checkpoints: 5 };

function journeyOf(vm: Id, goesBySnapshots: boolean) {
  const made = EntryLog.over(entriesOf(timeline.run, vm));
  if (!made.ok) throw new Error(made.message);
  const { log } = made;
  const { board: config } = configOf(vm);
  const board = new RecordedBoard(configOf(vm), machines, log);
  const saved = new SavedMachines({ timeline: () => timeline, vm, config, log });
  const checkpoints = new Checkpoints(board, TIGHT, goesBySnapshots ? saved : undefined);
  const end = Math.min(log.runs.at(-1)!.end, log.lastPlace + 1_000);
  return { journey: new Journey(board, checkpoints, end), board, saved };
}

const open = (vm: Id): RecordedMachine => {
  const run = { run: timeline.run, builder, vm, config: configOf(vm), machines, timeline };
  const opened = openGuest(run);
  if (!opened.ok) throw new Error(opened.message);
  return opened.target;
};

describe.each(MACHINES.map(({ id }) => id))("%s", (vm) => {
  it("is the same at a place whether it came there by snapshots or not", () => {
    const straight = journeyOf(vm, false);
    const { journey, board, saved } = journeyOf(vm, true);
    const { end } = journey;
    const snapshots = new Set<number>();
    for (let place = end; ;) {
      const found = saved.last(0, place);
      if (found === undefined) break;
      snapshots.add(found.place);
      place = found.place - 1;
    }
    expect(snapshots.size).toBeGreaterThan(1);
    const near = fc
      .constantFrom(...snapshots)
      .chain((place) => fc.nat(300).map((by) => place + by));
    const places = fc.array(fc.oneof(fc.nat(end), near), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(places, fc.array(fc.boolean()), (way, backs) => {
        for (const [i, wanted] of way.entries()) {
          const place = Math.min(wanted, end);
          finish(backs[i] === true ? journey.seekBack(place) : journey.seek(place));
          if (i % 3 === 2) journey.checkpoints.take();
          finish(straight.journey.seek(place));
          expect(board.board.stateHash()).toBe(straight.board.board.stateHash());
        }
      }),
      { numRuns: 20, seed: 5 },
    );
  }, 40_000);
});

it("is what the world of the recording has at the same instant", () => {
  for (const timeNs of [1_234_560, 4_000_010]) {
    const machine = open("m3");
    timeline.seekTime(timeNs);
    finish(machine.seek(machine.placeInWorld(), always));
    const live = timeline.world.memories.get("m3/run-1#ram")!.backing as unknown as {
      engine: rv64.Engine;
    };
    const { ram } = live.engine;
    const bytes = machine.readPhysical(BigInt(rv64.layout.RAM_BASE), ram.length);
    expect(hash64(bytes)).toBe(hash64(ram));
  }
});

it("finds the instruction that last stored somewhere", () => {
  const machine = open("m1");
  const symbols = rv64.symbolsOf(program("world/talk").bytes);
  const place = symbols.find("state")!;
  const dump = (): string => Buffer.from(machine.readPhysical(place, 8)).toString("hex");
  finish(machine.seek(machine.end, always));
  const last = dump();
  const found = finish(machine.lastStore(Number(place), 8, always))!;
  expect(found.place).toBe(machine.place());
  expect(dump()).toBe(last);
  finish(machine.seek(found.place - 1, always));
  expect(machine.instructionAt(found.hart, symbols).text).toMatch(/^(c\.)?sd /);
  expect(dump()).not.toBe(last);
});

it("canary: a snapshot without its pages is noticed", () => {
  const { journey } = journeyOf("m3", true);
  timeline.world.memories.fetchPagesFrom(() => undefined);
  expect(() => finish(journey.seek(journey.end))).toThrow(/no content/);
  timeline.world.memories.fetchPagesFrom(timeline.pages.find);
});
