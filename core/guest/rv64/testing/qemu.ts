// Differential runs against QEMU: one assembly program, assembled by Debian's cross compiler, computes a table of 64-bit
// results; QEMU's copy comes out through its HTIF console, ours is read from RAM.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Elf, readElf } from "../elf.ts";
import type { Engine } from "../engine.ts";
import { Machine } from "../machine.ts";

const runs = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;

export const haveQemu = runs("qemu-system-riscv64") && runs("riscv64-unknown-elf-gcc");

/** Around a test body: floating point on, results appended through s11, printed in the end. */
const program = (body: string): string => `
    .section .text.start
    .globl _start
_start:
    la t0, unexpected
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, 0x6000
    csrs mstatus, t0
    la s11, results
${body}
finished:
    la s0, results
    la s2, tohost
    li s3, 0x0101
    slli s3, s3, 48
1:  bgeu s0, s11, 3f
    lbu t0, 0(s0)
    addi s0, s0, 1
    or t0, t0, s3
    sd t0, 0(s2)
2:  ld t1, 0(s2)
    bnez t1, 2b
    j 1b
3:  li t0, 1
    sd t0, 0(s2)
4:  j 4b
    .balign 4
unexpected:
    csrr t0, mcause
    sd t0, 0(s11)
    csrr t0, mepc
    sd t0, 8(s11)
    addi s11, s11, 16
    j finished
    .section .tohost, "aw"
    .balign 4096
    .globl tohost, fromhost
    .size tohost, 8
    .size fromhost, 8
tohost:   .dword 0
fromhost: .dword 0
    .section .bss
    .balign 4096
    .globl results
results: .zero 0x80000
`;

const SCRIPT = new URL("../samples/link.ld", import.meta.url).pathname;

function assemble(folder: string, body: string): Uint8Array {
  const source = join(folder, "test.S");
  const file = join(folder, "test.elf");
  writeFileSync(source, program(body));
  const flags = "-march=rv64gc -mabi=lp64d -mcmodel=medany -nostdlib -static".split(" ");
  const link = ["-Wl,--no-warn-rwx-segments", "-T", SCRIPT];
  execFileSync("riscv64-unknown-elf-gcc", [...flags, ...link, source, "-o", file]);
  return readFileSync(file);
}

const words = (bytes: Uint8Array): bigint[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength >> 3 }, (_, i) => view.getBigUint64(i * 8, true));
};

/** The console goes to a file: a pipe that is full would lose bytes. */
function qemuResults(folder: string): bigint[] {
  const options = "-M spike -bios none -display none -monitor none -m 16".split(" ");
  const console = join(folder, "console");
  const output = ["-chardev", `file,id=out,path=${console}`, "-serial", "chardev:out"];
  const run = spawnSync(
    "qemu-system-riscv64",
    [...options, ...output, "-kernel", join(folder, "test.elf")],
    {
      timeout: 60_000,
    },
  );
  if (run.status !== 0) throw new Error(`QEMU ended with ${run.status}: ${run.stderr}`);
  return words(Uint8Array.from(readFileSync(console)));
}

function ownResults(engine: Engine, elf: Elf): bigint[] {
  const machine = new Machine(engine);
  const problem = machine.loadElf(elf);
  if (problem !== null) throw new Error(problem.message);
  engine.setWatches([{ address: Number(elf.symbols.get("tohost")), bytes: 8 }]);
  let { stop } = engine.run(0, 200_000_000);
  while (stop.reason === "load" || stop.reason === "store") {
    engine.refuse(0);
    ({ stop } = engine.run(0, 200_000_000));
  }
  if (stop.reason !== "watch") throw new Error(`stopped for ${stop.reason}`);
  const start = elf.symbols.get("results")!;
  const bytes = machine.read(start, Number(machine.register(0, 27) - start));
  if (bytes === null) throw new Error("the results lie outside RAM");
  return words(bytes);
}

/** The results of a test body on QEMU and on our engines. */
export function runEverywhere(
  body: string,
  engines: readonly Engine[],
): { readonly qemu: readonly bigint[]; readonly own: readonly (readonly bigint[])[] } {
  const folder = mkdtempSync(join(tmpdir(), "rv64-qemu-"));
  try {
    const file = assemble(folder, body);
    const read = readElf(file, ["tohost", "results"]);
    if (!read.ok) throw new Error(read.problem.message);
    const { elf } = read;
    return {
      qemu: qemuResults(folder),
      own: engines.map((engine) => ownResults(engine, elf)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
