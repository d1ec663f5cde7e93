/** The door of building: from a checked document and its inputs to worlds. */
export { createBuilder, type ScenarioBuilder } from "./builder.ts";
export { checkExpectations, expectedViolations } from "./expectations.ts";
export { type ImageInput, loadImages, prepareImages } from "./image-inputs.ts";
export { loadInputs, prepareInputs, type LoadedInputs, type ScenarioInput } from "./inputs.ts";
export type { OwnFault, OwnOperation } from "./own-parts.ts";
