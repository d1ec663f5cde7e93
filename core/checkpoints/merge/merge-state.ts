/** What the merging of a chain of checkpoint files is given, and what it keeps in mind. */
import {
  type Entity,
  type EntityId,
  type NumberArray,
  type Operation,
  type Plain,
  type PlainObject,
} from "../../kernel/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import { type Catalog, type CheckpointEntry, mergedVolume } from "../catalog.ts";
import type { Head } from "../file/layout.ts";
import type { Block } from "../file/storage-block.ts";
import type { Stored } from "../restore/layers.ts";
import type { Written } from "../save/saver-state.ts";

export type MergeParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly record: EntityId;
  /** Array that keeps the checkpoints, and the paths to it. */
  readonly array: EntityId;
  readonly paths: readonly EntityId[];
  /** null: the last one. */
  readonly checkpoint: string | null;
  /** Those that it stood on stay as checkpoints of their own. */
  readonly keepOlder: boolean;
  /** What a test breaks on purpose. */
  readonly careless?: "takesOldest" | "dropsFirst";
};

/** A file that has been opened. */
export type OpenedLayer = {
  readonly device: EntityId;
  readonly head: Head;
  readonly storage: readonly Written[];
};

/** What is about to be written as one storage block, from `sector` on. */
export type Pending = Written & { readonly runs: Plain };

export type MergeFigures = {
  readonly mergedFiles: number;
  readonly reads: number;
  readonly readSectors: number;
  readonly storageBlocks: number;
  readonly writtenSectors: number;
  /** Storage blocks that nothing newer had a page of: they are taken over as they are. */
  readonly copiedBlocks: number;
};

export type MergeState = {
  /** What is merged, the newest file first. */
  chain: CheckpointEntry[];
  catalog: Catalog | null;
  catalogVersion: number;
  /** While it changes the catalog. */
  intentVersion: number;
  tries: number;
  startedNs: number;
  /** File that is being opened. */
  head: Head | null;
  commit: Plain;
  layers: OpenedLayer[];
  /** Of the newest file: what it has beside the memory, and how it is known. */
  state: Uint8Array | null;
  standsFor: string;
  /** Storage blocks that are the source of anything, oldest file first. */
  storage: Stored[];
  unitPages: number;
  /** Storage blocks of newer files that have been read, the last one used last. */
  cache: { number: number; blocks: Block[] }[];
  reading: number[];
  output: EntityId;
  /** Of all files, to be removed in the end. */
  devices: EntityId[];
  group: number;
  nextSector: number;
  pending: Pending | null;
  written: Written[];
  fileSectors: number;
  /** The catalog as it is to be. */
  after: Catalog | null;
  dropped: CheckpointEntry[];
  commitsSinceNs: number;
  figures: MergeFigures;
  failure: { code: string; detail: Plain } | null;
};

export type MergeOp = Operation<MergeParams & PlainObject, MergeState & PlainObject>;

export const initialMerge = (): MergeState & PlainObject => ({
  chain: [],
  catalog: null,
  catalogVersion: 0,
  intentVersion: 0,
  tries: 0,
  startedNs: -1,
  head: null,
  commit: null,
  layers: [],
  state: null,
  standsFor: "",
  storage: [],
  unitPages: 1,
  cache: [],
  reading: [],
  output: -1,
  devices: [],
  group: 0,
  nextSector: 0,
  pending: null,
  written: [],
  fileSectors: 0,
  after: null,
  dropped: [],
  commitsSinceNs: 0,
  figures: {
    mergedFiles: 0,
    reads: 0,
    readSectors: 0,
    storageBlocks: 0,
    writtenSectors: 0,
    copiedBlocks: 0,
  },
  failure: null,
});

/** The run of the VM, as long as it is here. */
export function vmIn(host: Entity, op: MergeOp): VmEntity | undefined {
  const vm = host.world.entityOrNone(op.params.instance) as VmEntity | undefined;
  return vm?.volatile.stage === "running" ? vm : undefined;
}

/** Of the catalog while the merge lives, and of whoever changes it for the merge. */
export function intentOf(op: MergeOp) {
  const { vm } = op.params;
  const { checkpoint } = op.state.chain[0]!;
  const volume = mergedVolume(vm, checkpoint);
  return { kind: "checkpoint", operation: op.entity.name, vm, checkpoint, volume } as const;
}

/** By unit of memory: number of the storage block that is its source. */
export function sourcesOf(host: Entity, op: MergeOp): NumberArray {
  const { layers, unitPages } = op.state;
  const units = Math.ceil(layers[0]!.head.pages / unitPages);
  return host.world.arrays.open(`${op.entity.name}#source-of`, "u32", units);
}

/** The oldest file, which has all pages: its storage blocks are those of the new one. */
export const oldest = (op: MergeOp): OpenedLayer => op.state.layers.at(-1)! as OpenedLayer;

/**
 * Whether an entity of this domain is a merge that begins, or ends: in between it does without the intent
 * of checkpoints.
 */
export function isChangingCatalog(entity: Entity): boolean {
  if (entity.kind !== "operation:merge-checkpoints") return false;
  const { layers, commitsSinceNs } = entity.volatile["state"] as unknown as MergeState;
  return layers.length === 0 || commitsSinceNs > 0;
}
