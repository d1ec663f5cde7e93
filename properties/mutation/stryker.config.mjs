// Mutation score: `npm run mutation` (the kernel) or `ORRERY_MUTATE=disks npm run mutation`; hours on two cores, so it
// is scheduled and not part of CI. Single files: `npm run mutation -- --mutate core/kernel/event-queue.ts`. A sample, with
// the interval that the score of all lies in: `ORRERY_MUTATE_SAMPLE=0.03 npm run mutation` (see sample.mjs).
import { readFileSync } from "node:fs";

const areas = JSON.parse(readFileSync(new URL("areas.json", import.meta.url), "utf8"));
const area = process.env.ORRERY_MUTATE ?? "kernel";
if (areas[area] === undefined) throw new Error(`no area ${area}: ${Object.keys(areas).join(", ")}`);

const share = process.env.ORRERY_MUTATE_SAMPLE;
if (share !== undefined && !(Number(share) > 0 && Number(share) <= 1)) {
  throw new Error(`ORRERY_MUTATE_SAMPLE: expected a share of the mutants, for instance 0.03`);
}
const isSample = share !== undefined;
const kind = isSample ? "sample" : "mutation";

export default {
  testRunner: "vitest",
  vitest: { configFile: "properties/mutation/vitest.config.ts" },
  plugins: [
    "@stryker-mutator/vitest-runner",
    ...(isSample ? ["./properties/mutation/sample.mjs"] : []),
  ],
  checkers: isSample ? ["sample"] : [],
  mutate: areas[area].mutate,
  coverageAnalysis: "perTest",
  // Texts of messages are no behaviour.
  mutator: { excludedMutations: ["StringLiteral"] },
  ignoreStatic: true,
  concurrency: Number(process.env.ORRERY_MUTATE_WORKERS ?? 2),
  dryRunTimeoutMinutes: 45,
  timeoutMS: 20_000,
  timeoutFactor: 3,
  incremental: !isSample,
  incrementalFile: "coverage/mutation.json",
  reporters: isSample ? ["sample", "json"] : ["clear-text", "progress", "json"],
  jsonReporter: { fileName: `coverage/${kind}-${area}-report.json` },
  clearTextReporter: { logTests: false, reportTests: false },
  tempDirName: ".stryker-tmp",
  ignorePatterns: ["/coverage", "*.orrery", "/dist"],
};
