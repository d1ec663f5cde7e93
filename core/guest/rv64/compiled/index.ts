// The compiled engine's door.

export { CompiledEngine, type CompiledOptions, DEFAULT_CODE_PAGES } from "./engine.ts";
export type { CoreExports } from "./exports.ts";
