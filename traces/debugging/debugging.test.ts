import { spawnSync } from "node:child_process";
import { createServer, type Server } from "node:net";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import { hash64, type World } from "../../core/kernel/index.ts";
import { machinesOf, machineWorld, program, specOf } from "../../core/vmm/rv64/testing/index.ts";
import { recordInMemory, runIn } from "../testing/record.ts";
import { Timeline } from "../replaying/timeline.ts";
import {
  Debugger,
  gdbPacket,
  GdbReader,
  GdbStub,
  type MachineSource,
  RecordedMachine,
} from "./index.ts";
import { TARGET_XML } from "./gdb-target.ts";

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

function stubOf(vm: string): GdbStub {
  const debugged = new Debugger(machineOf(vm));
  return new GdbStub(debugged, timeline, 100_000_000, () => Promise.resolve(false));
}

describe("the stub", () => {
  it("is not harmed by any bytes", async () => {
    const stub = stubOf("m2");
    const packets = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc
        .tuple(
          fc.constantFrom(
            "m",
            "p",
            "Z0,",
            "Z2,",
            "z1,",
            "H",
            "T",
            "qRcmd,",
            "vCont;",
            "M",
            "X",
            "b",
          ),
          fc.stringMatching(/^[0-9a-f,:;]{0,40}$/),
        )
        .map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(packets, async (packet) => {
        if (/^[cCsSbDk]|^vCont;[cCsS]/.test(packet)) return;
        const answer = await stub.answer(packet);
        expect(typeof answer).toBe("string");
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.string(), (noise, text) => {
        const reader = new GdbReader();
        for (const piece of noise) reader.take(piece);
        const ascii = text.replace(/[^ -~]/g, "");
        reader.take(Buffer.from("#00"));
        const tokens = reader.take(Buffer.from(gdbPacket(ascii), "latin1"));
        expect(tokens.at(-1)).toEqual({ kind: "packet", text: ascii });
      }),
      { numRuns: 200 },
    );
  });

  it("answers with all registers, its description in pieces, and refuses to change anything", async () => {
    const stub = stubOf("m1");
    expect((await stub.answer("g"))!.length).toBe(33 * 16);
    let read = "";
    for (;;) {
      const answer = (await stub.answer(
        `qXfer:features:read:target.xml:${read.length.toString(16)},fff`,
      ))!;
      read += answer.slice(1);
      if (answer.startsWith("l")) break;
    }
    expect(read).toBe(TARGET_XML);
    for (const packet of ["G00", "P0=00", "M80000000,1:00", "X80000000,0:"]) {
      expect(await stub.answer(packet)).toBe("E01");
    }
    expect(await stub.answer("m0,8")).toBe("E01");
    expect(await stub.answer("m80000000,4")).toBe("732540f1");
    expect(await stub.answer("bc")).toMatch(/^T05replaylog:begin;/);
    expect(await stub.answer("c")).toMatch(/^T05replaylog:end;/);
  });
});

const noGdb = spawnSync("gdb-multiarch", ["--version"]).status !== 0;

describe.skipIf(noGdb)("gdb (needs gdb-multiarch)", () => {
  it("reverse-continues to a function and prints the right registers", async () => {
    const stub = stubOf("m1");
    const { server, port } = await listening(stub);
    const script = [
      "set pagination off",
      `target remote 127.0.0.1:${port}`,
      "break send",
      "reverse-continue",
      'printf "AT %lx %lx\\n", $pc, $a0',
      "reverse-stepi",
      "stepi",
      'printf "AGAIN %lx\\n", $pc',
      "delete",
      "reverse-continue",
      "detach",
    ];
    const args = script.flatMap((line) => ["-ex", line]);
    const elf = new URL("../../core/guest/rv64/samples/world/talk.elf", import.meta.url).pathname;
    const { execFile } = await import("node:child_process");
    const out = await new Promise<string>((resolve) => {
      execFile("gdb-multiarch", ["-batch", "-nx", ...args, elf], (_error, stdout) =>
        resolve(stdout),
      );
    });
    server.close();
    const machine = machineOf("m1");
    const debugged = new Debugger(machine);
    const symbols = rv64.symbolsOf(program("world/talk").bytes);
    const at = /AT ([0-9a-f]+) ([0-9a-f]+)/.exec(out)!;
    const pc = BigInt(`0x${at[1]!}`);
    expect(symbols.nameOf(pc)).toMatch(/^send/);
    debugged.addBreakpoint(pc);
    await debugged.continueBack(0, () => Promise.resolve(false));
    expect(machine.engine.word(0, rv64.layout.HART_X + 80)).toBe(BigInt(`0x${at[2]!}`));
    expect(out).toContain(`AGAIN ${at[1]!}`);
    expect(out).toContain("No more reverse-execution history");
  }, 30_000);
});

/** The stub on a port of the loopback, for one connection. */
function listening(stub: GdbStub): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    const reader = new GdbReader();
    let busy = Promise.resolve();
    socket.on("data", (data: Buffer) => {
      for (const token of reader.take(data)) {
        if (token.kind !== "packet") continue;
        if (stub.acknowledges) socket.write("+");
        const earlier = busy;
        busy = (async () => {
          await earlier;
          const answer = await stub.answer(token.text);
          if (answer !== undefined) socket.write(gdbPacket(answer), "latin1");
        })();
      }
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({ server, port: (server.address() as { port: number }).port }),
    );
  });
}
