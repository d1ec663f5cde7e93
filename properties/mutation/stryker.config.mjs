// Mutation score: `npm run mutation` (the kernel) or `ORRERY_MUTATE=disks npm run mutation`; hours on two cores, so it
// is scheduled and not part of CI. Single files: `npm run mutation -- --mutate core/kernel/event-queue.ts`.
import { readFileSync } from "node:fs";

const areas = JSON.parse(readFileSync(new URL("areas.json", import.meta.url), "utf8"));
const area = process.env.ORRERY_MUTATE ?? "kernel";
if (areas[area] === undefined) throw new Error(`no area ${area}: ${Object.keys(areas).join(", ")}`);

export default {
  testRunner: "vitest",
  vitest: { configFile: "properties/mutation/vitest.config.ts" },
  plugins: ["@stryker-mutator/vitest-runner"],
  mutate: areas[area].mutate,
  coverageAnalysis: "perTest",
  // Texts of messages are no behaviour.
  mutator: { excludedMutations: ["StringLiteral"] },
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 20_000,
  timeoutFactor: 3,
  incremental: true,
  incrementalFile: "coverage/mutation.json",
  reporters: ["clear-text", "progress", "json"],
  jsonReporter: { fileName: "coverage/mutation-report.json" },
  clearTextReporter: { logTests: false, reportTests: false },
  tempDirName: ".stryker-tmp",
  ignorePatterns: ["/coverage", "*.orrery", "/dist"],
};
