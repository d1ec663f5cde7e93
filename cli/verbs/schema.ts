/** `orrery schema`: the JSON Schema of documents, of each mechanism, of each verb's output. */
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
import { EXIT } from "../exit-codes.ts";
import { type Verb, verb } from "../verb.ts";

interface SchemaOptions {
  readonly scenario?: string;
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

export const schema: Verb = verb<readonly [string | undefined], SchemaOptions>({
  name: "schema",
  describe: "print the JSON Schema of documents, of a mechanism, or of a verb's --json output",
  arguments: [
    {
      syntax: "[name]",
      describe: "an operation, kind of guest or fault, or a verb; none: documents",
    },
  ],
  options: [
    {
      flags: "--scenario <file>",
      describe: "include the mechanisms that this scenario brings along",
    },
  ],
  examples: [
    { command: "orrery schema > scenario.schema.json", describe: "For completion in an editor." },
    { command: "orrery schema snapshot", describe: "Parameters and figures of an operation." },
    { command: "orrery schema run", describe: "What `orrery run --json` prints." },
  ],
  output: { type: "object", description: "A JSON Schema, or what goes by the given name." },
  async run(context, [name], { scenario }) {
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
  },
});
