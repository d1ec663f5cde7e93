/** What setting traces over all memory costs vCPUs, by their number and by how large entries are. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, MeasuredRun, Setting } from "./experiment.ts";
import { movingBetweenTwo } from "./loads.ts";
import { completed, samplesIn, type Window } from "./measures.ts";

const MOVE_MS = 500;
const END_MS = 4_000;
const WHOLE: Window = { fromMs: 0, toMs: END_MS };
const MEMORY_MIB = 4_096;
const WRITES_PER_VCPU = 250;

const charges = (run: MeasuredRun) =>
  samplesIn(run, (entity) => entity.endsWith("/memory"), "traced-ns", WHOLE);

export const traceCost: Experiment = {
  name: "trace-cost",
  describe: "Cost of traces over all memory",
  question:
    "To see which pages are written, traces are set over all of memory. For how long does a vCPU stand " +
    "still for it, and what do all pay together, as there are more of them? Stop-based traces stop every " +
    "vCPU and share the work; loose traces let one vCPU do it on large entries while the others run on, " +
    "and the first write below a large entry breaks it down (US 11,995,459).",
  parameters: [
    { name: "vcpus", describe: "vCPUs", values: [1, 4, 16, 64], scale: "log" },
    {
      name: "granularity",
      describe: "entries that traces are set on",
      values: ["4KiB", "2MiB", "1GiB"],
    },
  ],
  methods: [
    { name: "loose", describe: "One vCPU sets them; the others run on.", baseline: false },
    { name: "stop-based", describe: "All vCPUs stop and set them.", baseline: true },
  ],
  measures: [
    {
      name: "longest",
      describe: "a vCPU stands still, longest",
      unit: "ms",
      of: (run) => Math.max(0, ...charges(run).map(({ max }) => max)) / 1e6,
    },
    {
      name: "paid",
      describe: "all vCPUs together",
      unit: "ms",
      of: (run) => charges(run).reduce((sum, point) => sum + point.sum, 0) / 1e6,
    },
    {
      name: "dirtied",
      describe: "written in the first round",
      unit: "pages",
      of: (run) => {
        const rounds = completed(run, "move")?.figures["rounds"];
        return (rounds as readonly { dirtiedPages: number }[] | undefined)?.[0]?.dirtiedPages;
      },
    },
  ],
  document,
};

function document(setting: Setting, method: string): ScenarioDocument {
  const vcpus = setting["vcpus"] as number;
  const memory = {
    workingSetMiB: MEMORY_MIB / 4,
    writesPerSecond: WRITES_PER_VCPU * vcpus,
    distribution: "uniform" as const,
  };
  return {
    name: "trace-cost",
    durationMs: END_MS,
    ...movingBetweenTwo({
      linkMbps: 25_000,
      memoryMiB: MEMORY_MIB,
      durationMs: END_MS,
      memory,
      vcpus,
    }),
    timeline: [
      {
        id: "move",
        atMs: MOVE_MS,
        do: "migrate",
        vm: "vm",
        to: "beta",
        granularity: setting["granularity"] as "4KiB",
        tracedBy: method === "loose" ? "one" : "all",
        minMbps: 20_000,
        maxMbps: 25_000,
      },
    ],
  };
}
