/** Following references and choices in a schema: what filling defaults and wording errors share. */
import type { JsonSchema } from "../schema/json-schema.ts";

const DEFINITION = "#/$defs/";

type Members = Readonly<Record<string, unknown>>;

export const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const definitionOf = (reference: string): string => reference.slice(DEFINITION.length);

/** The schema that `schema` stands for, once references are followed. */
export function dereference(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let current = schema;
  while (current.$ref !== undefined) {
    const target = root.$defs?.[definitionOf(current.$ref)];
    if (!target) throw new Error(`schema refers to ${current.$ref}, which does not exist`);
    current = target;
  }
  return current;
}

/** The value that the member `tag` must have in a branch of a choice. */
export const tagValue = (branch: JsonSchema, tag: string): unknown =>
  branch.properties?.[tag]?.const;

function matchingTag(branches: readonly JsonSchema[], tag: string, value: Members) {
  return branches.find((branch) => tagValue(branch, tag) === value[tag]);
}

/** Without a discriminator the first required member tells a branch from the others. */
function closestBranch(branches: readonly JsonSchema[], value: Members): JsonSchema | undefined {
  const known = (branch: JsonSchema): number =>
    Object.keys(value).filter((key) => Object.hasOwn(branch.properties ?? {}, key)).length;
  return branches
    .filter((branch) => Object.hasOwn(value, branch.required?.[0] ?? ""))
    .reduce<JsonSchema | undefined>(
      (best, branch) => (best === undefined || known(branch) > known(best) ? branch : best),
      undefined,
    );
}

/** The branch of a `oneOf` that `value` means to be, if that can be told. */
export function branchFor(
  schema: JsonSchema,
  value: unknown,
  root: JsonSchema,
): JsonSchema | undefined {
  if (!isMembers(value)) return undefined;
  const branches = (schema.oneOf ?? []).map((branch) => dereference(branch, root));
  const tag = schema.discriminator?.propertyName;
  return tag === undefined ? closestBranch(branches, value) : matchingTag(branches, tag, value);
}
