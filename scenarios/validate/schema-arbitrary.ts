/** Random values that a schema accepts: for tests that hold the validator against its schema. */
import fc from "fast-check";
import type { JsonSchema, JsonValue } from "../schema/json-schema.ts";
import { dereference } from "./schema-walk.ts";

type Values = fc.Arbitrary<JsonValue>;

const LARGEST = 1e15;

function numbers(schema: JsonSchema): Values {
  const step = schema.multipleOf ?? 1;
  const above = schema.exclusiveMinimum === undefined ? 0 : 1;
  const low = (schema.exclusiveMinimum ?? schema.minimum ?? -1_000) + above;
  const high = Math.min(schema.maximum ?? LARGEST, LARGEST);
  return fc
    .maxSafeInteger()
    .map((n) => low + (Math.abs(n) % (Math.floor((high - low) / step) + 1)) * step);
}

function members(schema: JsonSchema, root: JsonSchema): Values {
  const properties = Object.entries(schema.properties ?? {});
  const arbitraries = properties.map(
    ([name, member]) => [name, schemaValues(member, root)] as const,
  );
  return fc.record(Object.fromEntries(arbitraries), {
    requiredKeys: [...(schema.required ?? [])],
    noNullPrototype: true,
  }) as Values;
}

function ofType(type: string, schema: JsonSchema, root: JsonSchema): Values {
  switch (type) {
    case "integer":
    case "number":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    case "string":
      return schema.pattern === undefined
        ? fc.string({ minLength: schema.minLength ?? 0 })
        : fc.stringMatching(new RegExp(schema.pattern));
    case "array":
      return fc
        .array(schemaValues(schema.items ?? {}, root), {
          minLength: schema.minItems ?? 0,
          maxLength: schema.maxItems ?? 3,
        })
        .map((list) => (schema.uniqueItems ? [...new Set(list)] : list));
    default:
      return members(schema, root);
  }
}

/** Values that `schema` accepts, over all of its branches. */
export function schemaValues(schema: JsonSchema, root: JsonSchema): Values {
  const target = dereference(schema, root);
  if (target.const !== undefined) return fc.constant(target.const);
  if (target.enum) return fc.constantFrom(...target.enum);
  if (target.oneOf) return fc.oneof(...target.oneOf.map((branch) => schemaValues(branch, root)));
  const types = [target.type ?? "null"].flat() as readonly string[];
  return fc.oneof(...types.map((type) => ofType(type, target, root)));
}
