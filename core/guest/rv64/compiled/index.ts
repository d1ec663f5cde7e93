// The compiled engine's door.

export { CompiledEngine, type CompiledOptions } from "./engine.ts";
export type { CoreExports } from "./exports.ts";
