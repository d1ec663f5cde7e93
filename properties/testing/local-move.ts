/** A VM with disks on its host's own media, one cached in memory, which moves to the other host. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { movingVm } from "./moving-vm.ts";

type Members = { readonly [member: string]: unknown };

/** `media`: disks of the destination. `source`: what those of the source have beside. */
export function localMove(
  migrate: Members = {},
  media: readonly Members[] = [
    { id: "ssd", sizeMiB: 8, writeCacheMiB: 2 },
    { id: "hdd", sizeMiB: 16 },
  ],
  source: Members = {},
): ScenarioDocument {
  const base = movingVm({ maxMbps: 900, ...migrate }, 4);
  const own = [
    { id: "ssd", sizeMiB: 8, writeCacheMiB: 2, ...source },
    { id: "hdd", sizeMiB: 16, ...source },
  ];
  const [alpha, beta] = base.hosts!;
  return {
    ...base,
    hosts: [
      { ...alpha!, disks: own },
      { ...beta!, disks: media },
    ] as never,
    vms: base.vms!.map((vm) => ({
      ...vm,
      restartOn: [],
      disks: [
        { id: "data", on: "alpha/ssd", kind: "flat", sizeMiB: 4, cacheMode: "writeback" },
        { id: "log", on: "alpha/hdd", kind: "flat", sizeMiB: 2, cacheMode: "none" },
      ],
    })) as never,
  };
}
