/** `orrery schema`: the JSON Schema of documents, of each mechanism, of each verb's output. */
import { type Verb, verb } from "../verb.ts";

interface SchemaOptions {
  readonly scenario?: string;
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
    const { executeSchema } = await import("./execute-schema.ts");
    return executeSchema(context, name, scenario);
  },
});
