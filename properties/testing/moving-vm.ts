/** A VM with two disks on an array and a working set, moved from one host to the other. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { shortWork, smallDatacenter } from "./small-datacenter.ts";

type Entry = { readonly [member: string]: unknown };

/** `migrate`: members of the timeline entry. */
export function movingVm(
  migrate: Entry = {},
  memoryMiB = 8,
  changes: Partial<ScenarioDocument> = {},
): ScenarioDocument {
  const base = smallDatacenter();
  const work = shortWork({ bootMs: 20, durationMs: 900, thinkTimeUs: 9_000, readPercent: 30 });
  const memory = {
    workingSetMiB: 2,
    readsPerSecond: 100,
    writesPerSecond: 5_000,
    distribution: "uniform",
  };
  const phases = work.phases.map((phase) => ({ ...phase, memory }));
  return {
    ...base,
    durationMs: 3_000,
    links: [...base.links!, { id: "between", between: ["alpha", "beta"], bandwidthMbps: 1_000 }],
    vms: base.vms!.map((vm) => ({
      ...vm,
      memoryMiB,
      vcpus: 2,
      restartOn: ["alpha", "beta"],
      guest: { ...work, phases },
    })) as never,
    timeline: [
      { id: "move", atMs: 300, do: "migrate", vm: "db", to: "beta", minMbps: 500, ...migrate },
    ] as never,
    ...changes,
  };
}
