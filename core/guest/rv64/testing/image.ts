// The compiled engine for tests: built first when its sources changed.

import { readFileSync } from "node:fs";

// By its address, so that the compiler does not follow: asc's types bring a console of their own.
await import(new URL("../assembly/build.ts", import.meta.url).href);

export const image: Uint8Array = readFileSync(
  new URL("../assembly/build/rv64.wasm", import.meta.url),
);
