/** `npm run bugs -- [NAME...]`: plants each bug in turn and says who catches it. */
import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { codeVersion } from "../../traces/index.ts";
import { bank } from "./bank.ts";
import { huntBug } from "./hunt-bug.ts";
import { documentOf } from "./results-page.ts";
import { Results } from "./results.ts";
import { rowOf, summaryOf, tableOf, totalsOf } from "./table.ts";

const HELP = `npm run bugs -- [NAME...]: plants each bug in turn and says who catches it.
NAME is a bug, a mechanism, or a part of a name; none = all bugs.

  --explore, --suite    only the one; else suites for what exploring does not find
  --all                 suites also for what exploring finds
  --seeds N             seeds to explore with (5); most of them must find the bug
  --vain N              seeds in vain after which the others are left out (2)
  --runs N, --for S     bounds of each seed: runs (400), seconds of the processor (60)
  --shrink N            runs spent on making the first find small (1000)
  --shard I/N           every Nth bug, beginning with the Ith: for several machines
  --out FILE            where results are kept, a line each; a hunt goes on where it was
  --with FILE           results of other hunts, read only; may be repeated
  --page FILE           writes the table as a page
  --show                prints what is known, hunts nothing
  --list                names the bugs
  --json                the same as data

Ctrl-C ends the hunt; what was judged stays. Results hold for one version of core/ and scenarios/.
Exit 1: a bug survives.`;

const readOptions = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean" },
      explore: { type: "boolean" },
      suite: { type: "boolean" },
      all: { type: "boolean" },
      show: { type: "boolean" },
      list: { type: "boolean" },
      json: { type: "boolean" },
      seeds: { type: "string", default: "5" },
      vain: { type: "string", default: "2" },
      runs: { type: "string", default: "400" },
      for: { type: "string", default: "60" },
      shrink: { type: "string", default: "1000" },
      shard: { type: "string", default: "1/1" },
      out: { type: "string" },
      with: { type: "string", multiple: true, default: [] },
      page: { type: "string" },
    },
  });

function optionsOrRefuse(): ReturnType<typeof readOptions> {
  try {
    return readOptions();
  } catch (error) {
    return refuse(`${(error as Error).message.split(". ")[0]} (npm run bugs -- --help)`);
  }
}

const { values, positionals } = optionsOrRefuse();

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

/** A bug is chosen by its name, its mechanism, or a part of its name. */
const chosen = bank.filter(
  ({ name, mechanism }) =>
    positionals.length === 0 ||
    positionals.some((word) => name.includes(word) || mechanism === word),
);
const shard = /^([1-9]\d*)\/([1-9]\d*)$/.exec(values.shard);
const [nth = 1, shards = 0] = shard?.slice(1).map(Number) ?? [];
if (nth > shards) refuse(`--shard ${values.shard}: expected such as 1/2`);
const bugs = chosen.filter((_, index) => (index + 1 - nth) % shards === 0);
if (values.help === true) {
  console.log(HELP);
  process.exit(0);
}
if (bugs.length === 0) {
  refuse(`no bug ${positionals.join(", ")}; npm run bugs -- --list names them`);
}
if (values.list === true) {
  for (const { name, mechanism, what } of bugs) console.log(`${name} (${mechanism}): ${what}`);
  process.exit(0);
}

// As its end: what is under way is ended with it, and results are in the file already.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const { ORRERY_CACHE, XDG_CACHE_HOME } = process.env;
const cache = join(
  ORRERY_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "orrery"),
  "bugs",
);
const version = codeVersion();
const results = new Results(values.out ?? join(cache, "results.jsonl"), version, values.with);
const limits = {
  mostRuns: Number(values.runs),
  mostSeconds: Number(values.for),
  shrinkRuns: Number(values.shrink),
};
if (values.show !== true) {
  for (const [index, bug] of bugs.entries()) {
    await huntBug(bug, results, {
      explores: values.suite !== true,
      suites: values.explore === true ? "none" : values.suite || values.all ? "all" : "missed",
      seeds: Number(values.seeds),
      seedsInVain: Number(values.vain),
      limits,
      cache,
      onStep: (text) => console.error(`${index + 1} of ${bugs.length}  ${text}`),
    });
  }
}
const rows = bugs.map((bug) => rowOf(bug, results));
const totals = totalsOf(rows);
if (values.page !== undefined) writeFileSync(values.page, documentOf(rows, totals, version));
console.log(
  values.json === true
    ? JSON.stringify({ codeVersion: version, totals, rows })
    : `${tableOf(rows)}\n\n${summaryOf(totals)}\ncode version ${version}`,
);
process.exitCode = totals.survivors.length > 0 ? 1 : 0;
