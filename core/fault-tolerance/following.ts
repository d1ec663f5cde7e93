/** How the copy of each kind of guest keeps up with its machine. */
import { REAL_GUEST } from "../guest/index.ts";
import type { Vmm } from "../vmm/index.ts";
import { followingGuest } from "./follow-guest.ts";
import { followingMachine } from "./follow-machine.ts";
import { followedRecord, type Follower, type Following } from "./follower-state.ts";

export const isMachineFollowed = (self: Follower): boolean =>
  followedRecord(self).config.spec.kind === REAL_GUEST;

export function followingOf(vmm: Vmm): (self: Follower) => Following {
  const guest = followingGuest(vmm);
  const machine = followingMachine(vmm);
  return (self) => (isMachineFollowed(self) ? machine : guest);
}
