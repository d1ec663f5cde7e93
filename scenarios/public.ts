/** What a user's own file imports from "orrery". */
export { captured, scenario, workload } from "./define.ts";
export type { OwnParts, OwnScenarioDocument, ScenarioDefinition } from "./define.ts";
export type { Extension, ExtensionFamily, ReferenceTarget } from "./schema/extension.ts";
export type { JsonSchema } from "./schema/json-schema.ts";
export type { ScenarioDocument } from "./schema/scenario.generated.ts";
export { runIfMain } from "./run-if-main.ts";
