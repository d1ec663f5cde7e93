/** A VM with two disks on an array and a working set, moved from one host to the other. */
import type { Request, World } from "../../core/kernel/index.ts";
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

/** Cuts a link, or heals it: that between the two hosts, if not another. */
export function tellLink(world: World, verb: "cut" | "heal", link = "between"): void {
  const body = { from: -1 };
  const request = { from: 0, askId: 0, delivery: "stream", via: -1, body } as Request;
  world.call(world.named(link), verb, request as never);
}
