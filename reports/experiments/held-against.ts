/** What a publication says beside what was measured, and how many times as much it is. */
import type { Setting } from "./experiment.ts";
import { type CellResult, type ExperimentResult, settingText } from "./run-experiment.ts";

/** One figure; `ratio` is published over predicted. */
export interface Compared {
  readonly setting: Setting;
  readonly method: string;
  readonly what: string;
  readonly unit: string;
  readonly published: number;
  readonly predicted: number;
  readonly ratio: number;
}

/** A step of a series; a side is undefined where it has no such step. */
export interface Step {
  readonly step: number;
  readonly published: number | undefined;
  readonly predicted: number | undefined;
}

export interface ComparedSeries {
  readonly describe: string;
  readonly unit: string;
  readonly publishedAs: string;
  readonly steps: readonly Step[];
}

export interface SeriesOfCell {
  readonly title: string;
  readonly series: readonly ComparedSeries[];
}

/** Every measure of which something is published, cell by cell. */
export function comparedFigures({ experiment, cells }: ExperimentResult): readonly Compared[] {
  return cells.flatMap(({ setting, method, estimates }) =>
    experiment.measures.flatMap(({ name, describe: what, unit, published: of }) => {
      const published = of?.(setting, method);
      const predicted = estimates[name]?.mean;
      if (published === undefined || predicted === undefined) return [];
      const ratio = published / predicted;
      return [{ setting, method, what, unit, published, predicted, ratio }];
    }),
  );
}

/** Series of the cells that have any. */
export function comparedSeries(result: ExperimentResult): readonly SeriesOfCell[] {
  return result.cells.flatMap((cell) => {
    const series = seriesOf(result, cell);
    const isEmpty = series.every(({ steps }) => steps.length === 0);
    return isEmpty ? [] : [{ title: `${settingText(cell.setting)}, ${cell.method}`, series }];
  });
}

function seriesOf(
  { experiment }: ExperimentResult,
  { setting, method, series: measured }: CellResult,
): readonly ComparedSeries[] {
  return (experiment.series?.of ?? []).map((each) => {
    const { name, describe, unit, published: of, publishedAs = "published" } = each;
    const predicted = measured[name] ?? [];
    const published = of?.(setting, method) ?? [];
    const length = predicted.length === 0 ? 0 : Math.max(predicted.length, published.length);
    const steps = Array.from({ length }, (_, at) => ({
      step: at + 1,
      published: published[at],
      predicted: predicted[at]?.mean,
    }));
    return { describe, unit, publishedAs, steps };
  });
}
