/** The bank's bugs for test suites: `ORRERY_BUG=NAME npx vitest run ...`; as plant.mjs does it. */
import { fileURLToPath } from "node:url";
import { bugNamed } from "./bank.ts";

interface SourcePlugin {
  readonly name: string;
  readonly enforce: "pre";
  transform(code: string, id: string): string | undefined;
}

export function plantBug(name: string): SourcePlugin {
  const { file, find, replace } = bugNamed(name);
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  return {
    name: "plant-bug",
    enforce: "pre",
    transform(code, id) {
      if (id.split("?")[0] !== path) return undefined;
      const parts = code.split(find);
      if (parts.length !== 2) throw new Error(`bug ${name} is stale: ${parts.length - 1} places`);
      return parts.join(replace);
    },
  };
}
