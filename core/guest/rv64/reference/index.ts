// The reference engine's door.

export { ReferenceEngine } from "./engine.ts";
