/** Making a linked clone a full one while it runs, against leaving it linked. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, MeasuredRun, Setting } from "./experiment.ts";
import { captured, modelled, oneHostOneArray } from "./loads.ts";
import {
  durationOf,
  figureOf,
  meanOf,
  runsOf,
  samplesIn,
  SECTORS_PER_MIB,
  type Window,
} from "./measures.ts";

const FILL_MS = 3_000;
const END_MS = 12_000;
const DURING: Window = { fromMs: FILL_MS + 1_000, toMs: FILL_MS + 1_200 };
const AFTER: Window = { fromMs: FILL_MS + 1_500, toMs: END_MS };
/** Requests a second of the clone at an intensity of 1. */
const REQUESTS_PER_SECOND = 300;

const latency =
  (series: string, window: Window) =>
  (run: MeasuredRun): number | undefined => {
    const mean = meanOf(samplesIn(run, runsOf("clone"), series, window));
    return mean === undefined ? undefined : mean / 1e3;
  };

export const promotion: Experiment = {
  name: "promotion",
  describe: "Promotion of a linked clone under load",
  question:
    "A clone stands on another VM's point in time. Promotion copies what it shares while its guest " +
    "goes on, with each write going to both disks. What does the guest notice while that lasts, how much " +
    "is copied, and what has it gained afterwards, against a clone that stays linked?",
  parameters: [
    {
      name: "intensity",
      describe: "clone's load",
      unit: "times the base rate",
      values: [0.5, 1, 2, 4],
    },
    { name: "load", describe: "what the clone does", values: ["modelled", "captured"] },
  ],
  methods: [
    {
      name: "promote",
      describe: "One pass with a mirror (US 10,585,690), a second after the clone is on.",
      baseline: false,
    },
    { name: "stay-linked", describe: "Nothing is copied; the chain stays.", baseline: true },
  ],
  measures: [
    {
      name: "copied",
      describe: "copied",
      unit: "MiB",
      of: figureOf("promotion", "copiedSectors", 1 / SECTORS_PER_MIB),
    },
    { name: "duration", describe: "duration", unit: "ms", of: durationOf("promotion") },
    {
      name: "stun",
      describe: "guest stunned, longest",
      unit: "ms",
      of: figureOf("promotion", "longestStunNs", 1e-6),
    },
    {
      name: "during",
      describe: "write latency meanwhile, mean",
      unit: "µs",
      of: latency("write-latency-ns", DURING),
    },
    {
      name: "after",
      describe: "write latency afterwards, mean",
      unit: "µs",
      of: latency("write-latency-ns", AFTER),
    },
  ],
  document: (setting, method) => document(setting, method),
};

function document(setting: Setting, method: string): ScenarioDocument {
  const intensity = setting["intensity"] as number;
  const disks = [{ id: "data", on: "array", sizeMiB: 4_096 }];
  const promoted = { id: "promotion", atMs: DURING.fromMs, do: "promote", vm: "clone" } as const;
  return {
    name: "promotion",
    durationMs: END_MS,
    ...oneHostOneArray(),
    vms: [
      { id: "golden", host: "alpha", memoryMiB: 1_024, guest: requests(2), disks },
      {
        id: "clone",
        host: "alpha",
        poweredOn: false,
        memoryMiB: 1_024,
        guest: setting["load"] === "captured" ? captured(intensity) : requests(intensity),
        disks,
      },
    ],
    timeline: [
      { id: "point", atMs: FILL_MS - 500, do: "snapshot", vm: "golden" },
      {
        id: "link",
        after: "point.complete",
        do: "linked-clone",
        vm: "golden",
        point: "point",
        clone: "clone",
      },
      { id: "on", atMs: FILL_MS, do: "power-on", vm: "clone" },
      ...(method === "promote" ? [promoted] : []),
    ],
  };
}

const requests = (intensity: number) =>
  modelled({
    durationMs: END_MS,
    requestsPerSecond: REQUESTS_PER_SECOND * intensity,
    readPercent: 40,
    sizeKiB: 16,
    regionMiB: 256,
  });
