/**
 * Accesses that do not proceed: whoever owns a trace may hold the access that hits it, because what it
 * needs is not there yet (a page of a lazy restore) or there is no room for what it overwrites.
 *
 * Must hold: a held access has no effect, and none after it, until it is released; it is then the next
 * one of the guest. Its vCPU cannot go on without it, and the others wait with it. The owner hears of
 * it (`access-held`) at the time of the access, stuns the machine and releases it in the end. Devices of
 * real machines wait with what they were about to do; accesses of those of modelled ones cannot be held.
 */
import { assert, type EntityId, type Plain } from "../../kernel/index.ts";
import { type MachineEntity } from "../rv64/machine-state.ts";
import { clientBitmap, clientOf, type MemoryEntity, ownerOf } from "./memory-state.ts";
import { DEVICE, type TraceHit } from "./tracer.ts";

/** What the handler `access-held` of the owner is told. */
export type AccessHeld = {
  readonly memory: EntityId;
  readonly page: number;
  /** It stands already: an input of the machine waits for the page. */
  readonly isStunned?: true;
};

/** For an owner, in its handler `trace-hit`. The trace is there again. */
export function holdAccess(self: MemoryEntity, { client, page, vcpu, writes }: TraceHit): void {
  assert(self.volatile.held === null, "one access at a time is held");
  assert(vcpu !== DEVICE || self.config.isReal, "devices of modelled guests do not wait");
  clientBitmap(self, client, "armed").add(page);
  self.edit().held = { client, page, vcpu, writes };
  // A real machine runs ahead of the present: it tells itself when it has come to the access.
  if (!self.config.isReal) self.after(0, "held");
}

export function tellHeld(self: MemoryEntity, isStunned = false): void {
  const { held } = self.volatile;
  const client = held === null ? undefined : clientOf(self, held.client);
  const owner = client === undefined ? undefined : self.world.entityOrNone(client.owner);
  if (held === null) return;
  if (owner === undefined) return releaseAccess(self);
  const stands = isStunned ? ({ isStunned } as const) : {};
  const told: AccessHeld = { memory: self.id, page: held.page, ...stands };
  self.world.call(owner, "access-held", told as Plain);
}

/** The access that is held may proceed; it is fine when there is none. */
export function releaseAccess(self: MemoryEntity): void {
  const { held } = self.volatile;
  if (held === null) return;
  const { page, vcpu, writes } = held;
  const state = self.edit();
  state.held = null;
  if (!self.config.isReal) {
    state.released = { page, vcpu, writes };
    if (state.stores !== undefined) self.after(0, "stores");
    return;
  }
  const machine = ownerOf(self) as unknown as MachineEntity | undefined;
  const exit = machine?.volatile.exit ?? null;
  if (machine !== undefined && exit !== null && exit.outputs.length === 0) {
    machine.edit().exit = null;
  }
  // What came while it stood there, without a stun, is not to be forgotten.
  const isLeft = machine !== undefined && machine.volatile.held.length > 0;
  if (isLeft && machine.volatile.stuns === 0) machine.after(0, "take-held");
}
