/**
 * An experiment: one question, put to a mechanism and to its baselines over a sweep of parameters,
 * answered by measures of whole runs. The same document but for the method, the same seeds: what
 * differs is the method.
 */
import type { OperationSummary, RunSummary } from "../../traces/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";

export type Value = number | string;

export interface Parameter {
  readonly name: string;
  readonly describe: string;
  readonly unit?: string;
  /** Values of the sweep unless told otherwise. */
  readonly values: readonly Value[];
  /** Of the axis: numbers that grow by factors. */
  readonly scale?: "log";
}

export interface Method {
  readonly name: string;
  readonly describe: string;
  /** The older way, for comparison. */
  readonly baseline: boolean;
}

/** A value for each parameter. */
export type Setting = { readonly [parameter: string]: Value };

export interface Measure {
  readonly name: string;
  readonly describe: string;
  readonly unit: string;
  /** Of its chart: where methods differ by orders of magnitude. */
  readonly scale?: "log";
  /** Undefined where the run does not have it: an operation that failed took no time. */
  readonly of: (run: MeasuredRun) => number | undefined;
  /** What a publication says of it, in the same unit; undefined where it says nothing. */
  readonly published?: (setting: Setting, method: string) => number | undefined;
}

/** What a run has several of, one behind the other: the rounds of a migration. */
export interface Series {
  readonly name: string;
  readonly describe: string;
  readonly unit: string;
  readonly of: (run: MeasuredRun) => readonly number[] | undefined;
  readonly published?: (setting: Setting, method: string) => readonly number[] | undefined;
  /** What its published side is called; `published` unless told. */
  readonly publishedAs?: string;
}

export interface MeasuredRun {
  readonly setting: Setting;
  readonly summary: RunSummary;
  readonly operation: (id: string) => OperationSummary | undefined;
}

export interface Experiment {
  readonly name: string;
  /** One line, as the list of experiments shows it. */
  readonly describe: string;
  /** What is asked, and what the measures can answer. A paragraph. */
  readonly question: string;
  /** The first one is the axis of the charts; each combination of the others has charts of its own. */
  readonly parameters: readonly [Parameter, ...Parameter[]];
  readonly methods: readonly Method[];
  readonly measures: readonly Measure[];
  /** Series of a run; all count the same steps. */
  readonly series?: { readonly step: string; readonly of: readonly Series[] };
  /** What published figures come from, and what was done with them. Paragraphs. */
  readonly remarks?: readonly string[];
  readonly document: (setting: Setting, method: string, seed: number) => ScenarioDocument;
}
