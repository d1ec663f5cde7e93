// Measures the compiled engine against QEMU -icount on the same programs, one after the other, and prints MIPS and ratios;
// integer and floating point apart. Needs qemu-system-riscv64 and riscv64-unknown-elf-gcc. Instructions are counted by the
// engine; QEMU is timed on the same files, less the time it takes for no rounds at all (where the result may be wrong).
// Arguments: rounds of each program, and --json for one JSON object a program.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BareMetal, CompiledEngine, readElf, TOHOST } from "../index.ts";
import { image } from "../testing/image.ts";

const INTEGER = ["sha256", "sieve", "matmul", "mergesort", "crc", "div", "xorshift"];
const FLOATING = ["nbody", "mandelbrot"];
const words = process.argv.slice(2);
const asJson = words.includes("--json");
const ROUNDS = Number(words.find((word) => !word.startsWith("--")) ?? 8);
const SAMPLES = new URL("../samples/", import.meta.url).pathname;
const SOURCE = new URL("programs.c", import.meta.url).pathname;
const FLAGS = "-march=rv64gc -mabi=lp64d -mcmodel=medany -O2 -ffreestanding -nostdlib -static";
const MORE = "-fno-tree-loop-distribute-patterns -fno-math-errno -Wl,--no-warn-rwx-segments";

function compile(folder: string, program: string, rounds: number): string {
  const file = join(folder, `${program}-${rounds}.elf`);
  const options = [...FLAGS.split(" "), ...MORE.split(" ")];
  const defines = [`-DP_${program}`, `-DROUNDS=${rounds}`];
  const inputs = ["-T", `${SAMPLES}link.ld`, `${SAMPLES}start.S`, SOURCE];
  execFileSync("riscv64-unknown-elf-gcc", [...options, ...defines, ...inputs, "-o", file]);
  return file;
}

function ownSeconds(file: string): { readonly seconds: number; readonly instructions: number } {
  const read = readElf(readFileSync(file), [TOHOST]);
  if (!read.ok) throw new Error(read.problem.message);
  const engine = new CompiledEngine({ module: image, ramBytes: 16 << 20, harts: 1 });
  const program = BareMetal.load(engine, read.elf);
  if (!(program instanceof BareMetal)) throw new Error(program.message);
  const start = performance.now();
  let outcome = null;
  while (outcome === null) outcome = program.advance(5_000_000);
  const seconds = (performance.now() - start) / 1000;
  if (outcome.outcome !== "pass") throw new Error(`${file}: ${outcome.outcome}`);
  return { seconds, instructions: Number(program.machine.progress(0)) };
}

function qemuSeconds(file: string): number {
  const options = "-M spike -bios none -display none -monitor none -serial null -m 16";
  const start = performance.now();
  const icount = ["-icount", "shift=0,sleep=off"];
  const args = [...options.split(" "), ...icount, "-kernel", file];
  const run = spawnSync("qemu-system-riscv64", args, { timeout: 120_000 });
  if (run.status === null) throw new Error(`QEMU: ${run.status} ${run.stderr}`);
  return (performance.now() - start) / 1000;
}

const folder = mkdtempSync(join(tmpdir(), "rv64-bench-"));
try {
  for (const [kind, programs] of [
    ["integer", INTEGER],
    ["floating point", FLOATING],
  ] as const) {
    const total = { own: 0, qemu: 0, instructions: 0 };
    for (const program of programs) {
      const file = compile(folder, program, ROUNDS);
      const own = ownSeconds(file);
      const qemu = qemuSeconds(file) - qemuSeconds(compile(folder, program, 0));
      if (asJson) {
        console.log(JSON.stringify({ kind, program, ...own, qemuSeconds: qemu }));
        continue;
      }
      const mips = (seconds: number): string => (own.instructions / seconds / 1e6).toFixed(0);
      const ratio = (own.seconds / qemu).toFixed(2);
      console.log(
        `${program}: ${mips(own.seconds)} MIPS, QEMU ${mips(qemu)}, ${ratio} times slower`,
      );
      total.own += own.seconds;
      total.qemu += qemu;
      total.instructions += own.instructions;
    }
    if (asJson) continue;
    const mips = (total.instructions / total.own / 1e6).toFixed(0);
    const ratio = (total.own / total.qemu).toFixed(2);
    console.log(`${kind}: ${mips} MIPS over all, ${ratio} times slower than QEMU -icount`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
