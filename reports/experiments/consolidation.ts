/** Giving up a snapshot of a VM that writes: one pass with a mirror, against its baselines. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, Setting } from "./experiment.ts";
import { captured, modelled, oneHostOneArray } from "./loads.ts";
import { durationOf, figureOf, SECTORS_PER_MIB } from "./measures.ts";

const SNAPSHOT_MS = 300;
const MERGE_MS = 1_500;
const END_MS = 4_000;
/** Writes a second of the modelled load at an intensity of 1. */
const WRITES_PER_SECOND = 400;

export const consolidation: Experiment = {
  name: "consolidation",
  describe: "Consolidation of a snapshot under load",
  question:
    "A snapshot of a running VM is given up while the guest goes on writing. How much is copied, " +
    "how long does it take, and for how long does the guest stand still, as the guest writes more? " +
    "The iterative way copies what was written meanwhile, again and again, and converges only if the " +
    "guest writes more slowly than it copies; the mirror copies each block once, whatever the guest does.",
  parameters: [
    {
      name: "intensity",
      describe: "guest's load",
      unit: "times the base rate",
      values: [1, 2, 4, 8, 16],
    },
    {
      name: "load",
      describe: "what the guest does",
      values: ["modelled", "captured"],
    },
  ],
  methods: [
    {
      name: "mirror",
      describe: "One pass; meanwhile each guest write goes to both (US 10,956,041).",
      baseline: false,
    },
    {
      name: "iterative",
      describe: "Rounds with helper deltas; what is left after the last is copied in a stun.",
      baseline: true,
    },
    {
      name: "block-merge",
      describe: "The array moves blocks by metadata while the guest is stunned (US 9,116,726).",
      baseline: true,
    },
  ],
  measures: [
    {
      name: "copied",
      describe: "copied",
      unit: "MiB",
      of: figureOf("merge", "copiedSectors", 1 / SECTORS_PER_MIB),
    },
    {
      name: "mirrored",
      describe: "written twice",
      unit: "MiB",
      of: figureOf("merge", "mirroredSectors", 1 / SECTORS_PER_MIB),
    },
    {
      name: "duration",
      describe: "duration",
      unit: "ms",
      of: durationOf("merge"),
    },
    {
      name: "stun",
      describe: "guest stunned, longest",
      unit: "ms",
      of: figureOf("merge", "longestStunNs", 1e-6),
    },
    { name: "rounds", describe: "rounds", unit: "rounds", of: figureOf("merge", "rounds") },
  ],
  document: (setting, method) => document(setting, method),
};

function document(setting: Setting, method: string): ScenarioDocument {
  const intensity = setting["intensity"] as number;
  return {
    name: "consolidation",
    durationMs: END_MS,
    ...oneHostOneArray(),
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 2_048,
        guest: setting["load"] === "captured" ? captured(intensity) : writes(intensity),
        disks: [{ id: "data", on: "array", sizeMiB: 4_096 }],
      },
    ],
    timeline: [
      { id: "snap", atMs: SNAPSHOT_MS, do: "snapshot", vm: "db" },
      {
        id: "merge",
        atMs: MERGE_MS,
        do: "consolidate",
        vm: "db",
        point: "snap",
        method: method as "mirror",
      },
    ],
  };
}

const writes = (intensity: number) =>
  modelled({
    durationMs: END_MS,
    requestsPerSecond: WRITES_PER_SECOND * intensity,
    readPercent: 20,
    sizeKiB: 64,
    regionMiB: 256,
  });
