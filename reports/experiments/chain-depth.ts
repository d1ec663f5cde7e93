/** What a deep hierarchy of snapshots costs its guest: copy-on-write against chains of redo logs. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, MeasuredRun, Setting } from "./experiment.ts";
import { captured, modelled, oneHostOneArray } from "./loads.ts";
import { countOf, meanOf, runsOf, samplesIn, SECTORS_PER_MIB } from "./measures.ts";

const SNAPSHOT_EVERY_MS = 150;
const FIRST_MS = 400;
/** Measured from here: the deepest hierarchy of the sweep is there by then. */
const SETTLED_MS = 3_500;
const END_MS = 5_500;
const WINDOW = { fromMs: SETTLED_MS, toMs: END_MS };
const WHOLE = { fromMs: 0, toMs: END_MS };

const isArray = (entity: string): boolean => entity === "array";

/** Requests to the array for each request of the guest. */
const amplification =
  (series: string) =>
  (run: MeasuredRun): number | undefined => {
    const asked = countOf(samplesIn(run, runsOf("db"), series, WINDOW));
    if (asked === 0) return undefined;
    return countOf(samplesIn(run, isArray, series, WINDOW)) / asked;
  };

const latency =
  (series: string) =>
  (run: MeasuredRun): number | undefined => {
    const mean = meanOf(samplesIn(run, runsOf("db"), series, WINDOW));
    return mean === undefined ? undefined : mean / 1e3;
  };

/** MiB of one kind of access of the array. */
const moved =
  (series: string, entity = "array", window = WINDOW) =>
  (run: MeasuredRun): number =>
    samplesIn(run, (each) => each === entity, series, window).reduce(
      (sum, point) => sum + point.sum,
      0,
    ) / SECTORS_PER_MIB;

export const chainDepth: Experiment = {
  name: "chain-depth",
  describe: "Depth of a snapshot hierarchy",
  question:
    "Snapshots are taken one after the other and kept. What does each further one cost the guest: " +
    "in latency, in requests to the array for each of its own, in bytes moved? A chain of redo logs is " +
    "read through, and the first write to a grain copies it up; copy-on-write reads and writes the " +
    "base always, and the first write to a chunk after a snapshot copies the old one aside.",
  parameters: [
    { name: "depth", describe: "snapshots kept", values: [0, 1, 2, 4, 8, 16] },
    { name: "load", describe: "what the guest does", values: ["modelled", "captured"] },
  ],
  methods: [
    {
      name: "cow",
      describe: "Copy-on-write volumes of the array (US 9,116,737).",
      baseline: false,
    },
    { name: "redo", describe: "A chain of redo logs on the host.", baseline: true },
  ],
  measures: [
    { name: "read", describe: "read latency, mean", unit: "µs", of: latency("read-latency-ns") },
    { name: "write", describe: "write latency, mean", unit: "µs", of: latency("write-latency-ns") },
    {
      name: "reads",
      describe: "array reads for a guest read",
      unit: "requests",
      of: amplification("read-latency-ns"),
    },
    {
      name: "writes",
      describe: "array writes for a guest write",
      unit: "requests",
      of: amplification("write-latency-ns"),
    },
    { name: "readMiB", describe: "read by the array", unit: "MiB", of: moved("read-sectors") },
    {
      name: "writtenMiB",
      describe: "written by the array",
      unit: "MiB",
      of: moved("write-sectors"),
    },
    {
      name: "asideMiB",
      describe: "copied aside by the array, whole run",
      unit: "MiB",
      of: moved("cow-copied-sectors", "array/vvols", WHOLE),
    },
  ],
  document: (setting, method) => document(setting, method as "redo"),
};

function document(setting: Setting, kind: "redo"): ScenarioDocument {
  const depth = setting["depth"] as number;
  return {
    name: "chain-depth",
    durationMs: END_MS,
    ...oneHostOneArray({ kind }),
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 2_048,
        guest: setting["load"] === "captured" ? CAPTURED : MODELLED,
        disks: [{ id: "data", on: "array", sizeMiB: 4_096, kind }],
      },
    ],
    timeline: Array.from({ length: depth }, (_, i) => ({
      id: `snap-${i + 1}`,
      atMs: FIRST_MS + i * SNAPSHOT_EVERY_MS,
      do: "snapshot" as const,
      vm: "db",
    })),
  };
}

/** At half its own pace, so that it lasts. */
const CAPTURED = captured(1 / 2);

const MODELLED = modelled({
  durationMs: END_MS,
  requestsPerSecond: 800,
  readPercent: 60,
  sizeKiB: 8,
  regionMiB: 64,
});
