/**
 * The one door through which documents enter: plain data, shape, meaning, defaults.
 *
 * What must hold: never throws, whatever the document; a document is either resolved (every
 * default filled in, every name found) or answered with at least one problem.
 */
import { builtInExtensions, duplicateExtensions } from "../schema/build-schema.ts";
import type { Extension } from "../schema/extension.ts";
import type { JsonValue } from "../schema/json-schema.ts";
import type { ResolvedScenario } from "../schema/scenario.generated.ts";
import { checkExpectations } from "./check-expectations.ts";
import { checkFabric } from "./check-fabric.ts";
import { checkIds } from "./check-ids.ts";
import { checkFaults, checkTimeline } from "./check-timeline.ts";
import { checkVms } from "./check-vms.ts";
import { type CompiledSchema, compileSchema } from "./compile.ts";
import { fillDefaults } from "./defaults.ts";
import { derive } from "./derive.ts";
import { directoryOf, isReferenceTarget } from "./directory.ts";
import { toPlainData } from "./plain-data.ts";
import { type Finding, finding, type Problem } from "./problem.ts";
import { isMembers } from "./schema-walk.ts";

export type Validated =
  | { readonly ok: true; readonly document: ResolvedScenario }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface ValidateOptions {
  /** What to call the document in problems: usually its path as the user gave it. */
  readonly file: string;
  /** Mechanisms that the document may use besides the built-in ones. */
  readonly extensions?: readonly Extension[];
}

let builtInSchema: CompiledSchema | undefined;

/** Own mechanisms come from a module that no compiler may have seen. */
function isExtension(extension: unknown): extension is Extension {
  if (!isMembers(extension)) return false;
  const { family, name, parameters, references = {} } = extension;
  return (
    (family === "operation" || family === "guest" || family === "fault") &&
    typeof name === "string" &&
    /^[a-z][a-z0-9-]{0,62}$/.test(name) &&
    isMembers(parameters) &&
    isMembers(references) &&
    Object.values(references).every((target) => isReferenceTarget(target))
  );
}

function compiled(extensions: readonly Extension[]): CompiledSchema | Finding {
  if (extensions.length === 0 && builtInSchema !== undefined) return builtInSchema;
  const odd = extensions.findIndex((extension) => !isExtension(extension));
  if (odd >= 0) {
    const expected = "family operation, guest or fault; a name; parameters";
    return finding("", `own mechanism ${odd + 1} is not described as one`, expected);
  }
  const twice = duplicateExtensions(extensions);
  if (twice.length > 0) {
    return finding("", `mechanisms with the same name: ${twice.join(", ")}`, "names of their own");
  }
  if (extensions.length === 0) return (builtInSchema ??= compileSchema([]));
  try {
    return compileSchema(extensions);
  } catch (error) {
    const message = `the schema of an own mechanism is wrong: ${(error as Error).message}`;
    return finding("", message, "JSON Schema, draft 2020-12");
  }
}

function meaningOf(
  document: ResolvedScenario,
  extensions: readonly Extension[],
): readonly Finding[] {
  const directory = directoryOf(document);
  const known = [...builtInExtensions, ...extensions];
  return [
    ...checkIds(document),
    ...checkFabric(document, directory),
    ...checkVms(document, directory, known),
    ...checkTimeline(document, directory, known),
    ...checkFaults(document, directory, known),
    ...checkExpectations(document, directory),
  ];
}

function check(
  value: unknown,
  extensions: readonly Extension[],
): ResolvedScenario | readonly Finding[] {
  const plain = toPlainData(value);
  if (plain.findings.length > 0) return plain.findings;
  const schema = compiled(extensions);
  if (!("schema" in schema)) return [schema];
  const shape = schema.findings(plain.data);
  if (shape.length > 0) return shape;
  const { $schema: _, ...data } = plain.data as Readonly<Record<string, JsonValue>>;
  // The shape was checked against the very schema that the type is generated from.
  const filled = fillDefaults(data, schema.schema, schema.schema) as unknown as ResolvedScenario;
  const meaning = meaningOf(filled, extensions);
  return meaning.length > 0 ? meaning : derive(filled);
}

/** Checks a document of unknown origin and fills it in. Reads no files. */
export function validateDocument(value: unknown, options: ValidateOptions): Validated {
  const result = check(value, options.extensions ?? []);
  if (!Array.isArray(result)) return { ok: true, document: result as ResolvedScenario };
  const findings = result as readonly Finding[];
  return { ok: false, problems: findings.map((found) => ({ file: options.file, ...found })) };
}
