/** What the operations that save a machine are given, and what they keep in mind. */
import type { EntityId, Operation, Plain, PlainObject } from "../../kernel/index.ts";
import type { OpenDisk } from "../../disks/index.ts";
import type { Catalog, CheckpointEntry } from "../catalog.ts";
import type { CommitRecord } from "../file/layout.ts";
import type { SaveMethod, SaverConfig, WorkingSetBy } from "./saver-state.ts";

export type CheckpointParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly record: EntityId;
  /** Array that keeps the checkpoint, and the paths to it. */
  readonly array: EntityId;
  readonly paths: readonly EntityId[];
  readonly checkpoint: string;
  readonly method: SaveMethod;
  /** The VM goes off when its checkpoint counts. */
  readonly suspends: boolean;
  /** Older checkpoints go when this one counts. */
  readonly replaces: boolean;
  /** Also a point in time of these disks, of the same instant; empty: memory alone. */
  readonly disks: readonly OpenDisk[];
  /** Entity of the array on which those disks are; -1: none. */
  readonly disksArray: EntityId;
  /** All virtual disks, to be drained. */
  readonly drains: readonly EntityId[];
  readonly buffers: Pick<SaverConfig, "blockPages" | "groupBlocks" | "stagingBlocks" | "sidePages">;
  /** Save only what was written since this checkpoint, or since the `last` one, if that is known. */
  readonly base?: string;
  /** Note what is written from the instant on, so that a later one can stand on this one. */
  readonly notes?: boolean;
  /** So many checkpoints stand on each other at most; the next one is whole. */
  readonly longestChain?: number;
  /** Saves in the background first, for `traceNs` at least, and looks which pages are used. */
  readonly workingSet?: WorkingSetBy;
  readonly traceNs?: number;
  readonly careless?: SaverConfig["careless"] | "commitsFirst";
};

export type CheckpointState = {
  catalog: Catalog | null;
  catalogVersion: number;
  intentVersion: number;
  volumeSectors: number;
  saver: EntityId;
  /** What it stands on; absent: nothing. */
  base?: { checkpoint: string; identity: string };
  /** That is what the machine is still being restored from. */
  isResidual?: true;
  startedNs: number;
  stunnedAtNs: number;
  /** By this operation itself: not by the snapshot of its disks. */
  isStunned: boolean;
  stunNs: number;
  commit: Plain;
  fileSectors: number;
  dropped: CheckpointEntry[];
  figures: PlainObject;
  failure: { code: string; detail: Plain } | null;
};

export type CheckpointOp = Operation<CheckpointParams & PlainObject, CheckpointState & PlainObject>;

export const initialCheckpoint = (): CheckpointState & PlainObject => ({
  catalog: null,
  catalogVersion: 0,
  intentVersion: 0,
  volumeSectors: 0,
  saver: -1,
  startedNs: 0,
  stunnedAtNs: 0,
  isStunned: false,
  stunNs: 0,
  commit: null,
  fileSectors: 0,
  dropped: [],
  figures: {},
  failure: null,
});

/** Of a commit record, as plain data. */
export function plainCommit(commit: CommitRecord): Plain {
  const { headChecksum, stateChecksum, mapChecksum, ...rest } = commit;
  const words = [headChecksum, stateChecksum, mapChecksum].map(String);
  return { ...rest, words };
}

export function commitOf(plain: Plain): CommitRecord {
  const { words, ...rest } = plain as unknown as CommitRecord & { words: string[] };
  const [headChecksum, stateChecksum, mapChecksum] = words.map(BigInt);
  return {
    ...rest,
    headChecksum: headChecksum!,
    stateChecksum: stateChecksum!,
    mapChecksum: mapChecksum!,
  };
}
