// Steady speed of the compiled engine against QEMU -icount on the same programs.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ratioOf, type Row, verdictOf } from "./row.ts";

const PAIRS = 5;
const ROUNDS = 4;
const GOAL = 5;
const PROGRAM = fileURLToPath(new URL("../../core/guest/rv64/bench/run.ts", import.meta.url));
const KINDS = ["integer", "floating point"];

interface Measured {
  readonly kind: string;
  readonly program: string;
  readonly seconds: number;
  readonly instructions: number;
  readonly qemuSeconds: number;
}

export function benchSpeed(): Row[] {
  const tools = ["qemu-system-riscv64", "riscv64-unknown-elf-gcc"];
  const missing = tools.find((tool) => spawnSync(tool, ["--version"]).status !== 0);
  if (missing !== undefined) return KINDS.map((kind) => row(kind, `${missing} is not installed`));
  const runs = Array.from({ length: PAIRS }, measure);
  return KINDS.map((kind) => {
    const of = (run: readonly Measured[]): Measured[] => run.filter((each) => each.kind === kind);
    const sum = (run: readonly Measured[], key: "seconds" | "qemuSeconds" | "instructions") =>
      of(run).reduce((total, each) => total + each[key], 0);
    const ratio = ratioOf(runs.map((run) => sum(run, "seconds") / sum(run, "qemuSeconds")));
    const worst = of(runs[0]!)
      .map(({ program }) => {
        const all = runs.map((run) => run.find((each) => each.program === program)!);
        return { program, ...ratioOf(all.map((each) => each.seconds / each.qemuSeconds)) };
      })
      .reduce((a, b) => (a.median > b.median ? a : b));
    const mips = sum(runs[0]!, "instructions") / sum(runs[0]!, "seconds") / 1e6;
    return {
      ...row(kind, "QEMU -icount, seconds"),
      reached: `${mips.toFixed(0)} MIPS; slowest ${worst.program}, ${worst.median.toFixed(1)} times`,
      ratio,
      verdict: verdictOf(worst.median <= GOAL),
    };
  });
}

const row = (kind: string, peer: string): Row => ({
  what: `rv64 guest, ${kind}, seconds`,
  reached: "",
  peer,
  ratio: undefined,
  goal: `each program at most ${GOAL} times`,
  verdict: "skipped",
});

/** Each program here, then there. */
function measure(): Measured[] {
  const args = ["--import", "tsx", PROGRAM, String(ROUNDS), "--json"];
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Measured);
}
