/**
 * What the outside world keeps of a real machine: nothing but what its record has for every guest.
 * Its state is hart blocks, devices and RAM, and its inputs go to the machine itself (vmm/rv64).
 */
import { assert } from "../kernel/index.ts";
import type { AnyGuestKind } from "./guest-kind.ts";

/** Kind of the guests that are real machines. */
export const REAL_GUEST = "rv64";

export const realGuest: AnyGuestKind = {
  kind: REAL_GUEST,
  state: () => ({}),
  journal: () => ({}),
  deliver: () => assert(false, "a real machine takes no input of modelled guests"),
};
