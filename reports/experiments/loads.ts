/** The datacenter and the loads that experiments with a guest under load have in common. */
import type { Guest, ScenarioDocument } from "../../scenarios/index.ts";

/** A host, an array, and the link between them; `array` adds to what the array is. */
export function oneHostOneArray(
  array: Partial<NonNullable<ScenarioDocument["arrays"]>[number]> = {},
): Pick<ScenarioDocument, "hosts" | "arrays" | "links"> {
  const readLatencyUs = { median: 180, p99: 1_500 };
  const writeLatencyUs = { median: 90, p99: 900 };
  return {
    hosts: [{ id: "alpha", cores: 4, memoryMiB: 16_384 }],
    arrays: [{ id: "array", readLatencyUs, writeLatencyUs, ...array }],
    links: [{ between: ["alpha", "array"], bandwidthMbps: 10_000, latencyUs: 25 }],
  };
}

/** SQLite's inserts as captured, at `intensity` times their pace. */
export const captured = (intensity: number): Guest => ({
  kind: "capture",
  file: "traces/samples/inserts.vscsi.csv",
  timeScale: 1 / intensity,
  bootMs: 20,
});

export interface OpenLoad {
  readonly durationMs: number;
  readonly requestsPerSecond: number;
  readonly readPercent: number;
  readonly sizeKiB: number;
  readonly regionMiB: number;
}

/** Requests that come whatever the disk does, to skewed addresses, a flush after each 32nd. */
export const modelled = ({ durationMs, ...load }: OpenLoad): Guest => ({
  kind: "workload",
  bootMs: 20,
  phases: [
    {
      name: "work",
      durationMs,
      block: [{ pacing: "open", disk: "data", ...load, distribution: "zipf", flushEvery: 32 }],
    },
  ],
});
