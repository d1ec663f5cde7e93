/** Vitest as ever, but for the sources that ORRERY_PLANT replaces: it transforms them by itself. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { mergeConfig } from "vitest/config";
import ordinary from "../../../vitest.config.ts";

const plan = process.env["ORRERY_PLANT"];
const replaced =
  plan === undefined ? {} : (JSON.parse(readFileSync(plan, "utf8")) as Record<string, string>);

/** Planted sources may loop for longer than a test of sound ones takes. */
const TIMEOUT_MS = 240_000;

// Vitest wants a configuration as the default export of its file.
export default mergeConfig(ordinary, {
  plugins: [
    {
      name: "planted",
      enforce: "pre",
      load(id: string): string | undefined {
        const planted = replaced[pathToFileURL(id.split("?")[0]!).href];
        return planted === undefined ? undefined : readFileSync(new URL(planted), "utf8");
      },
    },
  ],
  test: { testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS, maxWorkers: 1 },
});
