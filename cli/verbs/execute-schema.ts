/** Executes `orrery schema`: finds what goes by a name, or the schema of documents. */
import {
  buildScenarioSchema,
  builtInExtensions,
  closest,
  entrySchema,
  type Extension,
  type JsonSchema,
  readDocument,
  standaloneSchema,
} from "../../scenarios/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

/** Prints the schema of `name`, or of documents; `scenario` is a file that brings mechanisms along. */
export async function executeSchema(
  context: Context,
  name: string | undefined,
  scenario: string | undefined,
): Promise<ExitCode> {
  const read = scenario === undefined ? undefined : await readDocument(scenario);
  if (read?.ok === false) return context.badInput([{ file: scenario ?? "", ...read.found }]);
  const own = read?.own.mechanisms ?? [];
  const root = buildScenarioSchema(own);
  if (name === undefined) return show(context, root);
  const extensions = [...builtInExtensions, ...own];
  const found = await named(name, extensions, root);
  if (Object.keys(found).length > 0) return show(context, found);
  const known = await names(extensions);
  const meant = closest(name, known);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  return context.usage(`no schema is named ${name}${hint} (one of ${known.join(", ")})`);
}

/** Everything that goes by `name`: a word may be an operation and a verb at once. */
async function named(
  name: string,
  extensions: readonly Extension[],
  root: JsonSchema,
): Promise<Readonly<Record<string, unknown>>> {
  const found: Record<string, unknown> = {};
  for (const extension of extensions) {
    if (extension.name !== name) continue;
    const { family, description, figures } = extension;
    const parameters = standaloneSchema(entrySchema(extension), root);
    found[family] = { description, parameters, ...(figures && { figures }) };
  }
  const { verbs } = await import("./index.ts");
  const output = verbs.find((one) => one.name === name)?.output;
  return output ? { ...found, verb: { output } } : found;
}

async function names(extensions: readonly Extension[]): Promise<readonly string[]> {
  const { verbs } = await import("./index.ts");
  return [...new Set([...extensions, ...verbs].map(({ name }) => name))];
}

function show(context: Context, value: object): typeof EXIT.fine {
  context.print(JSON.stringify(value, null, 2));
  context.result(value);
  return EXIT.fine;
}
