// The programs for the board: what they print, and that nothing but files, configuration and inputs decides it: the same
// console, counts and state in both engines, in slices of any size, over a snapshot restored anywhere.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as layout from "../layout.ts";
import { Machine } from "../machine.ts";
import { TestRandom } from "../testing/random.ts";
import { Board } from "./board.ts";
import { TestHost } from "./testing/host.ts";
import { engineFor, powerOn, type Program, PROGRAMS } from "./testing/programs.ts";

const LIMIT = 2_000_000;
const DELAY = 3_000;

interface Report {
  readonly console: string;
  readonly progress: number;
  readonly retired: bigint;
  readonly stateHash: bigint;
  readonly halted: unknown;
}

function report(board: Board, host: TestHost): Report {
  let retired = 0n;
  for (let hart = 0; hart < board.config.harts; hart++)
    retired += new Machine(board.engine).retired(hart);
  return {
    console: host.console,
    progress: board.progress(),
    retired,
    stateHash: board.stateHash(),
    halted: board.state.halted,
  };
}

function run(program: Program, kind: "compiled" | "reference", slice: number): Report {
  const board = powerOn(kind, program);
  const host = new TestHost(board, program.typed, DELAY);
  host.drive(board, slice, LIMIT);
  return report(board, host);
}

/** The same machine in another engine: hart blocks, RAM and the board's state are all there is. */
function move(board: Board, program: Program, kind: "compiled" | "reference"): Board {
  const engine = engineFor(kind, program);
  engine.writeRam(0, board.engine.ram.slice());
  for (let hart = 0; hart < board.config.harts; hart++)
    engine.writeHart(hart, board.engine.readHart(hart));
  return new Board(engine, board.config, structuredClone(board.state));
}

describe.each(PROGRAMS)("$name", (program) => {
  const plain = run(program, "compiled", 10_000_000);

  test("passes and prints what it should", () => {
    expect(plain.halted, plain.console).not.toBeNull();
    expect(["0", "none"], plain.console).toContain(
      (plain.halted as { code?: string; reason?: string }).code ?? "none",
    );
    for (const line of program.prints) expect(plain.console).toContain(line);
  });

  test("is the same again, in slices of any size, in both engines", () => {
    expect(run(program, "compiled", 10_000_000)).toEqual(plain);
    for (const slice of [1_000, 7_919]) expect(run(program, "compiled", slice)).toEqual(plain);
    for (const slice of [7_919, 10_000_000])
      expect(run(program, "reference", slice)).toEqual(plain);
  });

  test("goes on the same from snapshots at random points, caches dropped", () => {
    const random = new TestRandom(program.name.length);
    for (let round = 0; round < 3; round++) {
      let board = powerOn("compiled", program);
      const host = new TestHost(board, program.typed, DELAY);
      const slice = 1 + Math.ceil(plain.progress / (3 + random.below(20)));
      board = host.drive(board, slice, LIMIT, () => {
        board = random.chance(50) ? move(board, program, "compiled") : board;
        board.engine.dropCaches();
        return board;
      });
      expect(report(board, host)).toEqual(plain);
    }
  });
});

const noCompiler = spawnSync("riscv64-unknown-elf-gcc", ["--version"]).status !== 0;
const FOLDER = new URL("../samples/board/", import.meta.url);

test.skipIf(noCompiler)("are what their sources give (needs gcc-riscv64-unknown-elf)", () => {
  const out = mkdtempSync(join(tmpdir(), "rv64-board-"));
  try {
    execFileSync("sh", [new URL("build.sh", FOLDER).pathname, out]);
    for (const { name } of PROGRAMS) {
      const kept = readFileSync(new URL(`${name}.elf`, FOLDER));
      expect(readFileSync(join(out, `${name}.elf`)).equals(kept), name).toBe(true);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});

describe("what must not matter", () => {
  const smp = PROGRAMS.find(({ name }) => name === "smp")!;

  test("canary: a hart order and a quantum do matter, and so does one input's progress", () => {
    const plain = run(smp, "compiled", 1_000);
    const board = powerOn("compiled", smp);
    const order = { at: 300, input: { kind: "hart-orders", orders: [13] } } as const;
    const host = new TestHost(board, [order], DELAY);
    host.drive(board, 1_000, LIMIT);
    expect(host.console).toBe(plain.console);
    expect(board.stateHash()).not.toBe(plain.stateHash);

    const other = { ...smp, config: { ...smp.config, quantum: 501 } };
    expect(run(other, "compiled", 1_000).stateHash).not.toBe(plain.stateHash);

    const echo = PROGRAMS.find(({ name }) => name === "echo")!;
    const typed = echo.typed.map((timed) => ({ ...timed, at: timed.at + 1 }));
    expect(run({ ...echo, typed }, "compiled", 1_000).stateHash).not.toBe(
      run(echo, "compiled", 1_000).stateHash,
    );
  });

  test("waiting costs progress, not instructions", () => {
    const timer = PROGRAMS.find(({ name }) => name === "timer")!;
    const { progress, retired } = run(timer, "compiled", 10_000_000);
    expect(Number(retired)).toBeLessThan(progress / 10);
  });

  test("the list of inputs alone re-executes the machine", () => {
    const net = PROGRAMS.find(({ name }) => name === "net")!;
    const first = powerOn("compiled", net);
    const host = new TestHost(first, net.typed, DELAY);
    host.drive(first, 10_000_000, LIMIT);
    const again = powerOn("reference", net);
    for (const { at, input } of host.inputs) {
      while (again.progress() < at) again.run(at);
      again.deliver(input);
    }
    while (again.state.halted === null) again.run(LIMIT);
    expect(again.stateHash()).toBe(first.stateHash());
    expect(again.engine.word(0, layout.HART_PROGRESS)).toBe(
      first.engine.word(0, layout.HART_PROGRESS),
    );
  });
});
