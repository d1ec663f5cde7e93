import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{core,traces,scenarios,properties,reports,cli}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "threads",
    maxWorkers: 2,
    // Modules keep no state, so test files share them: a quarter of the time went to loading and
    // compiling the same code again. Who replaces a module does so for itself (`vi.resetModules`).
    isolate: false,
  },
});
