/** Says in words what a schema accepts: the "(expected ...)" of a message. */
import type { JsonSchema } from "../schema/json-schema.ts";
import { ID_PATTERN } from "../schema/members.ts";
import { dereference } from "./schema-walk.ts";

const PATTERN_WORDS: Readonly<Record<string, string>> = {
  [ID_PATTERN]: "a name: a letter, then letters, digits, - and _, at most 63 in all",
};

function rangeWords(schema: JsonSchema): string {
  const words: string[] = [];
  if (schema.exclusiveMinimum !== undefined) words.push(`above ${schema.exclusiveMinimum}`);
  else if (schema.minimum !== undefined) words.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined && schema.maximum !== Number.MAX_SAFE_INTEGER) {
    words.push(`at most ${schema.maximum}`);
  }
  if (schema.multipleOf !== undefined) words.push(`a multiple of ${schema.multipleOf}`);
  return words.map((word) => `, ${word}`).join("");
}

function listWords(schema: JsonSchema): string {
  const { minItems = 0, maxItems } = schema;
  if (maxItems !== undefined && minItems === maxItems) return `a list of ${maxItems}`;
  if (minItems > 0) return `a list of at least ${minItems}`;
  return schema.uniqueItems ? "a list without repetition" : "a list";
}

function typeWords(type: string, schema: JsonSchema): string {
  switch (type) {
    case "integer":
      return "a whole number" + rangeWords(schema);
    case "number":
      return "a number" + rangeWords(schema);
    case "string":
      return stringWords(schema);
    case "array":
      return listWords(schema);
    case "boolean":
      return "true or false";
    case "object":
      return objectWords(schema);
    default:
      return type;
  }
}

function stringWords(schema: JsonSchema): string {
  if (schema.pattern !== undefined) {
    return PATTERN_WORDS[schema.pattern] ?? `text that matches ${schema.pattern}`;
  }
  return schema.minLength ? "text that is not empty" : "text";
}

function objectWords(schema: JsonSchema): string {
  const members = schema.required?.length ? schema.required : Object.keys(schema.properties ?? {});
  return members.length === 0 ? "an object" : `an object with ${members.join(", ")}`;
}

/** What a value described by `schema` must be, for instance `a whole number, at least 1`. */
export function expectationOf(schema: JsonSchema, root: JsonSchema): string {
  const target = dereference(schema, root);
  if (target.const !== undefined) return JSON.stringify(target.const);
  if (target.enum) return `one of ${target.enum.map(String).join(", ")}`;
  const tags = (target.oneOf ?? []).map((branch) => dereference(branch, root).required?.[0] ?? "");
  if (tags.length > 0) {
    const unique = [...new Set(tags)];
    return `an object with ${unique.length === 1 ? "" : "one of "}${unique.join(", ")}`;
  }
  const types = Array.isArray(target.type) ? (target.type as string[]) : [String(target.type)];
  return types.map((type) => typeWords(type, target)).join(", or ");
}
