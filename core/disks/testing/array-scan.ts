/** Small files as an array's scan tells of them. */
import type { PlainObject } from "../../kernel/index.ts";
import type { Scan } from "../chain/array-files.ts";

export const scanOf = (files: readonly (readonly [name: string, value: PlainObject])[]): Scan => ({
  files: files.map(([name, value]) => ({ name, value, version: 1 })),
});
