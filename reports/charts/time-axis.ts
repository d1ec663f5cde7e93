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
  return { endNs, at, x, marks: (labels) => marksOf(summary, at, x, labels) };
}

const COLOURS: { readonly [kind: string]: string } = {
  crash: "#a83b4f",
  restart: "#4a8f5a",
  fault: "#c8752d",
};

/** A fault that is a crash is marked once, as the crash. */
const CRASHING: ReadonlySet<unknown> = new Set(["crash", "power-loss"]);

function marksOf(
  summary: RunSummary,
  at: TimeAxis["at"],
  x: object,
  labels: boolean,
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
    mark: { type: "rule", strokeDash: [4, 3], opacity: labels ? 1 : 0.6 },
    encoding: { x: { field: "at", ...x }, color: colour },
  };
  if (!labels) return [rules];
  const texts = {
    data: { values },
    mark: { type: "text", align: "left", dx: 4, dy: -6, baseline: "bottom", fontSize: 10 },
    encoding: { x: { field: "at", ...x }, y: { value: 0 }, text: { field: "what" } },
  };
  return [rules, texts];
}
