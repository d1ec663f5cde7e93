/**
 * What the page-trace service costs the real machine while nobody traces: the compiled engine against a
 * build of the same sources in which the question whether a page is traced is left out.
 */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rv64 } from "../../core/guest/index.ts";
import { buildVariant } from "../../properties/index.ts";
import { ratioOf, type Row, verdictOf } from "./row.ts";

const PAIRS = 15;
const GOAL = 1.1;
const LEAST_SECONDS = 0.1;
const RV64 = new URL("../../core/guest/rv64/", import.meta.url);
const PROGRAMS = ["primes", "newton"];

const WITHOUT = {
  name: "bench-without-traces",
  file: "core/guest/rv64/assembly/translate.ts",
  find: "  const flags = load<u8>(pageFlags + pageOf(physical));\n  if ((flags & (access",
  replace:
    "  if (true) return false;\n  const flags = load<u8>(pageFlags + pageOf(physical));\n  if ((flags & (access",
};

export async function benchTraceCheck(): Promise<Row[]> {
  const peer = readFileSync(await buildVariant(WITHOUT, join(tmpdir(), "orrery-bench")));
  const own = readFileSync(new URL("assembly/build/rv64.wasm", RV64));
  return PROGRAMS.map((name) => {
    const elf = readFileSync(new URL(`samples/${name}.elf`, RV64));
    const pair = (at: number): number => {
      const [a, b] = at % 2 === 0 ? [own, peer] : [peer, own];
      const [first, second] = [secondsOf(a, elf), secondsOf(b, elf)];
      return at % 2 === 0 ? first / second : second / first;
    };
    pair(0);
    const ratio = ratioOf(Array.from({ length: PAIRS }, (_, at) => pair(at)));
    return {
      what: `rv64 guest, ${name}, no trace set, seconds`,
      reached: `${((ratio.median - 1) * 100).toFixed(1)} % more time`,
      peer: "built without the check for traces",
      ratio,
      goal: "at most 1.1 times",
      verdict: verdictOf(ratio.median <= GOAL),
    };
  });
}

/** Of processor, for a run of the program; it is run again until that can be measured. */
function secondsOf(module: Uint8Array<ArrayBuffer>, file: Uint8Array): number {
  let [runs, seconds] = [0, 0];
  while (seconds < LEAST_SECONDS) {
    const engine = new rv64.CompiledEngine({ harts: 1, ramBytes: 1 << 21, module, codePages: 64 });
    const before = process.cpuUsage();
    const read = rv64.readElf(file, [rv64.TOHOST]);
    if (!read.ok) throw new Error(read.problem.message);
    const program = rv64.BareMetal.load(engine, read.elf);
    if (!(program instanceof rv64.BareMetal)) throw new Error(program.message);
    while (program.advance(1_000_000) === null);
    const { user, system } = process.cpuUsage(before);
    seconds += (user + system) / 1e6;
    runs++;
  }
  return seconds / runs;
}
