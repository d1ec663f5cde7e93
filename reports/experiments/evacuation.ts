/** A host that warns before it fails: its VMs are moved away in time, or restarted after the failure. */
import type { OperationSummary } from "../../traces/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, MeasuredRun, Setting } from "./experiment.ts";

const VMS = ["vm1", "vm2", "vm3", "vm4"];
const DRIFT_MS = 1_000;
const END_MS = 16_000;
/** So much of the way from nominal to failing is a warning. */
const WARNING = 0.25;

const failsAtMs = ({ setting }: MeasuredRun): number =>
  DRIFT_MS + 1_000 * (setting["seconds"] as number);

type Moved = { readonly vm: string; readonly downtimeNs: number };

/** Moves that were over before the host failed, each with what it cost. */
function movesOf(run: MeasuredRun): readonly Moved[] {
  return run.summary.operations.flatMap(({ kind, vm, outcome, figures }: OperationSummary) => {
    const { downtimeNs } = figures;
    if (kind !== "migrate" || vm === null || outcome !== "complete") return [];
    return [{ vm, downtimeNs: downtimeNs as number }];
  });
}

/** From the failure until its guest is up again. */
function restartMs(run: MeasuredRun, vm: string): number | undefined {
  const failedNs = failsAtMs(run) * 1e6;
  const back = run.summary.happenings.find(
    ({ kind, atNs, data }) =>
      kind === "lifecycle" && atNs > failedNs && data["vm"] === vm && data["event"] === "postboot",
  );
  return back === undefined ? undefined : (back.atNs - failedNs) / 1e6;
}

/** Time in which a VM was not there for others, in milliseconds, by VM. */
function downtimes(run: MeasuredRun): readonly number[] {
  const moves = movesOf(run);
  return VMS.map((vm) => {
    const move = moves.find((each) => each.vm === vm);
    const endMs = END_MS - failsAtMs(run);
    return move === undefined ? (restartMs(run, vm) ?? endMs) : move.downtimeNs / 1e6;
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

export const evacuation: Experiment = {
  name: "evacuation",
  describe: "Evacuation of a host that is about to fail",
  question:
    "A sensor drifts, and when it has come all the way the host fails. Four VMs run there. Moved away " +
    "from the first warning on, two at a time, how many are saved, and for how long is each of them not " +
    "there, as there is more time between the drift and the failure? Restarting them elsewhere after " +
    "the failure needs no warning, and loses what their guests had in memory.",
  parameters: [
    { name: "seconds", describe: "from the drift to the failure", unit: "s", values: [2, 4, 6, 8] },
    { name: "writes", describe: "page writes of each guest", unit: "1/s", values: [1_000, 20_000] },
  ],
  methods: [
    { name: "pre-copy", describe: "Evacuated; each is moved in rounds.", baseline: false },
    {
      name: "post-copy",
      describe: "Evacuated; each moves at once, its pages follow.",
      baseline: false,
    },
    { name: "restart", describe: "Restarted elsewhere after the failure.", baseline: true },
  ],
  measures: [
    { name: "saved", describe: "saved", unit: "VMs", of: (run) => movesOf(run).length },
    {
      name: "meanDown",
      describe: "not there, mean of all",
      unit: "ms",
      of: (run) => mean(downtimes(run)),
    },
    {
      name: "mostDown",
      describe: "not there, the worst",
      unit: "ms",
      of: (run) => Math.max(...downtimes(run)),
    },
  ],
  document,
};

function document(setting: Setting, method: string): ScenarioDocument {
  const seconds = setting["seconds"] as number;
  const sensor = { id: "inlet", nominal: 20, warningAt: 20 + 20 * WARNING, periodMs: 100 };
  const evacuation = { to: ["beta", "gamma"], parallel: 2, maxMbps: 2_500 };
  const memory = {
    workingSetMiB: 16,
    readsPerSecond: 0,
    writesPerSecond: setting["writes"] as number,
    distribution: "uniform" as const,
  };
  return {
    name: "evacuation",
    durationMs: END_MS,
    hosts: [
      {
        id: "alpha",
        cores: 8,
        memoryMiB: 4_096,
        sensors: [sensor],
        ...(method !== "restart" && {
          evacuation: { ...evacuation, algorithm: method as "pre-copy" | "post-copy" },
        }),
      },
      { id: "beta", cores: 8, memoryMiB: 4_096 },
      { id: "gamma", cores: 8, memoryMiB: 4_096 },
    ],
    arrays: [{ id: "array", readLatencyUs: 150, writeLatencyUs: 100 }],
    links: ["beta", "gamma"]
      .flatMap((host) => [
        { between: [host, "array"] as const },
        { between: ["alpha", host] as const, bandwidthMbps: 2_500, latencyUs: 50 },
      ])
      .concat([{ between: ["alpha", "array"] as const }]),
    vms: VMS.map((id) => ({
      id,
      host: "alpha",
      restartOn: ["beta", "gamma"],
      memoryMiB: 256,
      guest: {
        kind: "workload" as const,
        bootMs: 500,
        phases: [{ name: "work", durationMs: 60_000, memory }],
      },
      disks: [{ id: "data", on: "array", sizeMiB: 16 }],
    })),
    faults: [
      {
        kind: "degrade",
        atMs: DRIFT_MS,
        host: "alpha",
        sensor: "inlet",
        reading: 40,
        overMs: seconds * 1_000,
        thenCrash: true,
      },
    ],
  };
}
