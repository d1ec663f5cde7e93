/** What a hunt gave, for each bug and in all. */
import { type Bug, suitesOf } from "./bug.ts";
import type { Results } from "./results.ts";
import type { Explored } from "./searching/explore-bug.ts";
import type { SuiteOutcome } from "./searching/run-suites.ts";

export interface Row {
  readonly bug: Bug;
  /** Seeds that were explored, and those that found it. */
  readonly seeds: number;
  readonly found: readonly Explored[];
  /** Over the seeds; null when most did not find it. */
  readonly medianRuns: number | null;
  readonly medianSeconds: number | null;
  readonly medianCpuSeconds: number | null;
  /** Timeline entries and faults of the shrunk reproducer. */
  readonly size: number | null;
  readonly suite: SuiteOutcome | null;
  readonly triedSuites: number;
  /** `unfinished`: no suite was run yet, or not all that were to be. */
  readonly caughtBy: "explore" | "suite" | "nothing" | "unfinished";
}

export function rowOf(bug: Bug, results: Results): Row {
  const explored = results.explored(bug);
  const found = explored.filter(({ invariant }) => invariant !== null);
  const suites = results.suites(bug);
  const suite = suites.find(({ failed }) => failed > 0) ?? null;
  const seeds = explored.length;
  const over = (value: (each: Explored) => number): number | null =>
    found.length * 2 > seeds ? median(found.map(value), seeds) : null;
  const small = found.find(({ reproducer }) => reproducer !== null)?.reproducer ?? null;
  const medianRuns = over(({ runs }) => runs);
  return {
    bug,
    seeds,
    found,
    suite,
    medianRuns,
    triedSuites: suites.length,
    medianSeconds: over(({ seconds }) => seconds),
    medianCpuSeconds: over(({ cpuSeconds }) => cpuSeconds),
    size: small === null ? null : small.operations + small.faults,
    caughtBy:
      medianRuns !== null
        ? "explore"
        : suite !== null
          ? "suite"
          : suitesOf(bug).every((each) => suites.some((done) => done.suite === each))
            ? "nothing"
            : "unfinished",
  };
}

/** Of `count` values of which those not given are beyond all others. */
export function median(values: readonly number[], count: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((count - 1) / 2)]!;
}

export interface Totals {
  readonly bugs: number;
  readonly byExplore: number;
  readonly bySuite: number;
  readonly survivors: readonly string[];
  readonly unfinished: readonly string[];
  readonly historical: number;
  readonly medianRuns: number | null;
  readonly medianSeconds: number | null;
  readonly medianCpuSeconds: number | null;
  readonly medianSize: number | null;
}

export function totalsOf(rows: readonly Row[]): Totals {
  const by = (what: Row["caughtBy"]): readonly Row[] => rows.filter((row) => row.caughtBy === what);
  const over = (value: (row: Row) => number | null): number | null => {
    const values = rows.map(value).filter((each) => each !== null);
    return values.length === 0 ? null : median(values, values.length);
  };
  return {
    bugs: rows.length,
    byExplore: by("explore").length,
    bySuite: by("suite").length,
    survivors: by("nothing").map(({ bug }) => bug.name),
    unfinished: by("unfinished").map(({ bug }) => bug.name),
    historical: rows.filter(({ bug }) => bug.report !== undefined).length,
    medianRuns: over((row) => row.medianRuns),
    medianSeconds: over((row) => row.medianSeconds),
    medianCpuSeconds: over((row) => row.medianCpuSeconds),
    medianSize: over((row) => row.size),
  };
}

const digits = (value: number | null, places: number): string =>
  value === null ? "" : value.toFixed(places);

/** A table in markdown, which is also read well on a terminal. */
export function tableOf(rows: readonly Row[]): string {
  const cells = [
    ["bug", "mechanism", "explore", "runs", "s", "CPU s", "size", "suite", "test that fails"],
    ...rows.map((row) => [
      row.bug.name,
      row.bug.mechanism,
      row.seeds === 0 ? "" : `${row.found.length}/${row.seeds}`,
      digits(row.medianRuns, 0),
      digits(row.medianSeconds, 1),
      digits(row.medianCpuSeconds, 1),
      digits(row.size, 0),
      row.suite?.suite ?? (row.triedSuites > 0 ? "none fails" : ""),
      whatFails(row),
    ]),
  ];
  const widths = cells[0]!.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, at) => text.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}

const LONGEST = 70;

function whatFails({ found, suite, caughtBy }: Row): string {
  if (caughtBy === "nothing") return "SURVIVES";
  if (caughtBy === "unfinished") return "unfinished";
  const text = found[0]?.invariant ?? suite?.first?.split(": ")[0] ?? "";
  const plain = text.replaceAll("|", "/");
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST - 3)}...` : plain;
}

export function summaryOf(totals: Totals): string {
  const { bugs, byExplore, bySuite, survivors, unfinished, historical } = totals;
  const lines = [
    `${bugs} bugs, ${historical} of them after a report: ${byExplore} caught by exploring alone, ` +
      `${bySuite} by a suite, ${survivors.length} by nothing, ${unfinished.length} unfinished`,
  ];
  if (totals.medianRuns !== null) {
    lines.push(
      `exploring, medians: ${digits(totals.medianRuns, 0)} runs, ` +
        `${digits(totals.medianSeconds, 1)} s (${digits(totals.medianCpuSeconds, 1)} s of ` +
        `processor), ${digits(totals.medianSize, 0)} entries and faults left`,
    );
  }
  if (unfinished.length > 0) lines.push(`unfinished: ${unfinished.join(", ")}`);
  if (survivors.length > 0) lines.push(`survivors: ${survivors.join(", ")}`);
  return lines.join("\n");
}
