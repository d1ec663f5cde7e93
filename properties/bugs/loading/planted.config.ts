/** Vitest as ever, but for the sources that ORRERY_PLANT replaces: it transforms them by itself. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mergeConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification, type VitestPluginContext } from "vitest/node";
import ordinary from "../../../vitest.config.ts";

const plan = process.env["ORRERY_PLANT"];
const replaced =
  plan === undefined ? {} : (JSON.parse(readFileSync(plan, "utf8")) as Record<string, string>);

const addressOf = (id: string): string => pathToFileURL(id.split("?")[0]!).href;

/** Planted sources may loop for longer than a test of sound ones takes. */
const TIMEOUT_MS = 240_000;

/** Suites in the order in which they were named: the quick ones first, not the long ones. */
class AsNamed extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number =>
      process.argv.findIndex((word) => word.length > 4 && moduleId.includes(word));
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b)));
  }
}

// Vitest wants a configuration as the default export of its file.
export default mergeConfig(ordinary, {
  plugins: [
    {
      name: "planted",
      enforce: "pre",
      // Sources that are replaced must never be taken for what their files hold.
      configureVitest({ experimental_defineCacheKeyGenerator: define }: VitestPluginContext) {
        define(({ id }) => (replaced[addressOf(id)] === undefined ? undefined : false));
      },
      load(id: string): string | undefined {
        const planted = replaced[addressOf(id)];
        return planted === undefined ? undefined : readFileSync(new URL(planted), "utf8");
      },
    },
  ],
  test: {
    testTimeout: TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
    maxWorkers: 1,
    // What is planted may leave modules in a state.
    isolate: true,
    sequence: { sequencer: AsNamed },
    // All other sources are the same from bug to bug: transforming them takes longer than most tests.
    experimental: {
      fsModuleCache: true,
      fsModuleCachePath: join(tmpdir(), "orrery-planted-modules"),
    },
  },
});
