/**
 * Boots Debian's riscv64 kernel alone on a machine without a world around it: to the prompt, through
 * the commands given, to power-off; prints what it took. With `--qemu`, QEMU boots the same files
 * with `-icount shift=0,rr=record` beside it.
 * Usage: npx tsx scripts/boot-debian.ts [--quiet] [--plain] [--harts N] [--qemu] [COMMAND]...
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rv64 } from "../core/guest/index.ts";
import {
  atPrompt,
  commandLine,
  debianFolder,
  type DebianFiles,
  debianMachine,
  fetchDebian,
  Terminal,
} from "../scenarios/debian/index.ts";
import { readRv64Image } from "../scenarios/index.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quiet: { type: "boolean", default: false },
    plain: { type: "boolean", default: false },
    harts: { type: "string", default: "1" },
    qemu: { type: "boolean", default: false },
  },
});

const SLICE = 10_000_000;
/** A guest that is not through by then never will be. */
const MOST_PROGRESS = 100_000_000_000;
const POWER_OFF = "poweroff -f";

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(2);

function bootHere(debian: DebianFiles, module: Uint8Array): void {
  const config = debianMachine(debian, { harts: Number(values.harts), trimmed: !values.plain });
  const start = performance.now();
  const ramBytes = config.memoryMiB * 2 ** 20;
  const engine = new rv64.CompiledEngine({ module, ramBytes, harts: config.harts });
  const made = rv64.Board.create(engine, config, debian.files);
  if (!made.ok) throw new Error(made.problem.message);
  const { board } = made;
  const terminal = new Terminal([...positionals, POWER_OFF]);
  const marks: string[] = [];
  while (board.state.halted === null && board.progress() < MOST_PROGRESS) {
    for (const output of board.run(board.progress() + SLICE).outputs) {
      const { prompts } = terminal;
      const typed = terminal.see(output);
      if (output.kind === "console" && !values.quiet) process.stdout.write(output.bytes);
      if (terminal.prompts > prompts)
        marks.push(`prompt at progress ${board.progress()}, ${seconds(start)} s`);
      if (typed !== null) board.deliver(typed);
    }
  }
  const instructions = Array.from({ length: config.harts }, (_, hart) =>
    new rv64.Machine(engine).progress(hart),
  ).reduce((sum, own) => sum + own, 0n);
  const all = (performance.now() - start) / 1000;
  const printed = createHash("sha256").update(terminal.text).digest("hex").slice(0, 16);
  console.log(`\n${marks.join("\n")}`);
  console.log(`halted: ${JSON.stringify(board.state.halted)} at progress ${board.progress()}`);
  console.log(
    `${instructions} instructions in ${all.toFixed(2)} s, ` +
      `${(Number(instructions) / all / 1e6).toFixed(0)} MIPS, console ${printed}`,
  );
}

const QEMU_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 10;

/** Seconds to the prompt in QEMU, recording. Its console goes to a file: a pipe can stall it. */
async function bootQemu(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "orrery-boot-"));
  const printed = join(folder, "console");
  const file = (name: string): string => join(debianFolder(), name);
  const start = performance.now();
  const machine = "-M virt -m 128 -display none -monitor none -no-reboot".split(" ");
  const files = ["-kernel", file("kernel"), "-initrd", file("initrd.cpio")];
  const record = `shift=0,rr=record,rrfile=${join(folder, "rr")}`;
  const options = ["-serial", `file:${printed}`, "-icount", record];
  const parameters = [...machine, ...files, ...options, "-append", commandLine([], !values.plain)];
  const qemu = spawn("qemu-system-riscv64", parameters, { stdio: "inherit" });
  try {
    while (performance.now() - start < QEMU_TIMEOUT_MS) {
      await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
      if (existsSync(printed) && atPrompt(readFileSync(printed, "latin1"))) return seconds(start);
    }
    return "more than 60";
  } finally {
    qemu.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

const fetched = fetchDebian();
const module = readRv64Image();
if (!fetched.ok || module === null) {
  console.error(fetched.ok ? "the engine is not built: npm run build:rv64" : fetched.missing);
  process.exitCode = 4;
} else {
  bootHere(fetched.debian, module);
  if (values.qemu) console.log(`QEMU -icount rr=record: prompt after ${await bootQemu()} s`);
}
