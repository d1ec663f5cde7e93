/** A VM goes on from a checkpoint: at once, or when all its memory is there. */
import type { Experiment } from "./experiment.ts";
import { restoredVm, restoreMeasures } from "./restored-vm.ts";

export const lazyRestore: Experiment = {
  name: "lazy-restore",
  describe: "Lazy restore against eager, as memory grows",
  question:
    "A suspended VM is resumed. Read before it goes on, all of its memory delays its first instruction " +
    "the longer the more there is. Read when it is touched, memory does not delay that; but each access " +
    "to a page that is not there yet makes the VM stand still. When does it work as it used to?",
  parameters: [
    { name: "memory", describe: "memory of the VM", unit: "MiB", values: [16, 32, 64, 128] },
  ],
  methods: [
    { name: "lazy", describe: "Goes on at once (US 9,053,065).", baseline: false },
    {
      name: "deferred",
      describe: "Also at once; of each page it is known before whether it is zeros (US 9,529,728).",
      baseline: false,
    },
    { name: "eager", describe: "All is read before.", baseline: true },
  ],
  measures: restoreMeasures,
  document: (setting, method) =>
    restoredVm({
      name: "lazy-restore",
      memoryMiB: setting["memory"] as number,
      workingSetMiB: 8,
      accessesPerSecond: 40_000,
      suspend: {},
      resume: { method },
    }),
};
