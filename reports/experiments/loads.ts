/** The datacenter and the loads that experiments with a guest under load have in common. */
import type { Guest, ScenarioDocument, WorkloadGuest } from "../../scenarios/index.ts";

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

export interface MovingLoad {
  readonly linkMbps: number;
  readonly memoryMiB: number;
  readonly durationMs: number;
  readonly memory: NonNullable<WorkloadGuest["phases"][number]["memory"]>;
  readonly vcpus?: number;
}

/** A machine `vm` without disks on `alpha`, and a link to `beta`. */
export function movingBetweenTwo({
  linkMbps,
  memoryMiB,
  durationMs,
  memory,
  vcpus = 1,
}: MovingLoad): Pick<ScenarioDocument, "hosts" | "links" | "vms"> {
  const host = { cores: vcpus, memoryMiB: memoryMiB * 2, nic: { bandwidthMbps: linkMbps } };
  const phase = { name: "work", durationMs: durationMs * 2, memory };
  return {
    hosts: ["alpha", "beta"].map((id) => ({ id, ...host })),
    links: [{ between: ["alpha", "beta"], bandwidthMbps: linkMbps }],
    vms: [
      {
        id: "vm",
        host: "alpha",
        memoryMiB,
        vcpus,
        guest: { kind: "workload", bootMs: 20, phases: [phase] },
      },
    ],
  };
}
