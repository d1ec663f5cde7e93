// Caches are pure: dropped at random instructions of a guest that clears accessed and dirty bits and exchanges mappings
// without sfence.vma, they change nothing. The canary edits its table behind the engine's back: stale entries show.

import { describe, expect, test } from "vitest";
import { readElf } from "../elf.ts";
import { RAM_BASE } from "../layout.ts";
import { TestRandom } from "../testing/random.ts";
import type { Board } from "./board.ts";
import { fileOf, powerOn, PROGRAMS } from "./testing/programs.ts";

const ACCESSED = PROGRAMS.find(({ name }) => name === "accessed")!;
const LIMIT = 2_000_000;

function runTo(board: Board, until: number): void {
  while (board.state.halted === null && board.progress() < until) board.run(until);
}

/** Runs to the end in pieces of random length with something done between them. */
function run(seed: number, longest: number, between: (board: Board) => void): Board {
  const random = new TestRandom(seed);
  const board = powerOn("compiled", ACCESSED);
  while (board.state.halted === null && board.progress() < LIMIT) {
    board.run(board.progress() + 1 + random.below(longest));
    between(board);
  }
  return board;
}

describe("caches under a guest that edits its tables", () => {
  const plain = run(1, 1_000_000, () => {}).stateHash();

  test.each([1, 2, 3])("may be dropped at random instructions (%i)", (seed) => {
    const board = run(seed, 300, ({ engine }) => engine.dropCaches());
    expect(board.state.halted).toEqual({ kind: "exit", code: "0" });
    expect(board.stateHash()).toBe(plain);
  });

  test("canary: entries kept over an edit are seen", () => {
    const read = readElf(fileOf("accessed"), ["leaf"]);
    if (!read.ok) throw new Error(read.problem.message);
    const leaf = Number(read.elf.symbols.get("leaf")!) - RAM_BASE;
    // Once, at one instant: with the engine told, behind its back, or so with caches dropped.
    const clearedAt = (at: number, how: "told" | "stale" | "dropped"): bigint => {
      const board = powerOn("compiled", ACCESSED);
      runTo(board, at);
      const entries = board.engine.ram.slice(leaf, leaf + 16 * 8);
      for (let i = 0; i < entries.length; i += 8) entries[i]! &= ~0xc0;
      if (how === "told") board.engine.writeRam(leaf, entries);
      else board.engine.ram.set(entries, leaf);
      if (how === "dropped") board.engine.dropCaches();
      runTo(board, LIMIT);
      return board.stateHash();
    };
    const seen = Array.from({ length: 30 }, (_, i) => {
      const at = 20_000 + i * 377;
      expect(clearedAt(at, "told")).toBe(clearedAt(at, "dropped"));
      return clearedAt(at, "stale") !== clearedAt(at, "dropped");
    });
    expect(seen).toContain(true);
  });
});
