/** Throughput and latency of each VM over simulated time. */
import type { MetricPoint, MetricSeries, RunSummary } from "../traces/index.ts";
import { svgOf, thinned } from "./charts.ts";

const MS = 1e6;
const US = 1e3;
const LATENCIES = ["read-latency-ns", "write-latency-ns", "flush-latency-ns"] as const;
/** More VMs than this make a chart unreadable; the report says what it left out. */
const MOST_VMS = 8;

export interface VmCharts {
  readonly vm: string;
  readonly throughput: string;
  readonly latency: string;
}

export interface MetricCharts {
  readonly charts: readonly VmCharts[];
  readonly leftOut: readonly string[];
}

export async function metricCharts(
  summary: RunSummary,
  vms: readonly string[],
): Promise<MetricCharts> {
  const charts: VmCharts[] = [];
  for (const vm of vms.slice(0, MOST_VMS)) {
    const series = seriesOf(summary, vm);
    if (series.length === 0) continue;
    const throughput = await throughputChart(series);
    charts.push({ vm, throughput, latency: await latencyChart(series) });
  }
  return { charts, leftOut: vms.slice(MOST_VMS) };
}

/** Latencies as the guest sees them: of the VM's runs, one after the other. */
function seriesOf(summary: RunSummary, vm: string): MetricSeries[] {
  const names: readonly string[] = LATENCIES;
  return [...summary.metrics.values()].filter(
    ({ entity, series }) => names.includes(series) && new RegExp(`^${vm}/run-\\d+$`).test(entity),
  );
}

/** A point, or null where the VM answered nothing: lines must not bridge what did not happen. */
function withGaps(
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

async function throughputChart(series: readonly MetricSeries[]): Promise<string> {
  const values = series.flatMap(({ series: name, points }) =>
    withGaps(thinned(points)).map(({ atNs, point }) => ({
      atMs: atNs / MS,
      perSecond: point === null ? 0 : (point.count * 1e9) / (point.toNs - point.fromNs),
      operation: operationOf(name),
    })),
  );
  return svgOf({
    width: 380,
    height: 150,
    title: { text: "Requests answered", anchor: "start", fontSize: 12 },
    data: { values },
    mark: { type: "line", interpolate: "step-after", strokeWidth: 1.3 },
    encoding: {
      x: { field: "atMs", type: "quantitative", title: "simulated time, ms" },
      y: { field: "perSecond", type: "quantitative", title: "requests/s" },
      color: { field: "operation", type: "nominal", title: null },
    },
  });
}

async function latencyChart(series: readonly MetricSeries[]): Promise<string> {
  const values = series.flatMap(({ series: name, points }) =>
    withGaps(thinned(points)).flatMap(({ atNs, point }) =>
      (["p50", "p99"] as const).map((quantile) => ({
        atMs: atNs / MS,
        us: point === null ? null : Math.max(point[quantile], 1) / US,
        operation: operationOf(name),
        quantile,
      })),
    ),
  );
  return svgOf({
    width: 380,
    height: 150,
    title: { text: "Latency", anchor: "start", fontSize: 12 },
    data: { values },
    mark: { type: "line", strokeWidth: 1.2 },
    encoding: {
      x: { field: "atMs", type: "quantitative", title: "simulated time, ms" },
      y: { field: "us", type: "quantitative", title: "µs", scale: { type: "log" } },
      color: { field: "operation", type: "nominal", title: null },
      strokeDash: { field: "quantile", type: "nominal", title: null },
    },
  });
}
