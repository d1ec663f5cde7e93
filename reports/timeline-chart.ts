/** Operations as bars, a row each, with what befell the datacenter as lines across them. */
import type { RunSummary } from "../traces/index.ts";
import { svgOf } from "./charts.ts";

const MS = 1e6;
const ROW_PX = 24;
/** A bar that would be too thin to see is drawn this wide, in parts of the whole span. */
const LEAST_PART = 0.004;

const MARKED: ReadonlySet<string> = new Set(["crash", "restart"]);

export async function timelineChart(summary: RunSummary, endNs: number): Promise<string> {
  const least = endNs * LEAST_PART;
  const bars = summary.operations.map(({ id, kind, startNs, endNs: ended, outcome }) => ({
    operation: id,
    kind,
    outcome: outcome === "complete" ? "complete" : outcome === "running" ? "running" : "failed",
    startMs: startNs / MS,
    endMs: Math.max(ended ?? endNs, startNs + least) / MS,
  }));
  const marks = summary.happenings
    .filter(({ kind }) => MARKED.has(kind))
    .map(({ kind, atNs, data }) => ({
      atMs: atNs / MS,
      what: `${String(data["domain"])} ${kind}`,
    }));
  const x = {
    type: "quantitative",
    title: "simulated time, ms",
    scale: { domain: [0, endNs / MS] },
  };
  return svgOf({
    width: 820,
    height: Math.max(1, bars.length) * ROW_PX,
    title: { text: "Operations and crashes", anchor: "start", fontSize: 13 },
    layer: [
      {
        data: { values: bars },
        mark: { type: "bar", height: 12, cornerRadius: 2 },
        encoding: {
          x: { field: "startMs", ...x },
          x2: { field: "endMs" },
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
      {
        data: { values: marks },
        mark: { type: "rule", color: "#a83b4f", strokeDash: [4, 3] },
        encoding: { x: { field: "atMs", ...x } },
      },
      {
        data: { values: marks },
        mark: { type: "text", align: "left", dx: 4, dy: -6, baseline: "bottom", fontSize: 10 },
        encoding: { x: { field: "atMs", ...x }, y: { value: 0 }, text: { field: "what" } },
      },
    ],
  });
}
