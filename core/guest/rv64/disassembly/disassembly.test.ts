// Held against objdump: on the programs of samples, and on random words that are instructions of this machine.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readElf } from "../elf.ts";
import { TestRandom } from "../testing/random.ts";
import { disassemble } from "./index.ts";

const SAMPLES = new URL("../samples/", import.meta.url);
const OBJDUMP = "riscv64-unknown-elf-objdump";
const noObjdump = spawnSync(OBJDUMP, ["--version"]).status !== 0;

/** Lines of objdump: address, and text with single spaces and without symbols and comments. */
function objdump(args: readonly string[]): Map<bigint, string> {
  const out = execFileSync(OBJDUMP, ["-M", "no-aliases", ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const lines = new Map<bigint, string>();
  for (const line of out.split("\n")) {
    const found = /^\s*([0-9a-f]+):\t[0-9a-f]+\s+(.*)$/.exec(line);
    if (found === null) continue;
    const text = found[2]!.replace(/\s*[<#].*$/, "").replace(/\s+/g, " ");
    lines.set(BigInt(`0x${found[1]!}`), plain(text.trim()));
  }
  return lines;
}

/** Targets of jumps with or without 0x. */
const plain = (text: string): string =>
  /^(c\.)?(j|b)/.test(text) ? text.replace(/(^| |,)0x/, "$1") : text;

describe.skipIf(noObjdump)("disassembly (needs gcc-riscv64-unknown-elf)", () => {
  test.each(["primes", "newton", "paging", "world/talk", "world/worker"])("of %s", (name) => {
    const path = new URL(`${name}.elf`, SAMPLES).pathname;
    const read = readElf(readFileSync(path));
    if (!read.ok) throw new Error(read.problem.message);
    let compared = 0;
    for (const [address, text] of objdump(["-d", path])) {
      const segment = read.elf.segments.find(
        (each) => address >= each.address && address < each.address + BigInt(each.bytes.length),
      )!;
      const at = Number(address - segment.address);
      expect(plain(disassemble(segment.bytes.subarray(at), address)!.text)).toBe(text);
      compared++;
    }
    expect(compared).toBeGreaterThan(50);
  });

  test("of random words", () => {
    const folder = mkdtempSync(join(tmpdir(), "rv64-words-"));
    try {
      const bytes = randomWords();
      const path = join(folder, "words.bin");
      writeFileSync(path, bytes);
      const theirs = objdump(["-D", "-b", "binary", "-m", "riscv:rv64", path]);
      let compared = 0;
      for (const [address, text] of theirs) {
        const ours = disassemble(bytes.subarray(Number(address)), address);
        // Other extensions there; here reserved fields that hardware has to ignore.
        if (ours === null || ours.text.startsWith(".") || text.startsWith(".")) continue;
        // Control registers of other extensions, and hints of 128-bit machines.
        if (/^csr\S+ \S+,0x/.test(ours.text) || /^c\.s(ll|rl|ra)i64/.test(text)) continue;
        expect(`${address}: ${plain(ours.text)}`).toBe(`${address}: ${text}`);
        compared++;
      }
      expect(compared).toBeGreaterThan(4_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Wide ones, each behind the other; then compressed ones. */
function randomWords(): Uint8Array {
  const random = new TestRandom(7);
  const next = (): number => random.below(2 ** 32);
  const majors = [
    3, 7, 15, 19, 23, 27, 35, 39, 47, 51, 55, 59, 67, 71, 75, 79, 83, 99, 103, 111, 115,
  ];
  const bytes = new Uint8Array(60_000);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < 40_000; at += 4) {
    const word = (next() & ~0x7f) | random.pick(majors);
    view.setUint32(at, word >>> 0, true);
  }
  for (let at = 40_000; at < bytes.length; at += 2) {
    const half = next() & 0xffff;
    view.setUint16(at, (half & 3) === 3 ? half - 1 : half, true);
  }
  return bytes;
}
