/**
 * Fills in defaults. ajv does not fill them inside `oneOf`, where guests, operations and faults are.
 * What must hold: filling twice is filling once, and a member that was given is never changed.
 */
import type { JsonSchema, JsonValue } from "../schema/json-schema.ts";
import { branchFor, dereference, isMembers } from "./schema-walk.ts";

function fillMembers(
  value: Readonly<Record<string, unknown>>,
  schema: JsonSchema,
  root: JsonSchema,
): JsonValue {
  const properties = schema.properties ?? {};
  const result: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    result[key] = property ? fillDefaults(member, property, root) : (member as JsonValue);
  }
  for (const [key, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, key) || property.default === undefined) continue;
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
