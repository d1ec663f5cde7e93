/** `orrery run`: reads the command line and the scenario; the engine behind it is an argument. */
import type { JsonSchema } from "../../scenarios/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseTime } from "../time.ts";
import { parseCount, type Verb, verb, type VerbOption } from "../verb.ts";
import { requestRun, type RunOptions, type RunRequest } from "./run-request.ts";

/** Executes a checked request: prints, records, and returns the exit code. */
export type ExecuteRun = (context: Context, request: RunRequest) => Promise<ExitCode>;

const options: readonly VerbOption[] = [
  { flags: "--seed <n>", describe: "seed, instead of the document's", parse: parseCount },
  {
    flags: "--entropy <source>",
    describe: "draw from the operating system; the trace is then the only copy",
    choices: ["os"],
  },
  { flags: "--until <time>", describe: "stop at this simulated time", parse: parseTime },
  {
    flags: "--set <path=value>",
    describe: "change the document: /timeline/merge/method=iterative; may be repeated",
    repeatable: true,
  },
  { flags: "-o, --out <file>", describe: "trace file (default: NAME-SEED.orrery)" },
  {
    flags: "--log <kind>",
    describe: "full = every draw; seed = what the seed predicts is left out (default: full)",
    choices: ["full", "seed"],
  },
  { flags: "--no-trace", describe: "write no trace" },
  {
    flags: "--console",
    describe: "take commands from stdin while it runs: `snapshot db`, `crash alpha`, `stun db`",
  },
  { flags: "--check", describe: "check the scenario, print it with all defaults, run nothing" },
];

const examples = [
  { command: "orrery run scenarios/tour.ts", describe: "Run and record a scenario." },
  {
    command: "orrery run scenarios/tour.ts --seed 7 --set /hosts/alpha/cores=4 --json",
    describe: "Another seed, another datacenter, the result as JSON.",
  },
  {
    command: "orrery run my.json --check",
    describe: "What the document means, defaults included.",
  },
];

/** The verb, given the engine that executes requests and the schema of what it prints. */
export const runVerb = (execute: ExecuteRun, output: JsonSchema): Verb =>
  verb<readonly [string], RunOptions>({
    name: "run",
    describe: "run a scenario and record it; print summary, root and violations",
    arguments: [{ syntax: "<scenario>", describe: "a .ts, .mts, .js, .mjs or .json scenario" }],
    options,
    examples,
    output,
    async run(context, [file], given) {
      const requested = await requestRun(file, given);
      if (!requested.ok) {
        return requested.reason === "usage"
          ? context.usage(requested.message)
          : context.badInput(requested.problems);
      }
      const { request } = requested;
      if (given.check !== true) return execute(context, request);
      const { document, hash } = request.scenario;
      context.print(JSON.stringify(document, null, 2));
      context.result({ scenario: document.name, seed: document.seed, hash, document });
      return EXIT.fine;
    },
  });
