/** Requests and their latency over simulated time: as a VM's guest sees them, or a device. */
import type { MetricPoint, MetricSeries, RunSummary } from "../../traces/index.ts";
import { svgOf, thinned } from "./chart.ts";
import type { TimeAxis } from "./time-axis.ts";

const US = 1e3;
const LATENCIES: readonly string[] = ["read-latency-ns", "write-latency-ns", "flush-latency-ns"];

export const CHART = { width: 380, height: 150 } as const;

export const titleOf = (text: string): object => ({ text, anchor: "start", fontSize: 12 });

/** The two charts of one VM or device; undefined when it answered nothing. */
export async function storageCharts(
  summary: RunSummary,
  isOwn: (entity: string) => boolean,
  axis: TimeAxis,
): Promise<readonly string[] | undefined> {
  const series = [...summary.metrics.values()].filter(
    (each) => LATENCIES.includes(each.series) && isOwn(each.entity),
  );
  if (series.length === 0) return undefined;
  return [await throughputChart(series, axis), await latencyChart(series, axis)];
}

/** A point, or null where nothing was measured: lines must not bridge what did not happen. */
export function withGaps(
  points: readonly MetricPoint[],
): { readonly atNs: number; readonly point: MetricPoint | null }[] {
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    const here = { atNs: point.fromNs, point };
    const isGap = next === undefined || next.fromNs > point.toNs + (point.toNs - point.fromNs) * 2;
    return isGap ? [here, { atNs: point.toNs, point: null }] : [here];
  });
}

const operationOf = (series: string): string => series.replace("-latency-ns", "");

async function throughputChart(series: readonly MetricSeries[], axis: TimeAxis): Promise<string> {
  const values = series.flatMap(({ series: name, points }) =>
    withGaps(thinned(points)).map(({ atNs, point }) => ({
      at: axis.at(atNs),
      perSecond: point === null ? 0 : (point.count * 1e9) / (point.toNs - point.fromNs),
      operation: operationOf(name),
    })),
  );
  const lines = {
    data: { values },
    mark: { type: "line", interpolate: "step-after", strokeWidth: 1.3 },
    encoding: {
      x: { field: "at", ...axis.x },
      y: { field: "perSecond", type: "quantitative", title: "requests/s" },
      color: { field: "operation", type: "nominal", title: null },
    },
  };
  return layered("Requests answered", lines, axis);
}

async function latencyChart(series: readonly MetricSeries[], axis: TimeAxis): Promise<string> {
  const values = series.flatMap(({ series: name, points }) =>
    withGaps(thinned(points)).flatMap(({ atNs, point }) =>
      (["p50", "p99"] as const).map((quantile) => ({
        at: axis.at(atNs),
        us: point === null ? null : Math.max(point[quantile], 1) / US,
        operation: operationOf(name),
        quantile,
      })),
    ),
  );
  const lines = {
    data: { values },
    mark: { type: "line", strokeWidth: 1.2 },
    encoding: {
      x: { field: "at", ...axis.x },
      y: { field: "us", type: "quantitative", title: "µs", scale: { type: "log" } },
      color: { field: "operation", type: "nominal", title: null },
      strokeDash: { field: "quantile", type: "nominal", title: null },
    },
  };
  return layered("Latency", lines, axis);
}

/** Lines with the crashes, restarts and faults of the run across them. */
export function layered(title: string, lines: object, axis: TimeAxis): Promise<string> {
  return svgOf({
    ...CHART,
    title: titleOf(title),
    layer: [...axis.marks(false), lines],
    resolve: { scale: { color: "independent" } },
  });
}
