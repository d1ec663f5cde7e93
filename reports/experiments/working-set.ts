/** A VM goes on with the pages that it used when it was suspended, or with what comes first. */
import type { Experiment } from "./experiment.ts";
import { figureOf } from "./measures.ts";
import { restoredVm, restoreMeasures } from "./restored-vm.ts";

const MEMORY_MIB = 32;
const BLOCKS = { blockKiB: 16, groupBlocks: 4 };

/** How it is suspended, and how it goes on. */
const WAYS: { readonly [method: string]: readonly [workingSet: string, resume: string] } = {
  traced: ["traced", "working-set"],
  "access-bits": ["access-bits", "working-set"],
  sequential: ["none", "lazy"],
  eager: ["none", "eager"],
};

export const workingSet: Experiment = {
  name: "working-set",
  describe: "Working set first against file order",
  question:
    "While a VM is being suspended it is seen which pages it uses, and those are read first when it goes " +
    "on. What does that cost the suspend, and how much sooner does the VM work as it used to, as it uses " +
    "more memory and that is scattered?",
  parameters: [
    { name: "used", describe: "memory in use", unit: "MiB", values: [1, 4, 8, 16] },
    { name: "fragmentation", describe: "scattered", unit: "%", values: [0, 50] },
  ],
  methods: [
    {
      name: "traced",
      describe: "The first access to each page faults (US 2016/0253201).",
      baseline: false,
    },
    { name: "access-bits", describe: "The processor's bits are looked at.", baseline: false },
    { name: "sequential", describe: "Nobody looks; lazily, in the file's order.", baseline: true },
    { name: "eager", describe: "Nobody looks; all is read before.", baseline: true },
  ],
  measures: [
    {
      name: "suspend-stun",
      describe: "stands still to be saved",
      unit: "ms",
      of: figureOf("sleep", "stunNs", 1e-6),
    },
    ...restoreMeasures,
  ],
  document: (setting, method) => {
    const [looks, resume] = WAYS[method]!;
    return restoredVm({
      name: "working-set",
      memoryMiB: MEMORY_MIB,
      workingSetMiB: setting["used"] as number,
      fragmentationPercent: setting["fragmentation"] as number,
      accessesPerSecond: 40_000,
      suspend: { workingSet: looks, traceMs: 200, ...BLOCKS },
      resume: { method: resume },
    });
  },
};
