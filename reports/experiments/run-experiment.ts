/** Runs an experiment: each cell with each seed, one run after the other, nothing recorded. */
import { fromMs } from "../../core/kernel/index.ts";
import { prepareDocument, runScenario } from "../../scenarios/index.ts";
import type { Experiment, MeasuredRun, Setting } from "./experiment.ts";
import { type Cell, cellsOf } from "./sweep.ts";

/** A measure over the seeds of a cell. */
export interface Estimate {
  readonly mean: number;
  /** Half the width of the 95 % interval of the mean; 0 for a single run. */
  readonly margin: number;
  /** Runs that had the measure. */
  readonly runs: number;
}

export interface CellResult extends Cell {
  /** By measure; null where no run had it. */
  readonly estimates: { readonly [measure: string]: Estimate | null };
  /** By series: each of its steps, over the runs that had as many. */
  readonly series: { readonly [series: string]: readonly Estimate[] };
  /** Invariants that were broken, and how often. */
  readonly violations: { readonly [invariant: string]: number };
}

export interface ExperimentResult {
  readonly experiment: Experiment;
  readonly seeds: readonly number[];
  readonly cells: readonly CellResult[];
}

export interface ExperimentOptions {
  readonly seeds: readonly number[];
  readonly signal?: { readonly aborted: boolean };
  readonly onProgress?: (done: number, total: number) => void;
}

/** A document of the experiment is wrong: a bug of the experiment, or a value that makes none. */
export class ExperimentError extends Error {
  override readonly name = "ExperimentError";
}

/** Undefined when it was interrupted. */
export async function runExperiment(
  experiment: Experiment,
  options: ExperimentOptions,
): Promise<ExperimentResult | undefined> {
  const { seeds, signal, onProgress } = options;
  const cells = cellsOf(experiment);
  const results: CellResult[] = [];
  let done = 0;
  for (const cell of cells) {
    const runs: MeasuredRun[] = [];
    for (const seed of seeds) {
      if (signal?.aborted) return undefined;
      runs.push(await runOnce(experiment, cell, seed, signal));
      onProgress?.(++done, cells.length * seeds.length);
    }
    if (signal?.aborted) return undefined;
    results.push(resultOf(experiment, cell, runs));
  }
  return { experiment, seeds, cells: results };
}

async function runOnce(
  experiment: Experiment,
  { setting, method }: Cell,
  seed: number,
  signal: ExperimentOptions["signal"],
): Promise<MeasuredRun> {
  const document = { ...experiment.document(setting, method, seed), seed };
  const prepared = await prepareDocument(document, `experiment ${experiment.name}`);
  if (!prepared.ok) {
    const { pointer, message, expected } = prepared.problems[0]!;
    const where = `${experiment.name}, ${settingText(setting)}, ${method}`;
    throw new ExperimentError(`${where}: ${pointer} ${message}; expected ${expected}`);
  }
  const { summary } = await runScenario(prepared.scenario, {
    entropy: "seed",
    log: "seed",
    untilNs: fromMs(prepared.scenario.document.durationMs),
    ...(signal && { signal }),
  });
  const operation: MeasuredRun["operation"] = (id) =>
    summary.operations.find((each) => each.id === id);
  return { setting, summary, operation };
}

function resultOf(experiment: Experiment, cell: Cell, runs: readonly MeasuredRun[]): CellResult {
  const estimates: { [measure: string]: Estimate | null } = {};
  for (const { name, of } of experiment.measures) {
    estimates[name] = estimate(runs.map(of).filter((value) => value !== undefined));
  }
  const violations: { [invariant: string]: number } = {};
  for (const { summary } of runs) {
    for (const { invariant } of summary.violations) {
      violations[invariant] = (violations[invariant] ?? 0) + 1;
    }
  }
  return { ...cell, estimates, series: seriesOf(experiment, runs), violations };
}

function seriesOf({ series }: Experiment, runs: readonly MeasuredRun[]): CellResult["series"] {
  const found: { [series: string]: readonly Estimate[] } = {};
  for (const { name, of } of series?.of ?? []) {
    const rows = runs.map((run) => of(run) ?? []);
    const steps = Math.max(0, ...rows.map(({ length }) => length));
    found[name] = Array.from({ length: steps }, (_, step) =>
      estimate(rows.flatMap((row) => row[step] ?? []))!,
    );
  }
  return found;
}

/** Quantiles of Student's t at 97.5 %, for 1 to 10 degrees of freedom; about 2 beyond. */
const STUDENT = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23] as const;

export function estimate(values: readonly number[]): Estimate | null {
  const runs = values.length;
  if (runs === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / runs;
  if (runs === 1) return { mean, margin: 0, runs };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / (runs - 1) / runs);
  return { mean, margin: (STUDENT[runs - 2] ?? 2) * error, runs };
}

export const settingText = (setting: Setting): string =>
  Object.entries(setting)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
