/** Operations as bars, a row each, with what befell the datacenter as lines across them. */
import { kindAndVm, type OperationSummary, type RunSummary } from "../../traces/index.ts";
import { svgOf } from "./chart.ts";
import type { TimeAxis } from "./time-axis.ts";

const ROW_PX = 24;
/** A bar that would be too thin to see is drawn this wide, in parts of the whole span. */
const LEAST_PART = 0.004;
/** Rows of the chart; the table below it has them all. */
const MOST_ROWS = 60;

export async function timelineChart(summary: RunSummary, axis: TimeAxis): Promise<string> {
  const { endNs, at, x } = axis;
  const least = endNs * LEAST_PART;
  const principal = summary.principal;
  const shown = principal.slice(0, MOST_ROWS);
  const bars = shown.map((operation) => ({
    operation: rowName(operation),
    outcome: toneOf(operation.outcome),
    start: at(operation.startNs),
    end: at(Math.max(operation.endNs ?? endNs, operation.startNs + least)),
  }));
  const left = principal.length - shown.length;
  const title = `Operations and crashes${left > 0 ? ` (${left} more in the table)` : ""}`;
  return svgOf({
    width: 750,
    height: Math.max(1, bars.length) * ROW_PX,
    title: { text: title, anchor: "start", fontSize: 13 },
    layer: [
      {
        data: { values: bars },
        mark: { type: "bar", height: 12, cornerRadius: 2 },
        encoding: {
          x: { field: "start", ...x },
          x2: { field: "end" },
          y: { field: "operation", type: "nominal", sort: null, title: null },
          color: {
            field: "outcome",
            type: "nominal",
            title: "outcome",
            scale: {
              domain: ["complete", "failed", "running"],
              range: ["#3b6ea8", "#a83b4f", "#b0b7bd"],
            },
          },
        },
      },
      ...axis.marks(true),
    ],
    resolve: { scale: { color: "independent" } },
  });
}

/** The id; of what another operation performs (`ID.KIND`) what it is, and of which VM. */
function rowName(operation: OperationSummary): string {
  const { id, kind } = operation;
  return id.endsWith(`.${kind}`) && kindAndVm(operation) !== kind ? kindAndVm(operation) : id;
}

function toneOf(outcome: string): "complete" | "running" | "failed" {
  return outcome === "complete" || outcome === "running" ? outcome : "failed";
}
