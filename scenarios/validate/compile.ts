/** Compiles the schema once for each set of mechanisms, and checks a document's shape with it. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { buildScenarioSchema } from "../schema/build-schema.ts";
import type { Extension } from "../schema/extension.ts";
import type { JsonSchema, JsonValue } from "../schema/json-schema.ts";
import { type Finding, finding } from "./problem.ts";
import { findingsOf } from "./schema-errors.ts";
import { branchFor, definitionOf, dereference } from "./schema-walk.ts";

export interface CompiledSchema {
  readonly schema: JsonSchema;
  /** What is wrong with a document's shape; semantic checks rely on an empty answer. */
  findings(data: JsonValue): readonly Finding[];
}

const ROOT = "scenario";

type Validators = (definition: string) => ValidateFunction;

/** ajv's errors, those of every branch of an undiscriminated choice replaced by the meant one's. */
function settleChoices(
  errors: readonly ErrorObject[],
  root: JsonSchema,
  validators: Validators,
): { errors: readonly ErrorObject[]; findings: readonly Finding[] } {
  const choices = errors.filter((error) => error.keyword === "oneOf");
  const inChoice = (error: ErrorObject): boolean =>
    choices.some(({ instancePath }) => `${error.instancePath}/`.startsWith(`${instancePath}/`));
  const settled = errors.filter((error) => !inChoice(error));
  const findings: Finding[] = [];
  for (const { instancePath, parentSchema, data } of choices) {
    const choice = parentSchema as JsonSchema;
    const branch = branchFor(choice, data, root);
    const reference = choice.oneOf?.find((one) => dereference(one, root) === branch)?.$ref;
    if (branch === undefined || reference === undefined) {
      const tags = (choice.oneOf ?? []).map((one) => dereference(one, root).required?.[0]);
      findings.push(
        finding(instancePath, "cannot tell what this is", `one member of ${tags.join(", ")}`),
      );
      continue;
    }
    const validate = validators(definitionOf(reference));
    validate(data);
    for (const error of validate.errors ?? []) {
      settled.push({ ...error, instancePath: instancePath + error.instancePath });
    }
  }
  return { errors: settled, findings };
}

/** @throws Error when a mechanism's schema is not a valid one */
export function compileSchema(extensions: readonly Extension[]): CompiledSchema {
  const schema = buildScenarioSchema(extensions);
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    discriminator: true,
    allowUnionTypes: true,
    strictRequired: false,
    logger: false,
  });
  ajv.addSchema(schema, ROOT);
  const validate = ajv.getSchema(ROOT)!;
  const validators: Validators = (name) => ajv.getSchema(`${ROOT}#/$defs/${name}`)!;
  return {
    schema,
    findings(data) {
      if (validate(data)) return [];
      const { errors, findings } = settleChoices(validate.errors ?? [], schema, validators);
      return [...findingsOf(errors, schema), ...findings];
    },
  };
}
