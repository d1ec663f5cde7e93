// Programs that are none, and programs that go wrong: a reason as data or the architectural trap, the same in both engines.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CompiledEngine } from "../compiled/index.ts";
import type { Engine } from "../engine.ts";
import * as layout from "../layout.ts";
import { ReferenceEngine } from "../reference/index.ts";
import { image } from "../testing/image.ts";
import { Board } from "./board.ts";
import type { BoardConfig } from "./config.ts";

const ENGINES = ["compiled", "reference"] as const;
const RAM_BYTES = 2 ** 20;
const GOOD = readFileSync(new URL("../samples/primes.elf", import.meta.url));

const CONFIG: BoardConfig = {
  harts: 1,
  memoryMiB: 1,
  quantum: 1000,
  instructionsPerSecond: 100_000_000,
  disks: [],
  nics: [],
  rng: false,
  virtioConsole: false,
  boot: { kind: "elf", file: "f", firmware: false },
};

const engineOf = (kind: (typeof ENGINES)[number]): Engine => {
  const options = { ramBytes: RAM_BYTES, harts: 1 };
  return kind === "reference"
    ? new ReferenceEngine(options)
    : new CompiledEngine({ ...options, module: image });
};

function create(elf: Uint8Array, kind: (typeof ENGINES)[number] = "reference") {
  return Board.create(engineOf(kind), CONFIG, new Map([["f", elf]]));
}

/** The sample with a few bytes replaced. */
function changed(change: (view: DataView) => void): Uint8Array {
  const elf = Uint8Array.from(GOOD);
  change(new DataView(elf.buffer));
  return elf;
}

/** Where the program header of the first segment that is loaded stands. */
function firstSegment(view: DataView): number {
  const size = view.getUint16(54, true);
  for (let at = Number(view.getBigUint64(32, true)); ; at += size) {
    if (view.getUint32(at, true) === 1) return at;
  }
}
const FIRST = firstSegment(new DataView(GOOD.buffer, GOOD.byteOffset));

describe("an ELF file", () => {
  test.each<[string, (view: DataView) => void, RegExp]>([
    ["of 32 bits", (view) => view.setUint8(4, 1), /64/],
    ["of the other byte order", (view) => view.setUint8(5, 2), /little/],
    ["for x86-64", (view) => view.setUint16(18, 62, true), /RISC-V/],
    ["whose segment lies below RAM", (view) => view.setBigUint64(FIRST + 24, 0x1000n, true), /RAM/],
    [
      "whose segment reaches beyond RAM",
      (view) => view.setBigUint64(FIRST + 40, BigInt(RAM_BYTES) + 1n, true),
      /RAM/,
    ],
    [
      "whose segment wraps around",
      (view) => view.setBigUint64(FIRST + 24, 0xffff_ffff_ffff_f000n, true),
      /RAM/,
    ],
    [
      "whose segment reaches beyond the file",
      (view) => view.setBigUint64(FIRST + 8, 1n << 40n, true),
      /segment/,
    ],
    [
      "with more bytes in the file than in memory",
      (view) => view.setBigUint64(FIRST + 40, 1n, true),
      /sizes/,
    ],
  ])("%s is refused by name", (_, change, message) => {
    const made = create(changed(change));
    expect(made.ok).toBe(false);
    if (made.ok) return;
    expect(made.problem.code).toBe("bad-elf");
    expect(made.problem.message).toMatch(message);
  });
});

describe("a guest", () => {
  const runs = (elf: Uint8Array) =>
    ENGINES.map((kind) => {
      const made = create(elf, kind);
      if (!made.ok) throw new Error(made.problem.message);
      const { board } = made;
      expect(board.run(0).outputs.length).toBeGreaterThan(0);
      for (let to = 1_000; to <= 10_000; to += 1_000) board.run(to);
      return board;
    });

  test.each<[string, bigint]>([
    ["where nothing is", 0x1000n],
    ["into a device", 0x1000_0000n],
    ["beyond RAM", 0x8000_0000n + BigInt(RAM_BYTES)],
    ["to the end of the address space", 0xffff_ffff_ffff_fffen],
  ])("that jumps %s traps, for ever if it has no handler", (_, entry) => {
    const boards = runs(changed((view) => view.setBigUint64(24, entry, true)));
    for (const { engine, state } of boards) {
      // Instruction access fault; the handler at 0 is nowhere as well.
      expect(engine.word(0, layout.HART_MCAUSE)).toBe(1n);
      expect(engine.word(0, layout.HART_MEPC)).toBe(0n);
      expect(state.halted).toBeNull();
      expect(state.progress).toBe(10_000);
    }
    expect(boards[0]!.stateHash()).toBe(boards[1]!.stateHash());
  });

  test("that loops for ever is stopped after any number of instructions", () => {
    const loop = changed((view) => {
      // The first segment begins with `j .`, and the entry is there.
      view.setUint32(Number(view.getBigUint64(FIRST + 8, true)), 0x0000_006f, true);
      view.setBigUint64(24, view.getBigUint64(FIRST + 24, true), true);
    });
    const boards = runs(loop);
    for (const { state } of boards) expect(state).toMatchObject({ progress: 10_000, halted: null });
    expect(boards[0]!.stateHash()).toBe(boards[1]!.stateHash());
  });
});
