// The reference engine's door, and its reading of instruction words.

export { expandCompressed } from "./compressed.ts";
export { funct3Of, immediateI, immediateS, OPCODE, opcodeOf, rs1Of } from "./decode.ts";
export { ReferenceEngine } from "./engine.ts";
