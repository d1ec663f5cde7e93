/** What experiments measure of a run, apart from what is their own. */
import type { MetricPoint } from "../../traces/index.ts";
import type { OperationSummary } from "../../traces/index.ts";
import type { MeasuredRun } from "./experiment.ts";

export const SECTORS_PER_MIB = 2_048;

/** An operation that succeeded. */
export function completed(run: MeasuredRun, id: string): OperationSummary | undefined {
  const found = run.operation(id);
  return found?.outcome === "complete" ? found : undefined;
}

/** A number among the figures of an operation that succeeded, times `scale`. */
export const figureOf =
  (id: string, name: string, scale = 1) =>
  (run: MeasuredRun): number | undefined => {
    const value = completed(run, id)?.figures[name];
    return typeof value === "number" ? value * scale : undefined;
  };

/** Milliseconds from the start of an operation that succeeded to its end. */
export const durationOf =
  (id: string) =>
  (run: MeasuredRun): number | undefined => {
    const found = completed(run, id);
    return found === undefined || found.endNs === null
      ? undefined
      : (found.endNs - found.startNs) / 1e6;
  };

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Samples of a series within a window of simulated time, over all entities that `isOwn` takes. */
export function samplesIn(
  run: MeasuredRun,
  isOwn: (entity: string) => boolean,
  series: string,
  { fromMs, toMs }: Window,
): readonly MetricPoint[] {
  return [...run.summary.metrics.values()]
    .filter((each) => each.series === series && isOwn(each.entity))
    .flatMap(({ points }) => points)
    .filter((point) => point.fromNs >= fromMs * 1e6 && point.toNs <= toMs * 1e6);
}

export const countOf = (points: readonly MetricPoint[]): number =>
  points.reduce((sum, { count }) => sum + count, 0);

/** Mean of all samples; undefined when there are none. */
export function meanOf(points: readonly MetricPoint[]): number | undefined {
  const count = countOf(points);
  return count === 0 ? undefined : points.reduce((sum, point) => sum + point.sum, 0) / count;
}

/** Runs of a VM. */
export const runsOf =
  (vm: string) =>
  (entity: string): boolean =>
    new RegExp(`^${vm}/run-\\d+$`).test(entity);
