/**
 * The requests by which a machine is stopped and let go on, the same for a modelled one and a real one:
 * by operations, for an instant; by an operator; by its host, at an integrity alert.
 *
 * Must hold: each takes back its own stun and no other's.
 */
import type { Request } from "../kernel/index.ts";
import { endStop, NOT_PAUSED } from "./integrity/standing.ts";
import type { MachineEntity } from "./rv64/machine-state.ts";
import { suspendedBy } from "./stop-claim.ts";
import { NOT_STUNNED, noteStunByHand, notHere, takeStunByHand } from "./stun-by-hand.ts";
import type { VmEntity } from "./vm-state.ts";

/** `unstun` says for how long it was stunned, in ns; 0 if it still is. */
export function stunVerbs<E extends VmEntity | MachineEntity>(
  stun: (self: E) => void,
  unstun: (self: E) => number,
) {
  const asVm = (self: E): VmEntity => self as unknown as VmEntity;
  const goOn = (self: E, request: Request): void => {
    const stunnedNs = unstun(self);
    self.reply(request, { stunnedNs });
  };
  const standStill = (self: E, request: Request): void => {
    self.reply(request, { stuns: self.volatile.stuns });
  };
  return {
    stun: (self: E, request: Request) => {
      stun(self);
      standStill(self, request);
    },
    unstun: goOn,
    "stun-by-hand": (self: E, request: Request) => {
      const elsewhere = notHere(asVm(self));
      if (elsewhere !== undefined) return self.refuse(request, elsewhere);
      stun(self);
      noteStunByHand(asVm(self));
      standStill(self, request);
    },
    "unstun-by-hand": (self: E, request: Request) => {
      const elsewhere = notHere(asVm(self));
      if (elsewhere !== undefined) return self.refuse(request, elsewhere);
      if (!takeStunByHand(asVm(self))) return self.refuse(request, NOT_STUNNED);
      goOn(self, request);
    },
    "stand-still": (self: E, _alert: number) => stun(self),
    unpause: (self: E, request: Request) => {
      const suspending = suspendedBy(asVm(self));
      if (suspending !== undefined) return self.refuse(request, "busy", suspending);
      if (!endStop(asVm(self))) return self.refuse(request, NOT_PAUSED);
      goOn(self, request);
    },
  };
}
