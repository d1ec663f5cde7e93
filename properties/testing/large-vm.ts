/**
 * A modelled VM of 64 GiB, a quarter of which it writes all over, on hosts and links of its size, until it
 * has moved or is checkpointed. For the test that bounds its memory, and for the bench.
 */
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { builderOf } from "./small-datacenter.ts";

const OPERATIONS = {
  move: { do: "migrate", to: "beta", minMbps: 9_000, maxMbps: 10_000 },
  checkpoint: { do: "checkpoint", on: "array", method: "lazy" },
} as const;

export type LargeVmOperation = keyof typeof OPERATIONS;

const DURATION_MS = 200_000;
const host = (id: string) => ({
  id,
  cores: 16,
  memoryMiB: 131_072,
  nic: { bandwidthMbps: 25_000 },
});
const link = (...between: [string, string]) => ({ between, bandwidthMbps: 10_000 });
const memory = {
  workingSetMiB: 16_384,
  writesPerSecond: 50_000,
  distribution: "uniform",
} as const;

const documentOf = (operation: LargeVmOperation): ScenarioDocument => ({
  name: "large-vm",
  seed: 1,
  durationMs: DURATION_MS,
  hosts: [host("alpha"), host("beta")],
  arrays: [{ id: "array", capacityMiB: 1_048_576 }],
  links: [link("alpha", "beta"), link("alpha", "array"), link("beta", "array")],
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
  timeline: [{ id: "op", atMs: 1_000, vm: "large", ...OPERATIONS[operation] }],
});

/** The world when the operation has ended, and its outcome; `looked` is called every half second. */
export function runLargeVm(
  operation: LargeVmOperation,
  looked: () => void = () => {},
): { readonly world: World; readonly outcome: string } {
  const world = builderOf(documentOf(operation)).build({ seed: 1 });
  const outcomes: string[] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "op") outcomes.push(String(data["outcome"]));
  };
  while (outcomes.length === 0 && world.timeNs < fromMs(DURATION_MS)) {
    world.run({ untilNs: world.timeNs + fromMs(500) });
    looked();
  }
  return { world, outcome: outcomes[0] ?? "running" };
}
