/**
 * The schema of a document whose defaults are filled in: what has a default is required.
 * From it come the `Resolved...` types, so a builder never repeats a default.
 */
import type { JsonSchema } from "./json-schema.ts";

const PREFIX = "Resolved";

/** Members without a default that resolving fills in from the rest of the document. */
const DERIVED: Readonly<Record<string, readonly string[]>> = {
  Link: ["id"],
  CaptureGuest: ["disk"],
  SnapshotOperation: ["disks"],
};

const mapRecord = (
  record: Readonly<Record<string, JsonSchema>>,
  name: (key: string) => string,
): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(record).map(([key, value]) => [name(key), resolvedSchema(value)]),
  );

const derived = (name: string, schema: JsonSchema): JsonSchema =>
  name in DERIVED
    ? { ...schema, required: [...(schema.required ?? []), ...(DERIVED[name] ?? [])] }
    : schema;

/** Every definition `Name` becomes `ResolvedName`; every member with a default becomes required. */
export function resolvedSchema(schema: JsonSchema): JsonSchema {
  const result: Record<string, unknown> = { ...schema };
  if (schema.title !== undefined) result.title = PREFIX + schema.title.replace("Document", "");
  if (schema.$ref !== undefined) result.$ref = schema.$ref.replace("/$defs/", `/$defs/${PREFIX}`);
  if (schema.items) result.items = resolvedSchema(schema.items);
  if (schema.oneOf) result.oneOf = schema.oneOf.map(resolvedSchema);
  if (schema.$defs) {
    const definitions = Object.entries(schema.$defs).map(([key, value]) => [
      key,
      derived(key, value),
    ]);
    result.$defs = mapRecord(Object.fromEntries(definitions), (key) => PREFIX + key);
  }
  if (schema.properties) {
    result.properties = mapRecord(schema.properties, (key) => key);
    const filled = Object.keys(schema.properties).filter(
      (key) => schema.properties?.[key]?.default !== undefined,
    );
    result.required = [...new Set([...(schema.required ?? []), ...filled])];
  }
  return result;
}
