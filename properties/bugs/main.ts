/**
 * `npm run bugs`: plants each bug of the bank and lets what should catch it try. Arguments: names of
 * bugs (none: all), `--seeds N` (median over so many), `--for SECONDS`, `--shrink-runs N`.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { bugNamed, bugs } from "./bank.ts";
import { type Caught, catchBug } from "./catch-bug.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1" },
    for: { type: "string", default: "120" },
    "shrink-runs": { type: "string", default: "1000" },
  },
});

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

const chosen = positionals.length === 0 ? bugs : positionals.map(bugNamed);
const all: Caught[] = [];
let survivors = 0;
console.log("caught  runs  seconds  entries  bug: by");
for (const bug of chosen) {
  const tries: Caught[] = [];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    tries.push(
      await catchBug(bug, {
        seed,
        workers: availableParallelism(),
        most: Number(values.for),
        shrinkRuns: Number(values["shrink-runs"]),
      }),
    );
  }
  all.push(...tries);
  const caught = tries.filter(({ isCaught }) => isCaught);
  if (caught.length < tries.length) survivors++;
  const of = (figure: (each: Caught) => number): number => median(caught.map(figure));
  const columns = [
    `${caught.length}/${tries.length}`.padEnd(6),
    String(of(({ runs }) => runs)).padStart(5),
    of(({ seconds }) => seconds)
      .toFixed(1)
      .padStart(8),
    String(of(({ entries }) => entries)).padStart(8),
  ];
  console.log(`${columns.join(" ")}  ${bug.name}: ${tries[0]?.by ?? ""}`);
}
const caught = all.filter(({ isCaught, runs }) => isCaught && runs > 0);
const [found, left] = [0, 1].map((at) => caught.reduce((sum, { faults }) => sum + faults[at]!, 0));
const removed = found === 0 ? 0 : Math.round((1 - left! / found!) * 100);
console.log(
  `${chosen.length} bugs, ${survivors} survived; median ${median(caught.map((c) => c.seconds)).toFixed(1)} s, ` +
    `reproducer of ${median(caught.map((c) => c.entries))} entries, ${removed} % of faults removed`,
);
process.exitCode = survivors === 0 ? 0 : 1;
