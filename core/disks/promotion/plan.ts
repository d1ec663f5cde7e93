/** What promoting a linked clone means on the array: which part of each chain is shared. */
import { type ArrayFiles, mentions } from "../chain/array-files.ts";
import {
  configurationFile,
  descriptorFile,
  intentFile,
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

/**
 * Who has come to stand on what the clone was to have alone: VMs whose chains have it by now, and open
 * intents of linked clones, which name what they are about to stand on.
 */
export function othersOn(files: ArrayFiles, { vm, disks }: PromotionIntent): readonly string[] {
  const own = Object.values(disks).map(({ lowest }) => lowest);
  const vms = files.configurations().filter((each) => each.vm !== vm);
  const standing = vms.filter((each) =>
    namedDescriptors(each).some((name) => files.chainOf(name).some((layer) => own.includes(layer))),
  );
  const about = files
    .intents()
    .filter(([name, value]) => name !== intentFile(vm) && isLinkedClone(value))
    .filter(([, value]) => own.some((layer) => mentions(value, layer)));
  return [...standing.map((each) => each.vm), ...about.map(([name]) => name)];
}

const isLinkedClone = (intent: unknown): boolean =>
  (intent as { readonly kind?: string }).kind === "linked-clone";

/** Whether another VM's chains have the layer too. */
function isForeign(files: ArrayFiles, vm: string, descriptor: string): boolean {
  return files.configurations().some((configuration) => {
    if (configuration.vm === vm) return false;
    const names = namedDescriptors(configuration);
    return names.some((name) => files.chainOf(name).includes(descriptor));
  });
}
