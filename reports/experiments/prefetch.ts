/** A page that a VM waits for brings its neighbours: by the guest's addresses, or by the host's. */
import type { Experiment } from "./experiment.ts";
import { figureOf } from "./measures.ts";
import { restoredVm, restoreMeasures } from "./restored-vm.ts";

export const prefetch: Experiment = {
  name: "prefetch",
  describe: "Virtual neighbours against physical ones, as memory is scattered",
  question:
    "A VM that walks through its memory is restored lazily, page by page. With each page that it waits " +
    "for its neighbours are read. Where its memory lies in order those of its virtual address are those " +
    "in memory too; the more its page table scatters pages, the less is won by the latter. How many " +
    "faults and how much standing still is left, and how many reads were for nothing?",
  parameters: [
    {
      name: "fragmentation",
      describe: "pages scattered",
      unit: "%",
      values: [0, 10, 25, 50, 75, 100],
    },
  ],
  methods: [
    {
      name: "virtual",
      describe: "By walking the guest's page table (US 9,086,981).",
      baseline: false,
    },
    { name: "physical", describe: "Next to it in memory.", baseline: true },
    { name: "none", describe: "Only what it waits for.", baseline: true },
  ],
  measures: [
    ...restoreMeasures,
    {
      name: "prefetched",
      describe: "read as neighbours",
      unit: "reads",
      of: figureOf("wake", "prefetched"),
    },
    {
      name: "walked",
      describe: "table entries looked at",
      unit: "entries",
      of: figureOf("wake", "walkSteps"),
    },
  ],
  document: (setting, method) =>
    restoredVm({
      name: "prefetch",
      memoryMiB: 8,
      workingSetMiB: 2,
      distribution: "sequential",
      fragmentationPercent: setting["fragmentation"] as number,
      accessesPerSecond: 10_000,
      suspend: { blockKiB: 4, groupBlocks: 2 },
      resume: { prefetch: method, prefetchPages: 8, readsAtOnce: 1 },
    }),
};
