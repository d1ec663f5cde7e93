/** A part of the document's schema that stands alone: with the definitions it needs, no others. */
import type { JsonSchema } from "./json-schema.ts";

function referencesIn(value: unknown, found: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  const { $ref } = value as JsonSchema;
  if (typeof $ref === "string") found.add($ref.replace("#/$defs/", ""));
  for (const member of Object.values(value)) referencesIn(member, found);
}

export function standaloneSchema(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const needed = new Set<string>();
  referencesIn(schema, needed);
  // A set that grows while it is walked yields what was added as well.
  for (const name of needed) referencesIn(root.$defs?.[name], needed);
  const definitions = Object.entries(root.$defs ?? {}).filter(([name]) => needed.has(name));
  const { $schema } = root;
  return {
    ...($schema !== undefined && { $schema }),
    ...schema,
    ...(definitions.length > 0 && { $defs: Object.fromEntries(definitions) }),
  };
}
