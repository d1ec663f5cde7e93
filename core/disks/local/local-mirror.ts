/**
 * The mirror of a flat disk on a host's own medium to a medium of another host: the guest's writes go to
 * both, and what was there before is copied range by range, each locked meanwhile (chain/range-locks.ts).
 *
 * Must hold: nothing is copied while a write is on its way that was sent before the mirror; a failure of
 * the other side ends the mirror and never reaches the guest.
 */
import { ask, type AskStep, type EntityId, type Plain, type World } from "../../kernel/index.ts";
import { beginMerge, endMerge } from "../chain/change-layers.ts";
import type { LockPolicy, VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import {
  asRemoteMedium,
  closeRemoteMedium,
  remoteMedium,
  type RemoteMediumConfig,
} from "./remote-medium.ts";

/** From here on the guest's writes go to the medium as well, which is returned as a block device. */
export function beginMirror(
  disk: VirtualDiskEntity,
  at: RemoteMediumConfig,
  lock: LockPolicy = "range",
): EntityId {
  const target = disk.spawn(remoteMedium, at).id;
  const merge = { target, layer: -1, from: 0, to: 0, zeros: "discard", lock } as const;
  beginMerge(disk, merge, false);
  return target;
}

/** No write is on its way that the mirror does not see: all others hold a lock, or wait for one. */
export function isMirrorWhole({ volatile }: VirtualDiskEntity): boolean {
  const { flights, waiting } = volatile;
  return Object.entries(flights).every(([id, { request, lockFrom }]) => {
    const { op } = request.body;
    return (op !== "write" && op !== "discard") || lockFrom >= 0 || waiting.includes(Number(id));
  });
}

/** Copies a range, zeros too. */
export function copyRange(
  disk: VirtualDiskEntity,
  range: { readonly sector: number; readonly sectors: number },
  timeoutNs: number,
  next: string,
  otherwise: string,
): AskStep {
  const body = { op: "copy", ...range, whole: true };
  return ask(disk.id, "io", body as Plain, next, { timeoutNs, otherwise });
}

/** Ranges in which a write failed here alone: what is here counts. */
export const differingRanges = ({ volatile }: VirtualDiskEntity) => volatile.merge?.suspects ?? [];

/** Why the other side is not what this one is; null: it is. */
export const mirrorFailure = ({ volatile }: VirtualDiskEntity): string | null =>
  volatile.merge === null ? "no-mirror" : (volatile.merge.failed?.code ?? null);

/** The disk is what it was before the mirror; what waits for the other side goes on without it. */
export function endMirror(world: World, disk: VirtualDiskEntity | undefined, target: EntityId) {
  if (disk !== undefined) endMerge(disk);
  const medium = world.entityOrNone(target);
  if (medium !== undefined) closeRemoteMedium(asRemoteMedium(medium));
}
