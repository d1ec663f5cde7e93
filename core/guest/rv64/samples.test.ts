// The sample programs pass in both engines, in slices of any size with the same counts, and the committed ELFs are what
// their sources give.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BareMetal, runBareMetal, TOHOST } from "./bare-metal.ts";
import { CompiledEngine } from "./compiled/index.ts";
import { type Elf, readElf } from "./elf.ts";
import { Machine } from "./machine.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";

const FOLDER = new URL("./samples/", import.meta.url);
const PROGRAMS = ["primes", "newton", "paging"] as const;
const OPTIONS = { ramBytes: 1 << 20, harts: 1 } as const;
const LIMIT = 400_000;

const fileOf = (name: string): Uint8Array => readFileSync(new URL(`${name}.elf`, FOLDER));

function elfOf(name: string): Elf {
  const read = readElf(fileOf(name), [TOHOST]);
  if (!read.ok) throw new Error(read.problem.message);
  return read.elf;
}

const compiled = (): CompiledEngine => new CompiledEngine({ ...OPTIONS, module: image });
const noCompiler = spawnSync("riscv64-unknown-elf-gcc", ["--version"]).status !== 0;

describe("sample programs", () => {
  test.each(PROGRAMS)("%s passes, the same in both engines", (name) => {
    const fast = runBareMetal(compiled(), elfOf(name), LIMIT);
    const plain = runBareMetal(new ReferenceEngine(OPTIONS), elfOf(name), LIMIT);
    expect(fast).toMatchObject({ ok: true, run: { result: { outcome: "pass" } } });
    expect(plain).toEqual(fast);
  });

  test.each(PROGRAMS)("%s counts the same at any slice size", (name) => {
    const runs = [1_000, 7_919, 1_000_000].map((slice) => {
      const program = BareMetal.load(compiled(), elfOf(name));
      if (!(program instanceof BareMetal)) throw new Error(program.message);
      for (;;) {
        const ended = program.advance(slice);
        if (ended !== null) return program.report(ended);
      }
    });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  test("a snapshot continues in the other engine to the same end", () => {
    const first = new Machine(compiled());
    expect(first.loadElf(elfOf("primes"))).toBeNull();
    first.engine.run(0, 30_000);
    const second = new Machine(new ReferenceEngine(OPTIONS));
    second.restore(first.takeSnapshot());
    expect(second.stateHash()).toBe(first.stateHash());
    for (const machine of [first, second]) machine.engine.run(0, 20_000);
    expect(second.stateHash()).toBe(first.stateHash());
  });

  test.skipIf(noCompiler)("are what their sources give (needs gcc-riscv64-unknown-elf)", () => {
    const out = mkdtempSync(join(tmpdir(), "rv64-samples-"));
    try {
      execFileSync("sh", [new URL("build.sh", FOLDER).pathname, out]);
      for (const name of PROGRAMS)
        expect(readFileSync(join(out, `${name}.elf`)).equals(fileOf(name)), name).toBe(true);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});

describe("damaged ELF files", () => {
  test("are refused with a reason, wherever a byte is wrong", () => {
    const good = fileOf("paging");
    for (let at = 0; at < Math.min(good.length, 512); at++) {
      for (const value of [0, 0xff, 0x7f]) {
        const bad = Uint8Array.from(good);
        bad[at] = value;
        const read = readElf(bad, [TOHOST]);
        if (read.ok) new Machine(new ReferenceEngine(OPTIONS)).loadElf(read.elf);
        else expect(read.problem.message).not.toBe("");
      }
    }
    expect(readElf(good.subarray(0, 40)).ok).toBe(false);
    expect(readElf(new Uint8Array(0)).ok).toBe(false);
  });
});
