/** What a verb of the command line is. One file a verb, under `verbs/`. */
import type { JsonSchema } from "../scenarios/index.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Parsed } from "./time.ts";

export interface VerbArgument {
  /** `<scenario>` must be given, `[path]` may, `<traces...>` takes all that are left. */
  readonly syntax: string;
  readonly describe: string;
}

export interface VerbOption {
  /** As commander reads it: `--until <time>`, `-o, --out <file>`, `--no-trace`. */
  readonly flags: string;
  readonly describe: string;
  /** Turns the text into the value that `run` gets, or says what was expected. */
  readonly parse?: (text: string) => Parsed<unknown>;
  /** May be given several times; `run` gets a list. */
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  readonly default?: string;
}

export interface VerbExample {
  readonly command: string;
  readonly describe: string;
}

interface VerbHead {
  readonly name: string;
  /** One line, as the table of verbs shows it. */
  readonly describe: string;
  readonly arguments: readonly VerbArgument[];
  readonly options: readonly VerbOption[];
  readonly examples: readonly VerbExample[];
  /** Schema of what `--json` prints; `orrery schema VERB` shows it. */
  readonly output: JsonSchema;
}

type Arguments = readonly (string | readonly string[] | undefined)[];

export interface Verb extends VerbHead {
  run(context: Context, args: Arguments, options: object): Promise<ExitCode>;
}

/**
 * A verb whose `run` knows the types of what `arguments` and `options` describe.
 * Heavy modules are imported inside `run`, so that other verbs start fast.
 */
export const verb = <A extends Arguments, O extends object>(
  definition: VerbHead & { run(context: Context, args: A, options: O): Promise<ExitCode> },
): Verb => ({
  ...definition,
  run: (context, args, options) => definition.run(context, args as A, options as O),
});

/** For options that are a whole number, 0 or more. */
export const parseCount = (text: string): Parsed<number> =>
  /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))
    ? { ok: true, value: Number(text) }
    : { ok: false, expected: "a whole number, at least 0" };

/** For options of which there must be some. */
export const parseSome = (text: string): Parsed<number> => {
  const count = parseCount(text);
  return count.ok && count.value > 0
    ? count
    : { ok: false, expected: "a whole number, at least 1" };
};
