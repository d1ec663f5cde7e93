/**
 * What a host knows of the disks that it owns: one keeper a host, which answers for them, and I/O
 * filters through which others reach it.
 *
 * Must hold: all of it is memory of the host. What counts is the ownership file on the array.
 */
import type { Editable, Entity, EntityId, Request } from "../../kernel/index.ts";
import { type DiskOwnership, HEARTBEAT_SUFFIX, OWNER_SUFFIX } from "../../platform/index.ts";

/** How ownership is kept on one array. */
export type OwnershipRules = {
  /** How often a host that owns disks says that it is alive. */
  readonly heartbeatNs: number;
  /** Silence after which an owner counts as dead. */
  readonly leaseNs: number;
  /** Most that the clocks of two hosts may run apart; the lease is watched that much longer. */
  readonly maxDriftPpm: number;
  /** What the array holds each request against: the epoch, or (the older way) the owner's name. */
  readonly fencing: "epoch" | "owner-name";
};

export type KeeperConfig = { readonly host: EntityId };

/** A disk that this host owns, or is about to. */
export type KeptDisk = {
  readonly array: EntityId;
  readonly vm: string;
  readonly epoch: number;
  /** Hosts that had it before, as the ownership file says. */
  readonly former: readonly string[];
  /** Version of the ownership file that says so. */
  readonly version: number;
  readonly request: string;
  /**
   * `taking`: an operation of this host takes it; `owned`: taken, and not open yet; `open`: a VM has
   * it; `closing`: it is given up, for somebody else or for nobody.
   */
  readonly stage: "taking" | "owned" | "open" | "closing";
  /** Who uses it: the operation that takes or opens it, then the virtual disk. */
  readonly holder: EntityId;
  /** The VM that has it open, else -1. */
  readonly instance: EntityId;
  /** The VM is to go on elsewhere: the disk may be asked for while it is open. */
  readonly yielding: boolean;
};

/** Heartbeats to one array. */
export type Beating = {
  readonly rules: OwnershipRules;
  readonly beats: number;
  /** The last one was not answered: who owns what has to be looked up again. */
  readonly missed: boolean;
};

export type KeeperState = {
  /** By ownership file. */
  readonly disks: { readonly [file: string]: KeptDisk };
  /** By array. */
  readonly beating: { readonly [array: string]: Beating };
};

export type KeeperEntity = Entity<KeeperConfig, Record<string, never>, KeeperState>;

/** What the requester of a disk asks of its owner's filters. */
export type ReleaseRequest = {
  readonly file: string;
  readonly array: EntityId;
  /** The acquisition; the same one may ask again. */
  readonly request: string;
  readonly requester: string;
  /** Filters of the requester, for the ownership file. */
  readonly filters: readonly EntityId[];
};

export type ReleaseAsk = Request<ReleaseRequest>;

export const ownershipFile = (vm: string, disk: string): string => `${vm}-${disk}${OWNER_SUFFIX}`;

export const heartbeatFile = (host: string): string => `${host}${HEARTBEAT_SUFFIX}`;

export function editDisk(self: KeeperEntity, file: string): Editable<KeptDisk> {
  return (self.edit().disks as { [file: string]: Editable<KeptDisk> })[file]!;
}

export function forgetDisk(self: KeeperEntity, file: string): void {
  if (self.volatile.disks[file] === undefined) return;
  delete (self.edit().disks as { [file: string]: KeptDisk })[file];
}

/** Who had the disk before `next` has it: all that did, `next` itself apart. */
export function formerBut(next: string | null, before: DiskOwnership | undefined): string[] {
  if (before === undefined) return [];
  const hosts = before.owner === null ? before.former : [...before.former, before.owner];
  return [...new Set(hosts)].filter((each) => each !== next).sort();
}
