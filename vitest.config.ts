import { defineConfig } from "vitest/config";
import { plantBug } from "./properties/bugs/vitest-plugin.ts";

/** A bug of the bank, planted to see whether a suite catches it. */
const bug = process.env["ORRERY_BUG"];

export default defineConfig({
  plugins: bug === undefined ? [] : [plantBug(bug)],
  test: {
    include: ["{core,traces,scenarios,properties,reports,cli}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 60_000,
    pool: "threads",
    maxWorkers: 2,
  },
});
