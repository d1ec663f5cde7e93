// Caches are pure: dropping them after every instruction of a guest that edits its own page tables without sfence.vma
// changes nothing. The canary edits the table behind the engine's back and must see the stale translation.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BareMetal, TOHOST } from "./bare-metal.ts";
import { CompiledEngine } from "./compiled/index.ts";
import { readElf } from "./elf.ts";
import { RAM_BASE } from "./layout.ts";
import { image } from "./testing/image.ts";

const FILE = readFileSync(new URL("./samples/paging.elf", import.meta.url));
const LENGTH = 76;

function load() {
  const read = readElf(FILE, [TOHOST, "leaf"]);
  if (!read.ok) throw new Error(read.problem.message);
  const engine = new CompiledEngine({ module: image, ramBytes: 1 << 20, harts: 1 });
  const program = BareMetal.load(engine, read.elf);
  if (!(program instanceof BareMetal)) throw new Error(program.message);
  const leaf = Number(read.elf.symbols.get("leaf")! - BigInt(RAM_BASE)) + 8;
  return { engine, program, leaf };
}

type Loaded = ReturnType<typeof load>;

/** Runs to instruction `at`, interferes, and runs to the end. */
function interfered(at: number, interfere: (loaded: Loaded) => void): bigint {
  const loaded = load();
  loaded.program.advance(at);
  interfere(loaded);
  const result = loaded.program.advance(1000) ?? { outcome: "limit" as const };
  return loaded.program.report(result).stateHash;
}

const UNMAPPED = new Uint8Array(8);

describe("caches of the compiled engine", () => {
  test("may be dropped after every instruction", () => {
    const plain = interfered(0, () => {});
    const dropping = load();
    let outcome = null;
    while (outcome === null) {
      outcome = dropping.program.advance(1);
      dropping.engine.dropCaches();
    }
    expect(outcome).toEqual({ outcome: "pass" });
    expect(dropping.program.report(outcome).instructions).toBe(BigInt(LENGTH));
    expect(dropping.program.report(outcome).stateHash).toBe(plain);
  });

  test("follow a page table that the host writes, at any instruction", () => {
    for (let at = 1; at < LENGTH; at++) {
      const followed = interfered(at, ({ engine, leaf }) => engine.writeRam(leaf, UNMAPPED));
      const dropped = interfered(at, ({ engine, leaf }) => {
        engine.writeRam(leaf, UNMAPPED);
        engine.dropCaches();
      });
      expect(followed, `at ${at}`).toBe(dropped);
    }
  });

  test("canary: stale entries kept are seen", () => {
    const stale = Array.from({ length: LENGTH - 1 }, (_, i) => {
      const kept = interfered(i + 1, ({ engine, leaf }) => engine.ram.set(UNMAPPED, leaf));
      const dropped = interfered(i + 1, ({ engine, leaf }) => {
        engine.ram.set(UNMAPPED, leaf);
        engine.dropCaches();
      });
      return kept !== dropped;
    });
    expect(stale).toContain(true);
  });
});
