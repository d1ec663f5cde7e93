/** Ways to move a running machine, as its guest writes more of its memory. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, Setting } from "./experiment.ts";
import { movingBetweenTwo } from "./loads.ts";
import { completed, figureOf, samplesIn, type Window } from "./measures.ts";

const MOVE_MS = 500;
const END_MS = 30_000;
const LINK_MBPS = 1_000;
const MEMORY_MIB = 512;
/** Of the guest: a few pages are written all the time, most now and then. */
const HOT = { workingSetMiB: 8, share: 0.6 };
const WARM = { workingSetMiB: 192, share: 0.4 };
const WHOLE: Window = { fromMs: 0, toMs: END_MS };

export const migration: Experiment = {
  name: "migration",
  describe: "Ways to move a running machine",
  question:
    "How long does a machine stand still, how long does the move take and how much is sent, as its " +
    "guest writes more? Pre-copy converges while pages are dirtied more slowly than the link carries " +
    "them, then it stops by force; post-copy stands still for a moment only, and pays in accesses that wait.",
  parameters: [
    {
      name: "writes",
      describe: "guest's writes",
      unit: "pages a second",
      values: [500, 2_000, 8_000, 32_000, 128_000],
      scale: "log",
    },
  ],
  methods: [
    {
      name: "pre-copy",
      describe: "Rounds at a rate that follows what was dirtied (Clark et al. 2005).",
      baseline: false,
    },
    { name: "fixed-rate", describe: "Rounds at the link's rate.", baseline: true },
    { name: "post-copy", describe: "Goes on at once; pages follow.", baseline: true },
    { name: "stop-and-copy", describe: "Everything while it stands still.", baseline: true },
  ],
  measures: [
    {
      name: "down",
      describe: "downtime",
      unit: "ms",
      of: figureOf("move", "downtimeNs", 1e-6),
      scale: "log",
    },
    { name: "total", describe: "total", unit: "s", of: figureOf("move", "totalNs", 1e-9) },
    { name: "sent", describe: "sent", unit: "MiB", of: figureOf("move", "bytesSent", 2 ** -20) },
    {
      name: "rounds",
      describe: "rounds",
      unit: "rounds",
      of: (run) => {
        const rounds = completed(run, "move")?.figures["rounds"];
        return Array.isArray(rounds) && rounds.length > 0 ? rounds.length : undefined;
      },
    },
    {
      name: "paid",
      describe: "vCPUs stand still for traces",
      unit: "ms",
      of: (run) =>
        samplesIn(run, (entity) => entity.endsWith("/memory"), "traced-ns", WHOLE).reduce(
          (sum, point) => sum + point.sum / 1e6,
          0,
        ),
    },
    {
      name: "waits",
      describe: "accesses wait for pages",
      unit: "ms",
      of: figureOf("move", "stallNs", 1e-6),
    },
  ],
  document,
};

function document(setting: Setting, algorithm: string): ScenarioDocument {
  const writes = setting["writes"] as number;
  const set = ({ workingSetMiB, share }: typeof HOT) => ({
    workingSetMiB,
    writesPerSecond: writes * share,
    distribution: "uniform" as const,
  });
  const memory = { ...set(WARM), furtherSets: [set(HOT)] };
  const rates = { minMbps: LINK_MBPS / 2, maxMbps: LINK_MBPS };
  return {
    name: "migration",
    durationMs: END_MS,
    ...movingBetweenTwo({ linkMbps: LINK_MBPS, memoryMiB: MEMORY_MIB, durationMs: END_MS, memory }),
    timeline: [
      {
        id: "move",
        atMs: MOVE_MS,
        do: "migrate",
        vm: "vm",
        to: "beta",
        algorithm: algorithm as "pre-copy",
        ...rates,
        startUpMs: 5,
      },
    ],
  };
}
