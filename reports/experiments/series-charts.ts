/** Series of a cell as charts, what is published beside what is predicted. */
import { svgOf } from "../charts/chart.ts";
import type { ComparedSeries } from "./held-against.ts";

/** Beyond this spread a scale is logarithmic: small rounds matter as much as the first. */
const LOG_SPREAD = 40;
const SIDES = ["published", "predicted"] as const;

export async function seriesChart(
  { describe, unit, publishedAs, steps }: ComparedSeries,
  step: string,
): Promise<string> {
  const values = steps.flatMap((each) =>
    SIDES.flatMap((side) => {
      const value = each[side];
      const shown = side === "published" ? publishedAs : side;
      return value === undefined ? [] : [{ step: each.step, side: shown, value }];
    }),
  );
  const all = values.map(({ value }) => value);
  const isLog = Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > LOG_SPREAD;
  const shape = { field: "side", type: "nominal", title: null, sort: [publishedAs, "predicted"] };
  return svgOf({
    width: 380,
    height: 210,
    title: { text: describe, anchor: "start", fontSize: 12 },
    data: { values },
    mark: { type: "line", point: { size: 34, filled: true }, strokeWidth: 1.4 },
    encoding: {
      x: {
        field: "step",
        type: "quantitative",
        title: step,
        scale: { domain: [0.5, steps.length + 0.5], nice: false },
        axis: { values: steps.map((each) => each.step), format: "d", grid: false },
      },
      y: {
        field: "value",
        type: "quantitative",
        title: unit,
        scale: isLog ? { type: "log" } : { zero: true },
        axis: { format: isLog ? "," : ",~f", tickCount: isLog ? 4 : 6 },
      },
      color: { ...shape, scale: { range: ["#8a929a", "#3b6ea8"] } },
      strokeDash: {
        ...shape,
        scale: {
          range: [
            [4, 3],
            [1, 0],
          ],
        },
      },
      shape: { ...shape, scale: { range: ["square", "circle"] } },
    },
  });
}
