/** The axis of simulated time that all charts of a run share, and what befell the datacenter on it. */
import type { RunSummary } from "../../traces/index.ts";

const UNITS = [
  { name: "s", ns: 1e9 },
  { name: "ms", ns: 1e6 },
  { name: "µs", ns: 1e3 },
] as const;

/** A unit is used when the run has at least so many of it. */
const LEAST = 3;

export interface TimeAxis {
  readonly endNs: number;
  /** A moment in the axis's unit. */
  readonly at: (ns: number) => number;
  /** Encoding of `x`, apart from its field. */
  readonly x: object;
  /** Layers that mark crashes, restarts and faults; `labels` names them at the top. */
  readonly marks: (labels: boolean) => readonly object[];
}

export function timeAxis(summary: RunSummary, endNs: number): TimeAxis {
  const unit = UNITS.find(({ ns }) => endNs >= LEAST * ns) ?? UNITS[2];
  const at = (ns: number): number => ns / unit.ns;
  const x = {
    type: "quantitative",
    title: `simulated time, ${unit.name}`,
    scale: { domain: [0, at(endNs)], nice: false },
  };
  return { endNs, at, x, marks: (labels) => marksOf(summary, at, x, labels ? at(endNs) : null) };
}

const COLOURS: { readonly [kind: string]: string } = {
  crash: "#a83b4f",
  restart: "#4a8f5a",
  fault: "#c8752d",
};

/** Names that are nearer to each other than this part of the span stand above each other. */
const NEAR_PART = 0.12;
const MOST_LEVELS = 4;
const LEVEL_PX = 12;

/** A fault that is a crash is marked once, as the crash. */
const CRASHING: ReadonlySet<unknown> = new Set(["crash", "power-loss"]);

function marksOf(
  summary: RunSummary,
  at: TimeAxis["at"],
  x: object,
  spanOfLabels: number | null,
): readonly object[] {
  const values = summary.happenings
    .filter(
      ({ kind, data }) => kind in COLOURS && !(kind === "fault" && CRASHING.has(data["kind"])),
    )
    .map(({ kind, atNs, data }) => ({
      at: at(atNs),
      colour: COLOURS[kind],
      what: kind === "fault" ? String(data["kind"]) : `${String(data["domain"])} ${kind}`,
    }));
  if (values.length === 0) return [];
  const colour = { field: "colour", type: "nominal", scale: null };
  const rules = {
    data: { values },
    mark: { type: "rule", strokeDash: [4, 3], opacity: spanOfLabels === null ? 0.6 : 1 },
    encoding: { x: { field: "at", ...x }, color: colour },
  };
  if (spanOfLabels === null) return [rules];
  const texts = levelsOf(values, spanOfLabels * NEAR_PART).map((names, level) => ({
    data: { values: names },
    mark: {
      type: "text",
      align: "left",
      dx: 4,
      dy: -6 - level * LEVEL_PX,
      baseline: "bottom",
      fontSize: 10,
    },
    encoding: { x: { field: "at", ...x }, y: { value: 0 }, text: { field: "what" } },
  }));
  return [rules, ...texts];
}

/** Names by the lowest level at which they have room to their right. */
function levelsOf<T extends { readonly at: number }>(values: readonly T[], room: number): T[][] {
  const levels: T[][] = [];
  for (const value of [...values].sort((a, b) => a.at - b.at)) {
    const free = levels.findIndex((names) => value.at - names.at(-1)!.at >= room);
    const level = free >= 0 ? free : Math.min(levels.length, MOST_LEVELS - 1);
    (levels[level] ??= []).push(value);
  }
  return levels;
}
