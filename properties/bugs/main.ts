// `npm run bugs -- [NAME...]`: plants each bug in turn and says who catches it. Options: --explore or --suite does only
// the one; --all runs the suites also for bugs that exploring finds; --seeds 5; --runs 400 and --for 60 (processor
// seconds) bound each seed; --show prints what is known and does nothing; --list names the bugs; --json; --out FILE keeps
// results elsewhere. Taken up where it was ended: results hold for one code version.
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { codeVersion } from "../../traces/index.ts";
import { bank } from "./bank.ts";
import { huntBug } from "./hunt-bug.ts";
import { Results } from "./results.ts";
import { rowOf, summaryOf, tableOf, totalsOf } from "./table.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    explore: { type: "boolean" },
    suite: { type: "boolean" },
    all: { type: "boolean" },
    show: { type: "boolean" },
    list: { type: "boolean" },
    json: { type: "boolean" },
    seeds: { type: "string", default: "5" },
    runs: { type: "string", default: "400" },
    for: { type: "string", default: "60" },
    out: { type: "string" },
  },
});

/** A bug is chosen by its name, its mechanism, or a part of its name. */
const bugs = bank.filter(
  ({ name, mechanism }) =>
    positionals.length === 0 ||
    positionals.some((word) => name.includes(word) || mechanism === word),
);
if (bugs.length === 0) {
  console.error(`no bug ${positionals.join(", ")}; npm run bugs -- --list names them`);
  process.exit(2);
}
if (values.list === true) {
  for (const { name, mechanism, what } of bugs) console.log(`${name} (${mechanism}): ${what}`);
  process.exit(0);
}

const { ORRERY_CACHE, XDG_CACHE_HOME } = process.env;
const cache = join(
  ORRERY_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "orrery"),
  "bugs",
);
const results = new Results(values.out ?? join(cache, "results.jsonl"), codeVersion());
const limits = { mostRuns: Number(values.runs), mostSeconds: Number(values.for), shrinkRuns: 200 };
if (values.show !== true) {
  for (const [index, bug] of bugs.entries()) {
    await huntBug(bug, results, {
      explores: values.suite !== true,
      suites: values.explore === true ? "none" : values.suite || values.all ? "all" : "missed",
      seeds: Number(values.seeds),
      limits,
      cache,
      onStep: (text) => console.error(`${index + 1} of ${bugs.length}  ${text}`),
    });
  }
}
const rows = bugs.map((bug) => rowOf(bug, results));
const totals = totalsOf(rows);
console.log(
  values.json === true
    ? JSON.stringify({ codeVersion: codeVersion(), totals, rows })
    : `${tableOf(rows)}\n\n${summaryOf(totals)}\ncode version ${codeVersion()}`,
);
process.exitCode = totals.survivors.length > 0 ? 1 : 0;
