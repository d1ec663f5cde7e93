/**
 * Which checkpoints of a VM's memory there are: one small file on the array that keeps them, and an
 * intent while one is being made. A checkpoint counts once the catalog names it, and no earlier.
 *
 * Must hold: what neither the catalog nor the intent of a living operation names is garbage.
 */
import type { Plain, PlainObject } from "../kernel/index.ts";

/** A checkpoint that counts. */
export type CheckpointEntry = {
  readonly checkpoint: string;
  readonly volume: string;
  readonly sectors: number;
  /** Checkpoint below, of which blocks are missing here. */
  readonly base: string | null;
  /** Disks that are a point in time of the same instant, which has the checkpoint's id. */
  readonly disks: readonly string[];
  /** The VM went off with it: nothing has happened to its disks since. */
  readonly isSuspend: boolean;
};

export type Catalog = PlainObject & {
  readonly vm: string;
  /** Oldest first. */
  readonly checkpoints: readonly CheckpointEntry[];
};

export type CheckpointIntent = PlainObject & {
  readonly kind: "checkpoint";
  readonly operation: string;
  readonly vm: string;
  readonly checkpoint: string;
  readonly volume: string;
};

export const catalogFile = (vm: string): string => `${vm}.checkpoints`;
export const checkpointIntentFile = (vm: string): string => `${vm}.memory-intent`;
export const checkpointVolume = (vm: string, checkpoint: string): string =>
  `${vm}.${checkpoint}.memory`;

export const emptyCatalog = (vm: string): Catalog => ({ vm, checkpoints: [] });

export const entryOf = (catalog: Catalog, checkpoint: string): CheckpointEntry | undefined =>
  catalog.checkpoints.find((each) => each.checkpoint === checkpoint);

/**
 * With a new checkpoint. `replaces`: older ones that no other stands on go.
 */
export function withCheckpoint(
  catalog: Catalog,
  entry: CheckpointEntry,
  replaces: boolean,
): { readonly catalog: Catalog; readonly dropped: readonly CheckpointEntry[] } {
  const all = [...catalog.checkpoints, entry];
  const needed = new Set<string>();
  for (let at: CheckpointEntry | undefined = entry; at !== undefined;) {
    needed.add(at.checkpoint);
    const { base }: CheckpointEntry = at;
    at = base === null ? undefined : entryOf(catalog, base);
  }
  const kept = all.filter(({ checkpoint }) => !replaces || needed.has(checkpoint));
  const dropped = all.filter((each) => !kept.includes(each));
  return { catalog: { vm: catalog.vm, checkpoints: kept }, dropped };
}

export const withoutCheckpoint = (catalog: Catalog, checkpoint: string): Catalog => ({
  vm: catalog.vm,
  checkpoints: catalog.checkpoints.filter((each) => each.checkpoint !== checkpoint),
});

export const asPlain = (value: object): Plain => value as unknown as Plain;
