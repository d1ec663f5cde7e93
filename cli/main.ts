/**
 * The `orrery` command: from an argument list to an exit code.
 *
 * Three lanes of trouble: bad usage and input are answered by the verb or by commander, exit 2;
 * what the environment lacks is named by the verb, exit 4; anything thrown is our own bug, and says so.
 */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { makeContext, type Terminal } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { watchInterrupts } from "./interrupts.ts";
import { type Invocation, makeProgram } from "./program.ts";
import type { Verb } from "./verb.ts";
import { verbs as allVerbs } from "./verbs/index.ts";

export interface MainOptions {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly verbs?: readonly Verb[];
}

const version = (): string => {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
};

/** commander's messages in our words, on one line. */
const usageMessage = (error: CommanderError): string =>
  error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\(Did you mean (.*?)\?\)/, "; did you mean $1?")
    .replace(/unknown command/, "unknown verb")
    .replace(/\s*\n\s*/g, " ");

function chooseVerb(argv: readonly string[], options: MainOptions): Invocation | ExitCode {
  const { terminal, signal, verbs = allVerbs } = options;
  let invocation: Invocation | undefined;
  const output = { writeOut: (text: string) => terminal.stdout(text) };
  const program = makeProgram(verbs, version(), output, (asked) => (invocation = asked));
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.fine;
    const json = argv.includes("--json");
    const asksNothing = error.code === "commander.help";
    const message = asksNothing ? "a verb is missing" : usageMessage(error);
    return makeContext({ terminal, signal, json }).usage(`${message} (see orrery --help)`);
  }
  return invocation ?? EXIT.usage;
}

function internalError(error: unknown, terminal: Terminal, argv: readonly string[]): ExitCode {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.stderr(
    `orrery: internal error. This is a bug in Orrery, not in your input.\n${text}\n` +
      `Please report it with the lines above and the command: orrery ${argv.join(" ")}\n`,
  );
  if (argv.includes("--json")) {
    const message = error instanceof Error ? error.message : String(error);
    const body = { error: { code: "internal", exitCode: EXIT.internal, message } };
    terminal.stdout(JSON.stringify(body) + "\n");
  }
  return EXIT.internal;
}

/** Runs one command line in this process; never throws. */
export async function main(argv: readonly string[], options: MainOptions): Promise<ExitCode> {
  const { terminal, signal } = options;
  try {
    const chosen = chooseVerb(argv, options);
    if (typeof chosen === "number") return chosen;
    const json = argv.includes("--json");
    const context = makeContext({ terminal, signal, json });
    const code = await chosen.verb.run(context, chosen.args, chosen.options);
    context.progress.clear();
    return signal.aborted ? EXIT.interrupted : code;
  } catch (error) {
    return internalError(error, terminal, argv);
  }
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  return {
    stderrIsTerminal: process.stderr.isTTY === true,
    columns: process.stderr.columns ?? 80,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  };
}

/** Runs one command line as the process: real streams, Ctrl-C, and its end. */
export async function runProcess(argv: readonly string[]): Promise<never> {
  const terminal = processTerminal();
  // A reader that has seen enough (`orrery log t.orrery | head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? EXIT.fine : EXIT.environment);
  });
  process.on("uncaughtException", (error) => process.exit(internalError(error, terminal, argv)));
  const code = await main(argv, { terminal, signal: watchInterrupts(terminal) });
  // Pipes are written asynchronously: leaving before they are drained would cut the output.
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  return process.exit(code);
}
