/** What a hunt gave, for each bug and in all. */
import { type Bug, suitesOf } from "./bug.ts";
import type { Results } from "./results.ts";
import type { Explored, Reproducer } from "./searching/explore-bug.ts";
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
  /** What is left of the run that found it first. */
  readonly reproducer: Reproducer | null;
  readonly suite: SuiteOutcome | null;
  readonly triedSuites: number;
  /** Of all suites until one failed; null when none did. */
  readonly suiteSeconds: number | null;
  readonly suiteCpuSeconds: number | null;
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
  const spent = (value: (each: SuiteOutcome) => number | null): number | null =>
    suite === null ? null : suites.reduce((sum, each) => sum + (value(each) ?? 0), 0);
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
    suiteSeconds: spent((each) => each.seconds),
    suiteCpuSeconds: spent((each) => each.cpuSeconds),
    reproducer: found.find(({ reproducer }) => reproducer !== null)?.reproducer ?? null,
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
  /** Over all bugs that were caught, by whatever it was. */
  readonly medianToFind: number | null;
  readonly medianCpuToFind: number | null;
  /** Timeline entries of reproducers, and of a hundred faults those that were taken away. */
  readonly reproducers: number;
  readonly medianEntries: number | null;
  readonly faultsRemovedPercent: number | null;
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
    medianToFind: over((row) => row.medianSeconds ?? row.suiteSeconds),
    medianCpuToFind: over((row) => row.medianCpuSeconds ?? row.suiteCpuSeconds),
    reproducers: rows.filter(({ reproducer }) => reproducer !== null).length,
    medianEntries: over(({ reproducer }) => reproducer?.operations ?? null),
    faultsRemovedPercent: faultsRemoved(rows),
  };
}

function faultsRemoved(rows: readonly Row[]): number | null {
  const left = rows.reduce((sum, { reproducer }) => sum + (reproducer?.faults ?? 0), 0);
  const before = rows.reduce((sum, { reproducer }) => sum + (reproducer?.faultsBefore ?? 0), 0);
  return before === 0 ? null : ((before - left) * 100) / before;
}

const digits = (value: number | null, places: number): string =>
  value === null ? "" : value.toFixed(places);

const HEADS = ["bug", "mechanism", "seeds", "runs", "s", "CPU s", "entries", "faults", "suite"];

/** A table in markdown, which is also read well on a terminal. */
export function tableOf(rows: readonly Row[]): string {
  const cells = [[...HEADS, "what breaks"], ...rows.map(cellsOf)];
  const widths = cells[0]!.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, at) => text.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}

function cellsOf(row: Row): readonly string[] {
  const { bug, seeds, found, reproducer, suite, triedSuites } = row;
  return [
    bug.name,
    bug.mechanism,
    seeds === 0 ? "" : `${found.length}/${seeds}`,
    digits(row.medianRuns, 0),
    digits(row.medianSeconds ?? row.suiteSeconds, 1),
    digits(row.medianCpuSeconds ?? row.suiteCpuSeconds, 1),
    digits(reproducer?.operations ?? null, 0),
    reproducer === null ? "" : `${reproducer.faults}/${reproducer.faultsBefore}`,
    suite?.suite ?? (triedSuites > 0 ? "none fails" : ""),
    whatFails(row),
  ];
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
        `processor)`,
    );
  }
  if (totals.medianToFind !== null) {
    lines.push(
      `all that were caught, median time to find: ${digits(totals.medianToFind, 1)} s ` +
        `(${digits(totals.medianCpuToFind, 1)} s of processor)`,
    );
  }
  if (totals.reproducers > 0) {
    const removed = totals.faultsRemovedPercent;
    lines.push(
      `${totals.reproducers} shrunk reproducers: median ${digits(totals.medianEntries, 0)} ` +
        `timeline entries, ${removed === null ? "no faults" : `${digits(removed, 0)} % of faults`} ` +
        `removed`,
    );
  }
  if (unfinished.length > 0) lines.push(`unfinished: ${unfinished.join(", ")}`);
  if (survivors.length > 0) lines.push(`survivors: ${survivors.join(", ")}`);
  return lines.join("\n");
}
