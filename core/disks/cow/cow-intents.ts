/**
 * What operations on copy-on-write disks make durable before anything else. Each intent has a stage;
 * the write that moves it to the stage `committed` is the point from which recovery goes forward,
 * before that it goes back. A recovery that goes back first writes the stage `undo`, made for the
 * version it read: then an operation whose host was only slow can no longer commit.
 */
import type { LayerMerge } from "../consolidation/intent.ts";

export type Stage = "opened" | "guarded" | "committed" | "undo";

/** Names by disk. */
export type ByDisk = { readonly [disk: string]: string };

type Common = {
  readonly operation: string;
  readonly vm: string;
  readonly stage: Stage;
};

export type CowSnapshotIntent = Common & {
  readonly kind: "cow-snapshot";
  readonly pointInTime: string;
  /** Running descriptor, which becomes that of the point in time. */
  readonly from: ByDisk;
  /** New running descriptor. */
  readonly to: ByDisk;
  /** Once committed: the snapshot of each disk's base. */
  readonly snapshots: ByDisk;
};

export type CowRevertIntent = Common & {
  readonly kind: "cow-revert";
  readonly pointInTime: string;
  readonly running: ByDisk;
  /** Descriptor of the point in time that the disk goes back to. */
  readonly target: ByDisk;
  /** Once guarded: the safety snapshot of each disk's base. */
  readonly safety: ByDisk;
};

export type CowDeleteIntent = Common & {
  readonly kind: "cow-delete";
  readonly pointInTime: string;
  /** Descriptors that go. */
  readonly descriptors: ByDisk;
};

/** A copy of a hierarchy, as another VM's or in place of itself in another format; a linked clone. */
export type HierarchyIntent = Common & {
  readonly kind: "copy-hierarchy";
  /** VM whose configuration names the copy. */
  readonly target: string;
  /** Descriptors of the copy; a redo log's or flat volume bears the same name. */
  readonly made: readonly string[];
  /** The configuration that makes the copy the disk. */
  readonly configuration: {
    readonly running: ByDisk;
    readonly pointsInTime: readonly { readonly id: string; readonly disks: ByDisk }[];
    readonly layersMade: number;
  };
  /** What goes when the copy is the disk, `volume` if it is a plain one; none for another VM's. */
  readonly replaced: readonly { readonly descriptor: string; readonly volume: string | null }[];
  /** Whose content the disks have from then on, when it is not what they had: a point in time's. */
  readonly source?: { readonly vm: string; readonly pointInTime: string };
};

/** Whether the copy is of a name of its own: that of no VM when it was begun. */
export const isOfNewVm = ({ vm, target }: HierarchyIntent): boolean => vm !== target;

/** Disks on redo logs go back to a point in time: new, empty redo logs stand on it. */
export type RedoRevertIntent = Common & {
  readonly kind: "redo-revert";
  /** New running descriptors. */
  readonly to: ByDisk;
  /** Descriptors that go, and their volumes. */
  readonly dropped: readonly string[];
  readonly volumes: readonly string[];
};

/** A point in time that nobody runs on goes: it and what stands on it are copied into one. */
export type OfflineMergeIntent = Common & {
  readonly kind: "offline-merge";
  readonly pointInTime: string;
  readonly merges: { readonly [disk: string]: OfflineMerge };
};

/** `volume`: the new one, for both layers; null where nothing stands on the one that goes. */
export type OfflineMerge = LayerMerge & {
  readonly volume: string | null;
  readonly sectors: number;
};

/**
 * In the place of the target's own intent while another VM is copied to that name: two copies of
 * different VMs to one name would be of the same descriptors. Made under the intent of the copy, and
 * gone before that.
 */
export type CloneNameIntent = {
  readonly kind: "clone-name";
  readonly operation: string;
  /** The name. */
  readonly vm: string;
  /** VM that is copied, whose intent is the copy's. */
  readonly source: string;
};

/** Garbage is looked for; other operations keep off. */
export type CollectIntent = Common & { readonly kind: "collect" };

export type CowIntent =
  | CloneNameIntent
  | CowSnapshotIntent
  | CowRevertIntent
  | CowDeleteIntent
  | HierarchyIntent
  | CollectIntent
  | OfflineMergeIntent
  | RedoRevertIntent;

/** Holder of vvols in the name of an open intent: of this one and no later one of the VM. */
export const intentHolder = ({ vm, operation }: Pick<CowIntent, "vm" | "operation">): string =>
  `intent:${vm}/${operation}`;

/** Holder of a vvol in the name of a descriptor that leads to it. */
export const descriptorHolder = (descriptor: string): string => `descriptor:${descriptor}`;
