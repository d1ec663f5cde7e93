/** What links carried and how long messages queued, and what processors kept VMs waiting. */
import type { MetricPoint, RunSummary } from "../../traces/index.ts";
import { thinned } from "./chart.ts";
import { layered, withGaps } from "./storage-charts.ts";
import type { TimeAxis } from "./time-axis.ts";

/** The two charts of a link; undefined when it carried nothing. */
export async function linkCharts(
  summary: RunSummary,
  link: string,
  axis: TimeAxis,
): Promise<readonly string[] | undefined> {
  const carried = pointsOf(summary, link, "bytes");
  if (carried === undefined) return undefined;
  const mbps = ({ sum, fromNs, toNs }: MetricPoint): number => (sum * 8_000) / (toNs - fromNs);
  const queued = pointsOf(summary, link, "queue-ns");
  const charts = [await lineChart("Carried", "Mbit/s", carried, mbps, axis, true)];
  if (queued === undefined || queued.length < 2) return charts;
  const p99 = ({ p99: ns }: MetricPoint): number => ns / 1e3;
  return [...charts, await lineChart("Queueing, p99", "µs", queued, p99, axis, false)];
}

/** Steal time of a host; undefined when no VM had to wait for its processor. */
export async function stealChart(
  summary: RunSummary,
  host: string,
  axis: TimeAxis,
): Promise<readonly string[] | undefined> {
  const stolen = pointsOf(summary, `${host}/cpu`, "steal-ns");
  if (stolen === undefined) return undefined;
  const share = ({ sum, fromNs, toNs }: MetricPoint): number => sum / (toNs - fromNs);
  return [await lineChart("Steal time", "vCPUs waiting", stolen, share, axis, true)];
}

function pointsOf(
  summary: RunSummary,
  entity: string,
  series: string,
): readonly MetricPoint[] | undefined {
  return [...summary.metrics.values()].find(
    (each) => each.entity === entity && each.series === series,
  )?.points;
}

function lineChart(
  title: string,
  unit: string,
  points: readonly MetricPoint[],
  of: (point: MetricPoint) => number,
  axis: TimeAxis,
  isRate: boolean,
): Promise<string> {
  const values = withGaps(thinned(points)).map(({ atNs, point }) => ({
    at: axis.at(atNs),
    value: point !== null ? of(point) : isRate ? 0 : null,
  }));
  const lines = {
    data: { values },
    mark: { type: "line", interpolate: "step-after", strokeWidth: 1.3, color: "#3b6ea8" },
    encoding: {
      x: { field: "at", ...axis.x },
      y: { field: "value", type: "quantitative", title: unit },
    },
  };
  return layered(title, lines, axis);
}
