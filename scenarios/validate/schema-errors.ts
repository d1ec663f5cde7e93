/**
 * Turns ajv's errors into findings: one clear line for each mistake.
 *
 * What must hold: every error yields at least one finding, whatever the document looks like, and a
 * mistake that ajv reports several times (a misspelt member is also a missing one) yields one.
 */
import type { ErrorObject } from "ajv/dist/2020.js";
import type { JsonSchema } from "../schema/json-schema.ts";
import { expectationOf } from "./expectation-words.ts";
import { type Finding, finding, pointerTo, shown } from "./problem.ts";
import { dereference, isMembers, tagValue } from "./schema-walk.ts";
import { closest, closestMember, withUnitWords } from "./suggest.ts";

const didYouMean = (word: string | undefined): string =>
  word === undefined ? "" : `; did you mean ${word}?`;

const membersOf = (schema: JsonSchema | undefined): readonly string[] =>
  Object.keys(schema?.properties ?? {}).filter((member) => !member.startsWith("$"));

function unknownMember(error: ErrorObject, parent: JsonSchema): Finding {
  const name = String(error.params["additionalProperty"]);
  const present = isMembers(error.data) ? error.data : {};
  const known = membersOf(parent);
  const candidates = known.filter((member) => !Object.hasOwn(present, member));
  const meant = closestMember(name, candidates) ?? closestMember(name, known);
  return finding(
    pointerTo(error.instancePath, name),
    `unknown member ${name}${didYouMean(meant && withUnitWords(meant))}`,
    known.length === 0 ? "no members" : `one of ${known.join(", ")}`,
  );
}

function missingMember(error: ErrorObject, parent: JsonSchema, root: JsonSchema): Finding {
  const name = String(error.params["missingProperty"]);
  const schema = parent.properties?.[name];
  const expected = schema ? expectationOf(dereference(schema, root), root) : "it to be there";
  return finding(error.instancePath, `member ${name} is missing`, expected);
}

function unknownTag(error: ErrorObject, parent: JsonSchema, root: JsonSchema): Finding {
  const tag = String(error.params["tag"]);
  const known = (parent.oneOf ?? []).map((branch) =>
    String(tagValue(dereference(branch, root), tag)),
  );
  const expected = `one of ${known.join(", ")}`;
  const value: unknown = error.params["tagValue"];
  if (value === undefined) {
    return finding(error.instancePath, `member ${tag} is missing`, expected);
  }
  const meant = typeof value === "string" ? closest(value, known) : undefined;
  return finding(
    pointerTo(error.instancePath, tag),
    `unknown value ${shown(value)}${didYouMean(meant)}`,
    expected,
  );
}

function wrongValue(error: ErrorObject, parent: JsonSchema, root: JsonSchema): Finding {
  const known = parent.enum?.filter((word) => typeof word === "string") ?? [];
  const meant = typeof error.data === "string" ? closest(error.data, known) : undefined;
  return finding(
    error.instancePath,
    error.keyword === "uniqueItems"
      ? "names something twice"
      : `is ${shown(error.data)}` + didYouMean(meant),
    expectationOf(parent, root),
  );
}

function findingOf(error: ErrorObject, root: JsonSchema): Finding {
  const parent = (error.parentSchema ?? {}) as JsonSchema;
  switch (error.keyword) {
    case "additionalProperties":
      return unknownMember(error, parent);
    case "required":
      return missingMember(error, parent, root);
    case "discriminator":
      return unknownTag(error, parent, root);
    default:
      return wrongValue(error, parent, root);
  }
}

/** A missing member of which an unknown one is a misspelling is reported once, as the latter. */
const isMisspelt = (missing: ErrorObject, errors: readonly ErrorObject[]): boolean =>
  errors.some((error) => {
    if (error.keyword !== "additionalProperties") return false;
    if (error.instancePath !== missing.instancePath) return false;
    const known = membersOf(error.parentSchema as JsonSchema);
    const name = String(error.params["additionalProperty"]);
    return closestMember(name, known) === missing.params["missingProperty"];
  });

/** Findings for ajv's errors, in document order as far as ajv gives it, without repetition. */
export function findingsOf(errors: readonly ErrorObject[], root: JsonSchema): readonly Finding[] {
  const findings = errors
    .filter((error) => error.keyword !== "required" || !isMisspelt(error, errors))
    .map((error) => findingOf(error, root));
  const seen = new Set<string>();
  return findings.filter(({ pointer, message }) => {
    const key = `${pointer}\n${message}`;
    return !seen.has(key) && seen.add(key);
  });
}
