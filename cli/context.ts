/**
 * What a verb gets: where to print, how to fail, and whether the user wants to stop.
 *
 * What must hold: under `--json` stdout carries exactly one JSON object, whatever happens.
 */
import type { Problem } from "../scenarios/index.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { makeProgress, type Progress } from "./progress.ts";

/** The outside of the process; tests bring their own. */
export interface Terminal {
  readonly stderrIsTerminal: boolean;
  readonly columns: number;
  stdout(text: string): void;
  stderr(text: string): void;
}

export interface Context {
  readonly json: boolean;
  /** Aborted by Ctrl-C: close what is open and return. Long work yields to the event loop. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** A line for people, on stdout; nothing under `--json`. */
  print(text: string): void;
  /** The verb's result; printed under `--json` only, once. */
  result(value: object): void;
  /** A line on stderr. */
  warn(text: string): void;
  /** Bad input: one line for each problem. */
  badInput(problems: readonly Problem[]): Promise<ExitCode>;
  /** Options that do not go together. */
  usage(message: string): ExitCode;
  /** Something that the verb needs is not there: a named reason. */
  missing(message: string): ExitCode;
  /** A trace of which nothing can be salvaged. */
  damaged(message: string): ExitCode;
}

/** Lines of problems that are printed; a count tells of the rest. `--json` has all. */
const MOST_LINES = 20;

export interface ContextOptions {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

export function makeContext({ terminal, json, signal }: ContextOptions): Context {
  let resulted = false;
  const progress = makeProgress({
    isTerminal: terminal.stderrIsTerminal,
    columns: terminal.columns,
    write: (text) => terminal.stderr(text),
  });
  const result = (value: object): void => {
    progress.clear();
    if (!json) return;
    if (resulted) throw new Error("a verb printed two results");
    resulted = true;
    terminal.stdout(JSON.stringify(value) + "\n");
  };
  const warn = (text: string): void => {
    progress.clear();
    terminal.stderr(`orrery: ${text}\n`);
  };
  const fail = (code: string, exitCode: ExitCode, lines: readonly string[], more: object) => {
    for (const line of lines.slice(0, MOST_LINES)) warn(line);
    if (lines.length > MOST_LINES) warn(`and ${lines.length - MOST_LINES} more`);
    result({ error: { code, exitCode, message: lines[0] ?? "", ...more } });
    return exitCode;
  };
  return {
    json,
    signal,
    progress,
    result,
    warn,
    print(text) {
      progress.clear();
      if (!json) terminal.stdout(text + "\n");
    },
    async badInput(problems) {
      const { formatProblem } = await import("../scenarios/index.ts");
      return fail("bad-input", EXIT.usage, problems.map(formatProblem), { problems });
    },
    usage: (message) => fail("usage", EXIT.usage, [message], {}),
    missing: (message) => fail("environment", EXIT.environment, [message], {}),
    damaged: (message) => fail("damaged", EXIT.damaged, [message], {}),
  };
}
