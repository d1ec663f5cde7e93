/**
 * Charts as inline SVG, by vega-lite: the same data gives the same bytes, so reports can be compared
 * and kept under version control.
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const CONFIG = {
  font: "system-ui, sans-serif",
  background: "transparent",
  view: { stroke: null },
  axis: { labelColor: "#555", titleColor: "#333", gridColor: "#e8e8e8", domainColor: "#999" },
  legend: { labelColor: "#333", titleColor: "#333", orient: "bottom" },
  range: { category: ["#3b6ea8", "#c8752d", "#4a8f5a", "#8a5aa8", "#a83b4f", "#5f6b73"] },
} as const;

/** The SVG text of a vega-lite specification. */
export async function svgOf(spec: object): Promise<string> {
  const full = { ...spec, config: CONFIG } as unknown as TopLevelSpec;
  const view = new View(parse(compile(full).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/** At most `limit` of `points`, evenly spread, first and last kept. */
export function thinned<T>(points: readonly T[], limit = 400): readonly T[] {
  if (points.length <= limit) return points;
  const step = (points.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, i) => points[Math.round(i * step)]!);
}
