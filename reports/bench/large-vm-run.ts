// A modelled VM of 64 GiB moves, or is checkpointed, in a process of its own; prints what that cost as
// JSON. Argument: "move" or "checkpoint".
import { argv, cpuUsage } from "node:process";
import { fromMs } from "../../core/kernel/index.ts";
import {
  createBuilder,
  NOTHING_OWN,
  type ScenarioDocument,
  validateDocument,
} from "../../scenarios/index.ts";

export interface LargeVmFigures {
  readonly outcome: string;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** The most that the process held. */
  readonly residentMiB: number;
}

const [what] = argv.slice(2);
const host = (id: string) => ({
  id,
  cores: 16,
  memoryMiB: 131_072,
  nic: { bandwidthMbps: 25_000 },
});
const memory = {
  workingSetMiB: 16_384,
  writesPerSecond: 50_000,
  distribution: "uniform",
} as const;
const MOVE = { do: "migrate", to: "beta", minMbps: 9_000, maxMbps: 10_000 } as const;
const SAVE = { do: "checkpoint", on: "array", method: "lazy" } as const;

const DOCUMENT: ScenarioDocument = {
  name: "large-vm",
  seed: 1,
  durationMs: 200_000,
  hosts: [host("alpha"), host("beta")],
  arrays: [{ id: "array", capacityMiB: 1_048_576 }],
  links: [
    { between: ["alpha", "beta"], bandwidthMbps: 10_000 },
    { between: ["alpha", "array"], bandwidthMbps: 10_000 },
    { between: ["beta", "array"], bandwidthMbps: 10_000 },
  ],
  vms: [
    {
      id: "large",
      host: "alpha",
      vcpus: 8,
      memoryMiB: 65_536,
      guest: {
        kind: "workload",
        bootMs: 20,
        phases: [{ name: "work", durationMs: 1_000_000, memory }],
      },
    },
  ],
  timeline: [{ id: "op", atMs: 1_000, vm: "large", ...(what === "move" ? MOVE : SAVE) }],
};

const checked = validateDocument(DOCUMENT, { file: "large-vm" });
if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
const started = performance.now();
const world = createBuilder(checked.document, [], NOTHING_OWN).build({ seed: 1 });
const outcomes: string[] = [];
world.hooks.onNotice = ({ kind, data }) => {
  if (kind === "operation-end" && data["id"] === "op") outcomes.push(String(data["outcome"]));
};
while (outcomes.length === 0 && world.timeNs < fromMs(200_000)) {
  world.run({ untilNs: world.timeNs + fromMs(500) });
}
const { user, system } = cpuUsage();
const figures: LargeVmFigures = {
  outcome: outcomes[0] ?? "running",
  wallSeconds: (performance.now() - started) / 1_000,
  cpuSeconds: (user + system) / 1e6,
  residentMiB: process.resourceUsage().maxRSS / 1_024,
};
console.log(JSON.stringify(figures));
