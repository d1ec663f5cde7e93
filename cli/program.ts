/** Makes a commander program of verbs: their arguments, options, help and usage errors. */
import { Command, InvalidArgumentError, Option } from "commander";
import { TIME_HELP } from "./time.ts";
import type { Verb, VerbOption } from "./verb.ts";

/** What the command line asks for. */
export interface Invocation {
  readonly verb: Verb;
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: object;
}

export interface ProgramOutput {
  writeOut(text: string): void;
}

const EPILOGUE = `
Times: ${TIME_HELP}.
Exit codes: 0 fine, 1 a violation or difference, 2 wrong usage or bad input, 3 damaged trace,
4 something missing from the environment, 5 divergence, 130 interrupted.`;

function commanderOption(definition: VerbOption): Option {
  const { flags, describe, parse, repeatable, choices } = definition;
  const option = new Option(flags, describe);
  if (choices) option.choices([...choices]);
  if (definition.default !== undefined) option.default(definition.default);
  if (!parse && !repeatable) return option;
  return option.argParser((text: string, previous: unknown) => {
    const parsed = parse?.(text) ?? { ok: true, value: text };
    if (!parsed.ok) throw new InvalidArgumentError(`Expected ${parsed.expected}.`);
    return repeatable ? [...((previous as readonly unknown[]) ?? []), parsed.value] : parsed.value;
  });
}

const examplesText = (verb: Verb): string =>
  verb.examples.length === 0
    ? ""
    : "\nExamples:\n" +
      verb.examples.map(({ command, describe }) => `  $ ${command}\n      ${describe}`).join("\n");

function addVerb(program: Command, verb: Verb, chosen: (invocation: Invocation) => void): void {
  const command = program.command(verb.name).description(verb.describe);
  for (const { syntax, describe } of verb.arguments) command.argument(syntax, describe);
  for (const option of verb.options) command.addOption(commanderOption(option));
  command.option("--json", "print one JSON object on stdout and nothing else");
  command.addHelpText("after", () => `${examplesText(verb)}\n${EPILOGUE}`);
  command.action((...received: unknown[]) => {
    // commander hands over the arguments, then the options, then the command itself
    const args = received.slice(0, verb.arguments.length) as Invocation["args"];
    chosen({ verb, args, options: command.opts() });
  });
}

/** A program that calls `chosen` with what was asked for, and throws CommanderError otherwise. */
export function makeProgram(
  verbs: readonly Verb[],
  version: string,
  output: ProgramOutput,
  chosen: (invocation: Invocation) => void,
): Command {
  const program = new Command("orrery")
    .description("A deterministic datacenter: run it, rewind it, ask when it first went wrong.")
    .version(version, "-V, --version", "print the version")
    .option("--json", "print one JSON object on stdout and nothing else")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.writeOut(text),
      writeErr: () => {},
      outputError: () => {},
    })
    .addHelpText("after", EPILOGUE);
  for (const verb of verbs) addVerb(program, verb, chosen);
  return program;
}
