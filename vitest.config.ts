import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{core,traces,scenarios,properties,reports,cli}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "threads",
    maxWorkers: 2,
  },
});
