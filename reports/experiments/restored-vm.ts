/** A VM that is suspended and goes on, for experiments with how its memory comes back. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Measure } from "./experiment.ts";
import { oneHostOneArray } from "./loads.ts";
import { figureOf } from "./measures.ts";

const SUSPEND_MS = 150;
const END_MS = 4_000;

type Timeline = NonNullable<ScenarioDocument["timeline"]>;

export interface RestoredVm {
  readonly name: string;
  readonly memoryMiB: number;
  readonly workingSetMiB: number;
  readonly fragmentationPercent?: number;
  readonly distribution?: "uniform" | "zipf" | "sequential";
  readonly accessesPerSecond: number;
  /** Members of `suspend` and of `resume`. */
  readonly suspend: object;
  readonly resume: object;
}

export function restoredVm(wish: RestoredVm): ScenarioDocument {
  const { name, memoryMiB, workingSetMiB, accessesPerSecond } = wish;
  const { fragmentationPercent = 0, distribution = "zipf" } = wish;
  const memory = {
    workingSetMiB,
    readsPerSecond: accessesPerSecond * 0.8,
    writesPerSecond: accessesPerSecond * 0.2,
    distribution,
    fragmentationPercent,
  };
  const sleep = { id: "sleep", atMs: SUSPEND_MS, do: "suspend", vm: "db", on: "array" };
  const wake = { id: "wake", after: "sleep.complete", do: "resume", vm: "db", on: "array" };
  return {
    name,
    durationMs: END_MS,
    ...oneHostOneArray(),
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB,
        guest: {
          kind: "workload",
          bootMs: 20,
          phases: [{ name: "work", durationMs: END_MS, memory }],
        },
        disks: [{ id: "data", on: "array", sizeMiB: 16 }],
      },
    ],
    timeline: [
      { ...sleep, ...wish.suspend },
      { ...wake, ...wish.resume },
    ] as unknown as Timeline,
  };
}

/** What a restore is judged by: when the VM runs, when it works as it used to, and at what price. */
export const restoreMeasures: readonly Measure[] = [
  {
    name: "resumed",
    describe: "first instruction after",
    unit: "ms",
    of: figureOf("wake", "resumedAfterNs", 1e-6),
  },
  {
    name: "responds",
    describe: "responds after",
    unit: "ms",
    of: figureOf("wake", "respondsAfterNs", 1e-6),
  },
  {
    name: "all-there",
    describe: "all there after",
    unit: "ms",
    of: figureOf("wake", "allThereAfterNs", 1e-6),
  },
  { name: "reads", describe: "reads", unit: "reads", of: figureOf("wake", "reads") },
  { name: "faults", describe: "faults", unit: "faults", of: figureOf("wake", "faults") },
  {
    name: "stalls",
    describe: "stood still for pages",
    unit: "ms",
    of: figureOf("wake", "stallNs", 1e-6),
  },
];
