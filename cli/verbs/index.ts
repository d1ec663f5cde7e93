/**
 * The verbs, in the order in which help lists them.
 *
 * To add one:
 * 1. Write `verbs/NAME.ts` that exports `verb({ name, describe, arguments, options, examples,
 *    output, run })`. It imports light things only; `run` imports what does the work.
 * 2. `run(context, args, options)` prints through `context`: `print` for people, `result` for
 *    `--json` (once), `progress` for long work. It returns an exit code; bad input goes through
 *    `badInput`, what the environment lacks through `missing`. It throws for our own bugs only.
 * 3. Long work looks at `context.signal` and yields to the event loop (`setImmediate`) a few times
 *    a second, else Ctrl-C is not seen. When aborted it closes its files and returns.
 * 4. `output` is the schema of what `result` gets; a test holds every verb's result against it.
 * 5. List it here.
 */
import type { Verb } from "../verb.ts";
import { bench } from "./bench.ts";
import { crashes } from "./crashes.ts";
import { diff } from "./diff.ts";
import { experiment } from "./experiment.ts";
import { explore } from "./explore.ts";
import { exportVerb } from "./export.ts";
import { gdb } from "./gdb.ts";
import { guest } from "./guest.ts";
import { inspect } from "./inspect.ts";
import { log } from "./log.ts";
import { replay } from "./replay.ts";
import { report } from "./report.ts";
import { runVerb } from "./run.ts";
import { runOutput } from "./run-output.ts";
import { schema } from "./schema.ts";
import { shrink } from "./shrink.ts";
import { why } from "./why.ts";

/** The engine is loaded when a run is executed, so that help and checks start fast. */
const run = runVerb(
  async (context, request) => (await import("./execute-run.ts")).executeRun(context, request),
  runOutput,
);

export const verbs: readonly Verb[] = [
  run,
  report,
  replay,
  log,
  inspect,
  why,
  diff,
  exportVerb,
  explore,
  shrink,
  crashes,
  experiment,
  gdb,
  guest,
  bench,
  schema,
];
