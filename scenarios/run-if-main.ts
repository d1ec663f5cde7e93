/**
 * Makes a scenario file runnable by itself: `npx tsx scenarios/tour.ts --seed 7`.
 *
 * The one file below `cli` that may load it, and only when a scenario is the main module.
 * What must hold: while the main module waits here its own evaluation has not ended, so the
 * scenario is imported a second time, under another name, and that second time does nothing.
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Marks a scenario module that is imported for its document, not run. */
export const IMPORTED_AS_DATA = "?orrery";

/** Something is missing from the environment. */
const MISSING_EXIT = 4;

const isMain = (path: string): boolean => {
  const main = process.argv[1];
  return main !== undefined && realpathSync(main) === realpathSync(path);
};

/**
 * Runs the scenario that calls this, with the options of `orrery run`, if it is the main module.
 * `missing` makes what it needs, and says what keeps it from that: then the exit code is 4.
 */
export async function runIfMain(
  meta: { readonly url: string },
  missing: () => string | undefined = () => undefined,
): Promise<void> {
  if (!meta.url.startsWith("file:") || new URL(meta.url).search !== "") return;
  const path = fileURLToPath(meta.url);
  if (!isMain(path)) return;
  const lacking = missing();
  if (lacking !== undefined) {
    process.stderr.write(`orrery: ${lacking}\n`);
    process.exitCode = MISSING_EXIT;
    return;
  }
  const { runProcess } = await import("../cli/main.ts");
  await runProcess(["run", path, ...process.argv.slice(2)]);
}
