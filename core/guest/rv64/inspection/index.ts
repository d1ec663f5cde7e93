// The door of inspection: a machine as people want to see it.

export { bytesAt, hex, type Inspected, inspectMachine, parsePlace } from "./inspect.ts";
export { addressesOfNext, addressOf, type MemoryAccess, nextAccess } from "./next-access.ts";
export { type PageWalk, translateAddress, walkPage } from "./page-tables.ts";
export { type Symbols, symbolsOf } from "./symbols.ts";
