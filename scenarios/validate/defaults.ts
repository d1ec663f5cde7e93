/**
 * Fills in defaults. ajv does not fill them inside `oneOf`, where guests, operations and faults are.
 * What must hold: filling twice is filling once, and a member that was given is never changed.
 */
import type { JsonSchema, JsonValue } from "../schema/json-schema.ts";
import { branchFor, dereference, isMembers } from "./schema-walk.ts";

/** Members that have a default, by the schema that says so: looked for once. */
const defaulted = new WeakMap<JsonSchema, readonly (readonly [string, JsonSchema])[]>();

function defaultedOf(schema: JsonSchema): readonly (readonly [string, JsonSchema])[] {
  let known = defaulted.get(schema);
  if (known === undefined) {
    const properties = Object.entries(schema.properties ?? {});
    known = properties.filter(([, property]) => property.default !== undefined);
    defaulted.set(schema, known);
  }
  return known;
}

function fillMembers(
  value: Readonly<Record<string, unknown>>,
  schema: JsonSchema,
  root: JsonSchema,
): JsonValue {
  const properties = schema.properties ?? {};
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    result[key] = property ? fillDefaults(member, property, root) : (member as JsonValue);
  }
  for (const [key, property] of defaultedOf(schema)) {
    if (Object.hasOwn(value, key)) continue;
    result[key] = fillDefaults(property.default, property, root);
  }
  return result;
}

/** A copy of `value` in which absent members have the defaults of `schema`. */
export function fillDefaults(value: unknown, schema: JsonSchema, root: JsonSchema): JsonValue {
  const target = dereference(schema, root);
  if (target.oneOf) {
    const branch = branchFor(target, value, root);
    return branch ? fillDefaults(value, branch, root) : (value as JsonValue);
  }
  if (Array.isArray(value)) {
    const { items } = target;
    return items
      ? value.map((element: unknown) => fillDefaults(element, items, root))
      : [...(value as readonly JsonValue[])];
  }
  return isMembers(value) ? fillMembers(value, target, root) : (value as JsonValue);
}
