/** The scenarios' door: documents, their schema and types, loading and checking. */
export { NOTHING_OWN, type OwnParts, type ScenarioDefinition } from "./define.ts";
export {
  checkExpectations,
  createBuilder,
  expectedViolations,
  type ScenarioBuilder,
  type OwnFault,
  type OwnOperation,
} from "./building/index.ts";
export { openRecordedRun, type OpenedRun, type OpenRunOptions } from "./open-run.ts";
export {
  prepareDocument,
  prepareScenario,
  type Prepared,
  withDocument,
} from "./prepare-scenario.ts";
export * from "./run-scenario.ts";
export { type Loaded, type LoadedScenario, type LoadOptions } from "./load.ts";
export { type InputFile } from "./locate-input.ts";
export { readDocument, type ReadDocument } from "./read-document.ts";
export { buildScenarioSchema, builtInExtensions, entrySchema } from "./schema/build-schema.ts";
export type { Extension, ExtensionFamily, ReferenceTarget } from "./schema/extension.ts";
export type { JsonSchema, JsonValue } from "./schema/json-schema.ts";
export type * from "./schema/scenario.generated.ts";
export { standaloneSchema } from "./schema/standalone.ts";
export { keepsPoints } from "./validate/derive.ts";
export { formatProblem, type Problem } from "./validate/problem.ts";
export { closest } from "./validate/suggest.ts";
export { validateDocument, type Validated, type ValidateOptions } from "./validate/validate.ts";
export { readRv64Image } from "./rv64-image.ts";
