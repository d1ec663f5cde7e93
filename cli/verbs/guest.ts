/** `orrery guest run`: a bare-metal RV64 program alone, without a world around it. */
import { readFile } from "node:fs/promises";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseCount, type Verb, verb } from "../verb.ts";

interface GuestOptions {
  readonly maxInstructions?: number;
}

/** RAM of a bare-metal program. */
const RAM_MIB = 128;
/** Instructions between two looks at Ctrl-C: some tens of milliseconds. */
const SLICE = 10_000_000;

async function load(context: Context, file: string) {
  const { rv64 } = await import("../../core/guest/index.ts");
  const { readRv64Image } = await import("../../scenarios/index.ts");
  const problem = (message: string): Promise<ExitCode> =>
    context.badInput([{ file, pointer: "", message, expected: "a 64-bit RISC-V ELF file" }]);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (thrown) {
    return problem(`cannot be read (${(thrown as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
  const read = rv64.readElf(bytes, [rv64.TOHOST]);
  if (!read.ok) return problem(read.problem.message);
  const module = readRv64Image();
  if (module === null) return context.missing("the RV64 engine is not built: npm run build:rv64");
  const engine = new rv64.CompiledEngine({ module, ramBytes: RAM_MIB * 2 ** 20, harts: 1 });
  const program = rv64.BareMetal.load(engine, read.elf);
  return program instanceof rv64.BareMetal ? program : problem(program.message);
}

const NEVER = Number.MAX_SAFE_INTEGER;

async function runGuest(context: Context, file: string, limit: number): Promise<ExitCode> {
  const program = await load(context, file);
  if (typeof program === "number") return program;
  let left = limit;
  let outcome = null;
  while (outcome === null && left > 0 && !context.signal.aborted) {
    const slice = Math.min(left, SLICE);
    outcome = program.advance(slice);
    left -= slice;
    await new Promise((resume) => setImmediate(resume));
  }
  const interrupted = outcome === null && left > 0;
  const run = program.report(outcome ?? { outcome: "limit" });
  const { result } = run;
  const said = interrupted ? "interrupted" : result.outcome;
  const instructions = Number(run.instructions);
  const retired = Number(run.retired);
  const code = result.outcome === "fail" ? Number(result.code) : null;
  context.result({ file, outcome: said, code, instructions, retired });
  const detail = code === null ? "" : ` with code ${code}`;
  context.print(`${file}: ${said}${detail} after ${instructions} instructions`);
  if (interrupted) return EXIT.interrupted;
  return result.outcome === "pass" ? EXIT.fine : EXIT.violation;
}

export const guest: Verb = verb<readonly [string, string], GuestOptions>({
  name: "guest",
  describe: "run a bare-metal RV64 ELF alone; it ends by writing tohost",
  arguments: [
    { syntax: "<action>", describe: "run" },
    { syntax: "<file>", describe: "the ELF file" },
  ],
  options: [
    {
      flags: "--max-instructions <n>",
      describe: "stop after so many instructions",
      parse: parseCount,
    },
  ],
  examples: [
    {
      command: "orrery guest run core/guest/rv64/samples/primes.elf",
      describe: "exit 0 when the program reports pass, 1 when it fails or reaches the limit",
    },
  ],
  output: {
    type: "object",
    required: ["file", "outcome", "code", "instructions", "retired"],
    additionalProperties: false,
    properties: {
      file: { type: "string" },
      outcome: { enum: ["pass", "fail", "limit", "stuck", "interrupted"] },
      code: { type: ["integer", "null"], description: "what a failed program reported" },
      instructions: { type: "integer", description: "executed, those that trapped included" },
      retired: { type: "integer" },
    },
  },
  async run(context, [action, file], { maxInstructions }) {
    if (action !== "run") return context.usage(`guest ${action}: the one action is "run"`);
    return runGuest(context, file, maxInstructions ?? NEVER);
  },
});
