// A Debian kernel booted to its shell: what the process holds then, what recording costs, and how long
// it takes beside QEMU with `-icount shift=0,rr=record` on the same files.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atPrompt, commandLine, debianFolder, fetchDebian } from "../../scenarios/debian/index.ts";
import type { BootFigures } from "./boot-run.ts";
import { bootRun, idleMiB, scratch } from "./processes.ts";
import { costRow } from "./recording.ts";
import { median, ratioOf, type Row, verdictOf } from "./row.ts";

const MEMORY_PAIRS = 3;
const COST_PAIRS = 15;
const COUNTED = 2;
const PROMPT_PAIRS = 7;
const MOST_MIB = 300;
const QEMU_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 10;

const trace = (): string => join(scratch, "boot.orrery");

export async function benchBoot(): Promise<Row[]> {
  const fetched = fetchDebian();
  if (!fetched.ok) return [skipped("boot to a prompt", fetched.missing)];
  return [memoryRow(), ...recordingRows(), await promptRow()];
}

function memoryRow(): Row {
  const above: number[] = [];
  const idle: number[] = [];
  for (let pair = 0; pair < MEMORY_PAIRS; pair++) {
    idle.push(idleMiB());
    above.push(bootRun(trace()).residentMiB - idle.at(-1)!);
  }
  return {
    what: "memory of a Debian guest of 128 MiB at its shell, recorded",
    reached: `${Math.max(...above).toFixed(0)} MiB more`,
    peer: `an idle process, ${median(idle).toFixed(0)} MiB`,
    ratio: undefined,
    goal: `${MOST_MIB} MiB or less`,
    verdict: verdictOf(Math.max(...above) <= MOST_MIB),
  };
}

function recordingRows(): Row[] {
  const cpu: number[] = [];
  const wall: number[] = [];
  for (let pair = 0; pair < COST_PAIRS; pair++) {
    const paths = pair % 2 === 0 ? [trace(), "-"] : ["-", trace()];
    const runs = paths.map((path): BootFigures => bootRun(path, COUNTED));
    const [on, off] = pair % 2 === 0 ? runs : runs.toReversed();
    if (on!.root !== off!.root) throw new Error("recording has changed the root");
    cpu.push(on!.counted.cpuSeconds / off!.counted.cpuSeconds);
    wall.push(on!.counted.wallSeconds / off!.counted.wallSeconds);
  }
  return [costRow("recording, a boot, CPU", cpu), costRow("recording, a boot, wall", wall)];
}

/** Both from nothing: the start of either process counts. */
async function promptRow(): Promise<Row> {
  const what = "Debian to its prompt, recorded, start of the process included";
  if (spawnSync("qemu-system-riscv64", ["--version"]).status !== 0) {
    return skipped(what, "QEMU is not installed");
  }
  const own: number[] = [];
  const theirs: number[] = [];
  const alone: number[] = [];
  for (let pair = 0; pair < PROMPT_PAIRS; pair++) {
    const startedMs = performance.timeOrigin + performance.now();
    const { toPrompt, promptAtMs } = bootRun(trace());
    own.push((promptAtMs - startedMs) / 1_000);
    alone.push(toPrompt.wallSeconds);
    theirs.push(await qemuSeconds(pair));
  }
  const ratio = ratioOf(own.map((seconds, pair) => seconds / theirs[pair]!));
  const guest = ratioOf(alone.map((seconds, pair) => seconds / theirs[pair]!));
  return {
    what,
    reached:
      `${median(own).toFixed(2)} s (from power-on ${median(alone).toFixed(2)} s, ` +
      `${guest.median.toFixed(2)} times QEMU)`,
    peer: `QEMU -icount rr=record ${median(theirs).toFixed(2)} s`,
    ratio,
    goal: "1 or less",
    verdict: verdictOf(ratio.median <= 1),
  };
}

/** From its start to the prompt. Its console goes to a file: a pipe can stall it. */
async function qemuSeconds(pair: number): Promise<number> {
  const printed = join(scratch, `console-${pair}`);
  const file = (name: string): string => join(debianFolder(), name);
  const machine = "-M virt -m 128 -display none -monitor none -no-reboot".split(" ");
  const files = ["-kernel", file("kernel"), "-initrd", file("initrd.cpio")];
  const record = `shift=0,rr=record,rrfile=${join(scratch, "rr")}`;
  const options = ["-serial", `file:${printed}`, "-icount", record, "-append", commandLine()];
  const started = performance.now();
  const qemu = spawn("qemu-system-riscv64", [...machine, ...files, ...options]);
  try {
    while (performance.now() - started < QEMU_TIMEOUT_MS) {
      await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
      if (!existsSync(printed) || !atPrompt(readFileSync(printed, "latin1"))) continue;
      return (performance.now() - started) / 1_000;
    }
    throw new Error("QEMU has come to no prompt");
  } finally {
    qemu.kill("SIGKILL");
  }
}

const skipped = (what: string, peer: string): Row => ({
  what,
  reached: "",
  peer,
  ratio: undefined,
  goal: "",
  verdict: "skipped",
});
