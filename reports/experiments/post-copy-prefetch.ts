/** A VM that goes on before its pages are there: what comes with a page that it waits for. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, Setting } from "./experiment.ts";
import { movingBetweenTwo } from "./loads.ts";
import { figureOf } from "./measures.ts";

const END_MS = 3_000;
const LINK_MBPS = 1_000;

export const postCopyPrefetch: Experiment = {
  name: "post-copy-prefetch",
  describe: "Neighbours of a page that a moved VM waits for",
  question:
    "A VM that walks through its memory is moved by post-copy over a link that pushes pages slowly. With " +
    "each page that it waits for others are fetched: those of its group in memory, or its neighbours by " +
    "address or in memory. How many accesses wait, for how long, as its page table scatters its pages?",
  parameters: [
    { name: "fragmentation", describe: "pages scattered", unit: "%", values: [0, 25, 50, 100] },
  ],
  methods: [
    {
      name: "virtual",
      describe: "By walking the guest's page table (US 9,086,981).",
      baseline: false,
    },
    { name: "physical", describe: "Next to it in memory.", baseline: true },
    { name: "group", describe: "The 8 pages among which it lies.", baseline: true },
  ],
  measures: [
    { name: "faults", describe: "faults", unit: "faults", of: figureOf("move", "faults") },
    {
      name: "waits",
      describe: "accesses wait for pages",
      unit: "ms",
      of: figureOf("move", "stallNs", 1e-6),
    },
    {
      name: "fetched",
      describe: "fetched, not pushed",
      unit: "pages",
      of: figureOf("move", "fetchedPages"),
    },
    {
      name: "walked",
      describe: "table entries looked at",
      unit: "entries",
      of: figureOf("move", "walkSteps"),
    },
  ],
  document,
};

function document(setting: Setting, method: string): ScenarioDocument {
  const memory = {
    workingSetMiB: 1,
    readsPerSecond: 6_000,
    writesPerSecond: 2_000,
    distribution: "sequential" as const,
    fragmentationPercent: setting["fragmentation"] as number,
  };
  return {
    name: "post-copy-prefetch",
    durationMs: END_MS,
    ...movingBetweenTwo({ linkMbps: LINK_MBPS, memoryMiB: 8, durationMs: END_MS, memory }),
    timeline: [
      {
        id: "move",
        atMs: 300,
        do: "migrate",
        vm: "vm",
        to: "beta",
        algorithm: "post-copy",
        maxMbps: 60,
        startUpMs: 1,
        prefetch: method as "virtual",
      },
    ],
  };
}
