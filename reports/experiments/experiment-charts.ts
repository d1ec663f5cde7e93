/**
 * One chart a measure and combination of further parameters: methods as lines over the axis. What is
 * measured is never negative, so neither is the lower end of an interval.
 */
import { svgOf } from "../charts/chart.ts";
import type { Experiment, Measure, Setting } from "./experiment.ts";
import type { ExperimentResult } from "./run-experiment.ts";
import { settingsOf } from "./sweep.ts";

export interface ExperimentChart {
  readonly title: string;
  readonly svg: string;
}

/** Charts by combination of the parameters that are not the axis. */
export interface ChartGroup {
  readonly setting: Setting;
  readonly charts: readonly ExperimentChart[];
}

export async function experimentCharts(result: ExperimentResult): Promise<readonly ChartGroup[]> {
  const { experiment } = result;
  const groups: ChartGroup[] = [];
  for (const setting of settingsOf(experiment.parameters.slice(1))) {
    const charts: ExperimentChart[] = [];
    for (const measure of experiment.measures) {
      // What is published of it is in a table, beside its ratio.
      if (measure.published !== undefined) continue;
      const svg = await measureChart(result, setting, measure);
      if (svg !== undefined) charts.push({ title: measure.describe, svg });
    }
    groups.push({ setting, charts });
  }
  return groups;
}

async function measureChart(
  { experiment, cells }: ExperimentResult,
  setting: Setting,
  { name, describe, unit, scale }: Measure,
): Promise<string | undefined> {
  const [axis] = experiment.parameters;
  const values = cells
    .filter((cell) => Object.entries(setting).every(([key, value]) => cell.setting[key] === value))
    .flatMap((cell) => {
      const found = cell.estimates[name];
      if (!found) return [];
      const { mean, margin } = found;
      const x = cell.setting[axis.name]!;
      return [
        { x, method: cell.method, mean, low: Math.max(0, mean - margin), high: mean + margin },
      ];
    });
  if (values.length === 0) return undefined;
  const isLog = scale === "log" && values.every(({ mean }) => mean > 0);
  const isNumber = typeof axis.values[0] === "number";
  const x = {
    field: "x",
    type: isNumber ? "quantitative" : "nominal",
    title: `${axis.describe}${axis.unit === undefined ? "" : `, ${axis.unit}`}`,
    ...(axis.scale === "log" && { scale: { type: "log" } }),
    axis: {
      labelAngle: 0,
      ...(isNumber && { values: [...axis.values], format: ",", labelOverlap: true }),
    },
  };
  // A method has its colour in every chart, whichever others are in it.
  const domain = methodNames(experiment);
  const color = { field: "method", type: "nominal", title: null, scale: { domain } };
  const y = { type: "quantitative", title: unit, scale: isLog ? { type: "log" } : { zero: true } };
  return svgOf({
    width: 380,
    height: 190,
    title: { text: describe, anchor: "start", fontSize: 12 },
    // A logarithmic scale has no zero for an interval to reach.
    data: {
      values: isLog
        ? values.map((each) => ({ ...each, low: each.low > 0 ? each.low : each.mean }))
        : values,
    },
    layer: [
      {
        mark: { type: "rule", strokeOpacity: 0.5 },
        encoding: { x, y: { field: "low", ...y }, y2: { field: "high" }, color },
      },
      {
        mark: { type: "line", point: { size: 22, filled: true }, strokeWidth: 1.4 },
        encoding: { x, y: { field: "mean", ...y }, color },
      },
    ],
  });
}

const methodNames = ({ methods }: Experiment): string[] => methods.map(({ name }) => name);
