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
  /** Intent of a merge of a chain; absent: there is none. */
  readonly merging?: MergeIntent;
};

/** The files of a checkpoint are becoming one, which is nothing before the catalog names it. */
export type MergeIntent = {
  readonly operation: string;
  readonly checkpoint: string;
  readonly volume: string;
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

/** Of the file that a chain becomes; no checkpoint's id has this sign. */
export const mergedVolume = (vm: string, checkpoint: string): string =>
  checkpointVolume(vm, `${checkpoint}+merged`);

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
  return { catalog: { ...catalog, checkpoints: kept }, dropped };
}

export const withoutCheckpoint = (catalog: Catalog, checkpoint: string): Catalog => ({
  ...catalog,
  checkpoints: catalog.checkpoints.filter((each) => each.checkpoint !== checkpoint),
});

/** A checkpoint and all that it stands on, the newest first; ends early where something is missing. */
export function chainOf(catalog: Catalog, checkpoint: string): readonly CheckpointEntry[] {
  const chain: CheckpointEntry[] = [];
  for (let at = entryOf(catalog, checkpoint); at !== undefined && !chain.includes(at);) {
    chain.push(at);
    at = at.base === null ? undefined : entryOf(catalog, at.base);
  }
  return chain;
}

/** Whether nothing of a chain is missing. */
export const isWhole = (chain: readonly CheckpointEntry[]): boolean => chain.at(-1)?.base === null;

/**
 * The first of a chain has become one file. `keepOlder` false: what only it stood on goes. Dropped are
 * the files that are not needed any more, its own old one included.
 */
export function withMerged(
  { merging: _, ...catalog }: Catalog,
  chain: readonly CheckpointEntry[],
  merged: Pick<CheckpointEntry, "volume" | "sectors">,
  keepOlder: boolean,
): { readonly catalog: Catalog; readonly dropped: readonly CheckpointEntry[] } {
  const [own, ...older] = chain as readonly [CheckpointEntry, ...CheckpointEntry[]];
  let kept = catalog.checkpoints.map((each): CheckpointEntry =>
    each.checkpoint === own.checkpoint ? { ...each, ...merged, base: null } : each,
  );
  const dropped = [own];
  for (const each of older) {
    const { checkpoint } = each;
    if (keepOlder || kept.some(({ base }) => base === checkpoint)) break;
    kept = kept.filter((other) => other.checkpoint !== checkpoint);
    dropped.push(each);
  }
  return { catalog: { ...catalog, checkpoints: kept }, dropped };
}

export const asPlain = (value: object): Plain => value as unknown as Plain;
