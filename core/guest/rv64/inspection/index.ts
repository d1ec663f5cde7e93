// The door of inspection: a machine as people want to see it.

export { bytesAt, hex, type Inspected, inspectMachine, parsePlace } from "./inspect.ts";
export { addressOf, type MemoryAccess, nextAccess } from "./next-access.ts";
export { translateAddress } from "./page-tables.ts";
export { type Symbols, symbolsOf } from "./symbols.ts";
