/**
 * What holds an operation that needs a VM to be off and a power-on apart, whichever comes first at
 * the array. Who asks for the operation knows the epochs of the VM's disks from when no host had
 * them open or was about to. A power-on owns the disks in a new epoch, then writes the configuration
 * anew, and only then looks for an intent. So an operation that still finds those epochs, in one look
 * with the configuration's version, and opens its intent for that version, either comes first, and
 * the power-on finds its intent; or it is refused.
 */
import type { ArrayEntity, DiskOwnership } from "../../platform/index.ts";
import { OWNER_SUFFIX } from "../../platform/index.ts";
import type { ArrayFiles } from "../chain/array-files.ts";

/** Epochs by ownership file; disks that nobody has opened yet have none. */
export type Unopened = { readonly [file: string]: number };

/** For whoever sees that no host has a VM's disks open, or is about to. */
export function unopened({ durable }: ArrayEntity, vm: string): Unopened {
  const epochs: { [file: string]: number } = {};
  for (const [key, { value }] of Object.entries(durable.files)) {
    const ownership = value as DiskOwnership | undefined;
    if (!key.endsWith(OWNER_SUFFIX) || ownership?.vm !== vm) continue;
    epochs[key.slice("file:".length)] = ownership.epoch;
  }
  return epochs;
}

/** Whether a host has begun to open the VM's disks since. */
export function isOpenedSince(files: ArrayFiles, vm: string, epochs: Unopened): boolean {
  return files
    .ownerships()
    .some(({ name, ownership }) => ownership.vm === vm && ownership.epoch !== epochs[name]);
}
