/** What promoting a linked clone means on the array: which part of each chain is shared. */
import type { ArrayFiles } from "../chain/array-files.ts";
import {
  configurationFile,
  descriptorFile,
  type VmConfiguration,
  namedDescriptors,
} from "../chain/descriptor.ts";
import { exclusiveLayers } from "../clone/sharers.ts";
import type { PromotedDisk, PromotionIntent } from "./intent.ts";

export type Plan =
  | {
      readonly ok: true;
      readonly mode: PromotionIntent["mode"];
      readonly disks: { readonly [disk: string]: PromotedDisk };
    }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** Points in time of the clone lie on its own layers: these are carried over, or it is refused. */
export function planPromotion(files: ArrayFiles, vm: string, carries: boolean): Plan {
  const value = files.get(configurationFile(vm))?.value;
  if (value === undefined) return { ok: false, code: "no-disks", detail: vm };
  const configuration = value as VmConfiguration;
  const { pointsInTime, running, layersMade } = configuration;
  if (pointsInTime.length > 0 && !carries) {
    return { ok: false, code: "snapshots-above", detail: pointsInTime[0]!.id };
  }
  const mode = pointsInTime.length > 0 ? "carry" : "merge";
  const disks: { [disk: string]: PromotedDisk } = {};
  for (const [disk, leaf] of Object.entries(running)) {
    const chain = files.chainOf(leaf);
    const sharedFrom = chain.findIndex((name) => isForeign(files, vm, name));
    if (sharedFrom < 0) continue;
    if (sharedFrom === 0) return { ok: false, code: "nothing-own", detail: leaf };
    disks[disk] = {
      base: descriptorFile(vm, disk, layersMade + 1),
      shared: chain[sharedFrom]!,
      lowest: chain[sharedFrom - 1]!,
      own: mode === "merge" ? exclusiveLayers(files, vm, leaf) : [],
    };
  }
  if (Object.keys(disks).length === 0) return { ok: false, code: "not-a-linked-clone", detail: vm };
  return { ok: true, mode, disks };
}

/** Whether another VM's chains have the layer too. */
function isForeign(files: ArrayFiles, vm: string, descriptor: string): boolean {
  return files.configurations().some((configuration) => {
    if (configuration.vm === vm) return false;
    const names = namedDescriptors(configuration);
    return names.some((name) => files.chainOf(name).includes(descriptor));
  });
}
