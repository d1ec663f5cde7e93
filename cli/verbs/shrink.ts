/** `orrery shrink`: the smallest scenario in which the same thing goes wrong. */
import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import pc from "picocolors";
import type { SavedFinding } from "../../properties/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseCount, type Verb, verb } from "../verb.ts";
import { findingSchema } from "./explore-output.ts";
import { type InputFolders, inputsOption, type OpenRun, withRun } from "./with-run.ts";

interface ShrinkFlags extends InputFolders {
  readonly invariant?: string;
  readonly runs?: number;
  readonly out?: string;
}

const DEFAULT_RUNS = 5_000;

export const shrink: Verb = verb<readonly [string], ShrinkFlags>({
  name: "shrink",
  describe: "find the smallest scenario with the same violation; print it, save it and its trace",
  arguments: [{ syntax: "<trace>", describe: "a .orrery trace with a violation" }],
  options: [
    {
      flags: "--invariant <name>",
      describe: "which violation is kept (default: the first of the trace)",
    },
    {
      flags: "--runs <n>",
      describe: `runs spent at most (default: ${DEFAULT_RUNS})`,
      parse: parseCount,
    },
    { flags: "-o, --out <dir>", describe: "folder for document and trace (default: .)" },
    inputsOption,
  ],
  examples: [
    {
      command: "orrery shrink tour-7.orrery",
      describe: "Leaves out faults, operations, machines, disks and time; makes numbers simpler.",
    },
    {
      command: 'orrery shrink t.orrery --invariant "a backup equals its point in time" --json',
      describe: "One violation of several, the result as JSON.",
    },
  ],
  output: {
    type: "object",
    properties: {
      ...findingSchema.properties,
      necessary: { type: "integer", description: "Further removals that were tried, and pass." },
      smallest: { type: "object", description: "The document itself." },
    },
  },
  run: (context, [file], flags) =>
    withRun(context, file, flags, (opened) => shrinkRun(context, file, opened, flags)),
});

async function shrinkRun(
  context: Context,
  file: string,
  opened: OpenRun,
  { invariant: wanted, runs: mostRuns = DEFAULT_RUNS, out = "." }: ShrinkFlags,
): Promise<ExitCode> {
  const { documentOfRun, saveShrunk, violationOf } = await import("../../properties/index.ts");
  const document = documentOfRun(opened);
  const violation = violationOf(opened.scenario, document, wanted);
  if (violation === undefined) {
    const which = wanted === undefined ? "has no violation" : `does not break "${wanted}"`;
    return context.usage(`${file} ${which} when its document is run again`);
  }
  const options = {
    folder: out,
    name: `${basename(file, ".orrery")}-smallest`,
    mostRuns,
    isStopped: () => context.signal.aborted,
    onProgress: (runs: number, size: number) =>
      context.progress.update(`${runs} runs, ${size} bytes of document`),
  };
  try {
    await mkdir(out, { recursive: true });
    const { saved, smallest, necessary } = await saveShrunk(
      opened.scenario,
      { violation, document, run: 0, runs: 1 },
      options,
    );
    print(context, saved, smallest, necessary);
    context.result({ ...saved, necessary, smallest });
    return EXIT.fine;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return context.missing(`${out} cannot be written: ${(error as Error).message}`);
  }
}

function print(
  context: Context,
  { invariant, mechanism, message, operations, faults, ...rest }: SavedFinding,
  smallest: unknown,
  necessary: number,
): void {
  const { shrinkRuns, isMinimal, isReplayed, reproduce } = rest;
  context.print(JSON.stringify(smallest, null, 2));
  context.print(`${pc.red("VIOLATION")} ${invariant} (${mechanism}): ${message}`);
  context.print(
    `operations ${operations[0]} to ${operations[1]}, faults ${faults[0]} to ${faults[1]}, ` +
      `${shrinkRuns} runs`,
  );
  context.print(
    isMinimal
      ? `necessary: ${necessary} further removals were tried, each passes`
      : "cut short: something more may go",
  );
  context.print(isReplayed ? "sufficient: its trace replays with the violation" : "NOT replayed");
  context.print(`reproduce: ${reproduce}`);
}
