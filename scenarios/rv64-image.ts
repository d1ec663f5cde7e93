// Where the compiled RV64 engine is found: built by core/guest/rv64/assembly/build.ts, read here because core reads no
// files.

import { readFileSync } from "node:fs";

const IMAGE = new URL("../core/guest/rv64/assembly/build/rv64.wasm", import.meta.url);

/** The module's bytes, or null when it was not built (`npm run build:rv64`). */
export function readRv64Image(): Uint8Array | null {
  try {
    return readFileSync(IMAGE);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}
