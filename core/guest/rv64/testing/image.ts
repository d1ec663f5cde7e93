// The compiled engine for tests: built first when its sources changed.

import { readFileSync } from "node:fs";
import "../assembly/build.ts";

export const image: Uint8Array = readFileSync(
  new URL("../assembly/build/rv64.wasm", import.meta.url),
);
