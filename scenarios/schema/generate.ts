/**
 * Writes what is derived from the schema's source: `scenario.schema.json` (for editors) and
 * `scenario.generated.ts` (types of documents as written and as resolved). Run by
 * `npm run schema:types`; a test fails when the files are not current.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { format } from "prettier";
import { buildScenarioSchema } from "./build-schema.ts";
import type { JsonSchema } from "./json-schema.ts";
import { resolvedSchema } from "./resolved-schema.ts";

const banner = `/* Generated from scenarios/schema by \`npm run schema:types\`. Do not edit. */`;

/**
 * The schema as the type generator wants it. Siblings of `$ref` would make it copy the definition;
 * a list with a smallest length alone would become a tuple, which computed lists cannot satisfy.
 */
function forTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forTypes);
  if (typeof value !== "object" || value === null) return value;
  const { $ref, maxItems } = value as JsonSchema;
  if (typeof $ref === "string") return { $ref };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "discriminator" && key !== "default")
      .filter(([key]) => key !== "minItems" || maxItems !== undefined)
      .map(([key, member]) => [key, forTypes(member)]),
  );
}

/** Members and lists become readonly; the generator's remark on where a type is used goes. */
const polish = (types: string): string =>
  types
    .replace(/\n \*\n \* This interface was referenced by .*\n \* via the `definition` .*/g, "")
    .replace(/^( +)((?:\$?\w+|"[^"]+")\??: )/gm, "$1readonly $2")
    .replace(/: (\[.*\]|(?:\w+|\(.*\))\[\])(;?)$/gm, ": readonly $1$2");

async function typesOf(schema: JsonSchema): Promise<string> {
  const types = await compile(forTypes(schema) as JSONSchema, schema.title ?? "", {
    bannerComment: "",
    additionalProperties: false,
    unreachableDefinitions: true,
    maxItems: 2,
    format: false,
  });
  return polish(await format(types, { parser: "typescript", printWidth: 100 }));
}

/** The generated files by name, as they should be on disk. */
export async function generatedFiles(): Promise<Readonly<Record<string, string>>> {
  const schema = buildScenarioSchema();
  const types = [banner, await typesOf(schema), await typesOf(resolvedSchema(schema))].join("\n\n");
  return {
    "scenario.schema.json": await format(JSON.stringify(schema), {
      parser: "json",
      printWidth: 100,
    }),
    "scenario.generated.ts": types,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, content] of Object.entries(await generatedFiles())) {
    await writeFile(new URL(name, import.meta.url), content);
  }
}
