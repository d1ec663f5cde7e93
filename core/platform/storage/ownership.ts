/**
 * Who may use a disk, as the array enforces it. A disk's ownership is a small file on its array: the
 * owner and an epoch that rises each time the ownership changes. Whoever opens the disk stamps each
 * request with what it read there; the array holds every request against the file, when it arrives
 * and again when it takes effect. So a request of a former owner that was held up somewhere changes
 * nothing, however late it comes: the epoch is a fencing token.
 */
import type { EntityId, Plain } from "../../kernel/index.ts";
import type { ArrayEntity } from "./array-state.ts";
import { type BlockOutcome, refused } from "./block.ts";
import { FilesEnding } from "./file-journal.ts";
import { type DeviceEntity, tell, type VerbRequest } from "./device-state.ts";
import { namesChanged } from "./verb-order.ts";

export type DiskOwnership = {
  /** The VM whose disk it is. */
  readonly vm: string;
  /** Host; null: nobody. */
  readonly owner: string | null;
  readonly epoch: number;
  /** The acquisition that made this owner it: a request repeated finds that it was granted. */
  readonly request: string;
  /** Hosts that had it before and may not know that they lost it. */
  readonly former: readonly string[];
  /** The owner's I/O filters for this disk, the first one asked first. */
  readonly filters: readonly EntityId[];
};

/** What a request says about its sender's right to the disk. */
export type OwnerStamp = {
  /** Name of the ownership file. */
  readonly file: string;
  readonly owner: string;
  readonly epoch: number;
  /** False: only the owner's name is held against the file (the older way). */
  readonly checksEpoch: boolean;
};

export const OWNER_SUFFIX = ".owner";
/** Of the file in which a host that owns disks says again and again that it is alive. */
export const HEARTBEAT_SUFFIX = ".heartbeat";

/** Given, while somebody listens, for each stamped request that was done: data {file, ...}. */
export const OWNED_IO = "owned-io";
/** Given, while somebody listens, when an ownership file was written. */
export const OWNERSHIP = "ownership";

export function ownershipOf(self: ArrayEntity, file: string): DiskOwnership | undefined {
  return self.durable.files[`file:${file}`]?.value as DiskOwnership | undefined;
}

/** Why the request may not be done; undefined when it may. */
export function notOwner(
  self: ArrayEntity,
  stamp: OwnerStamp | null | undefined,
): BlockOutcome | undefined {
  if (stamp === null || stamp === undefined) return undefined;
  const { owner = null, epoch = 0 } = ownershipOf(self, stamp.file) ?? {};
  if (owner === stamp.owner && (!stamp.checksEpoch || epoch === stamp.epoch)) return undefined;
  self.notice("sometimes", { name: "a request of a former owner is refused" });
  return refused("not-owner", { owner, epoch });
}

const OWNERSHIPS = new FilesEnding(OWNER_SUFFIX);

/**
 * Why a verb of `sender` may not be done: it is about a VM whose disks that host has lost. What it
 * began before it lost them, and is late, would hit what the owner made under the same names.
 */
export function fromFormerOwner(
  self: ArrayEntity,
  verb: VerbRequest,
  sender: string,
): BlockOutcome | undefined {
  const names = namesChanged(verb).filter((name) => !name.endsWith(OWNER_SUFFIX));
  if (names.length === 0) return undefined;
  const { files } = self.durable;
  for (const key of OWNERSHIPS.keysOf(self)) {
    const value = files[key]?.value;
    if (value === undefined) continue;
    const { vm, owner, former } = value as unknown as DiskOwnership;
    const base = key.slice("file:".length, -OWNER_SUFFIX.length);
    if (owner === null || owner === sender || !former.includes(sender)) continue;
    const name = names.find((each) => isOf(each, vm, base));
    if (name === undefined) continue;
    self.notice("sometimes", { name: "a request of a former owner is refused" });
    return refused("not-owner", { owner, name });
  }
  return undefined;
}

/** Files of the VM, and layers of the disk: `db.vmx`, `db-data.vmdk`, `db-data-000002`. */
function isOf(name: string, vm: string, base: string): boolean {
  if (name.startsWith(`${vm}.`)) return true;
  return name.startsWith(base) && /^(-\d{6})?(\.vmdk)?$/.test(name.slice(base.length));
}

/** For observers: a stamped request was done, and what the file said at that moment. */
export function tellOwnedIo(self: ArrayEntity, stamp: OwnerStamp, op: string): void {
  tell(self as unknown as DeviceEntity, OWNED_IO, () => {
    const { owner = null, epoch = 0 } = ownershipOf(self, stamp.file) ?? {};
    const { file, owner: by, epoch: grant } = stamp;
    return { file, op, by, grant, owner, epoch };
  });
}

/** For observers: what an ownership file says now. */
export function tellOwnership(self: ArrayEntity, body: Plain): void {
  const { name, value } = body as { readonly name: string; readonly value: DiskOwnership };
  if (!name.endsWith(OWNER_SUFFIX)) return;
  const { owner, epoch, request } = value;
  tell(self as unknown as DeviceEntity, OWNERSHIP, () => ({ file: name, owner, epoch, request }));
}

/** The entity of a host that answers for the disks it owns. */
export const keeperName = (host: string): string => `${host}/disk-keeper`;
