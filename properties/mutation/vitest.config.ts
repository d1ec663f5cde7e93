/** The tests that are to notice what is mutated (areas.json). */
import { readFileSync } from "node:fs";
import { mergeConfig } from "vitest/config";
import ordinary from "../../vitest.config.ts";

type Areas = { readonly [area: string]: { readonly tests: string[] } };

const text = readFileSync(new URL("areas.json", import.meta.url), "utf8");
const { tests } = (JSON.parse(text) as Areas)[process.env["ORRERY_MUTATE"] ?? "kernel"]!;
// Vitest wants a configuration as the default export of its file; merging joins lists.
const { include: _, ...rest } = ordinary.test!;
// Slower with mutants in it; one that never ends is Stryker's to notice.
const testTimeout = 600_000;
export default mergeConfig(
  { test: rest },
  { test: { include: tests, maxWorkers: 1, isolate: true, testTimeout } },
);
