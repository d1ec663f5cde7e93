/** What a machine is made of, as one word: a checkpoint of another machine is none of this one. */
import { canonicalBytes, hash64, hashHex } from "../kernel/index.ts";
import type { GuestSpec } from "../guest/index.ts";

/** Equal for equal memory, processors, disks and guest. */
export function machineIdentity({ kind, config, disks, vcpus, memoryPages }: GuestSpec): string {
  const sizes = disks.map(({ id, number }) => ({ id, number }));
  return hashHex(hash64(canonicalBytes({ kind, config, disks: sizes, vcpus, memoryPages })));
}
