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
  /** The VM went off with it. */
  readonly isSuspend: boolean;
  /** Of a suspend: how it left its machine and the disks of that. They fit it while that is the same. */
  readonly leftAs?: number;
  /** That VM has gone on: it is there only for those that stand on it, and goes with the last of them. */
  readonly isSpent?: true;
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

/** Checkpoints that can be gone back to. */
export const usable = ({ checkpoints }: Catalog): readonly CheckpointEntry[] =>
  checkpoints.filter(({ isSpent }) => isSpent !== true);

/** So many files make up a checkpoint. */
export const chainLength = (catalog: Catalog, { checkpoint }: CheckpointEntry): number =>
  below(catalog.checkpoints, [checkpoint]).size;

export type Changed = { readonly catalog: Catalog; readonly dropped: readonly CheckpointEntry[] };

/**
 * With a new checkpoint. `replaces`: older ones that no other stands on go. A VM that was suspended has
 * gone on since.
 */
export function withCheckpoint(
  catalog: Catalog,
  entry: CheckpointEntry,
  replaces: boolean,
): Changed {
  const older = catalog.checkpoints.map((each) => (each.isSuspend ? spent(each) : each));
  const all = [...older, entry];
  return reduced(catalog, all, replaces ? [entry] : usable({ ...catalog, checkpoints: all }));
}

/** Without one that was gone on from; while others stand on it, it stays for them. */
export function withoutCheckpoint(catalog: Catalog, checkpoint: string): Changed {
  const all = catalog.checkpoints.map((each) =>
    each.checkpoint === checkpoint ? spent(each) : each,
  );
  return reduced(catalog, all, usable({ ...catalog, checkpoints: all }));
}

const spent = (entry: CheckpointEntry): CheckpointEntry => ({ ...entry, isSpent: true });

/** Of all of them, those that are wanted and what these stand on. */
function reduced(
  catalog: Catalog,
  all: readonly CheckpointEntry[],
  wanted: readonly CheckpointEntry[],
): Changed {
  const needed = below(
    all,
    wanted.map(({ checkpoint }) => checkpoint),
  );
  const checkpoints = all.filter(({ checkpoint }) => needed.has(checkpoint));
  const dropped = all.filter(({ checkpoint }) => !needed.has(checkpoint));
  return { catalog: { ...catalog, checkpoints }, dropped };
}

/** Checkpoints, and all that they stand on. */
function below(all: readonly CheckpointEntry[], from: readonly string[]): ReadonlySet<string> {
  const found = new Set(from);
  for (const name of found) {
    const base = all.find(({ checkpoint }) => checkpoint === name)?.base ?? null;
    if (base !== null) found.add(base);
  }
  return found;
}

/** A checkpoint and all that it stands on, the newest first; ends early where something is missing. */
export const chainOf = (catalog: Catalog, checkpoint: string): readonly CheckpointEntry[] =>
  [...below(catalog.checkpoints, [checkpoint])].flatMap((name) => entryOf(catalog, name) ?? []);

/** Whether nothing of a chain is missing. */
export const isWhole = (chain: readonly CheckpointEntry[]): boolean => chain.at(-1)?.base === null;

/**
 * The first of a chain has become one file. `keepOlder` false: those below it go, but for what others
 * stand on. Dropped are all whose files are not needed any more, its own old one included.
 */
export function withMerged(
  { merging: _, ...catalog }: Catalog,
  chain: readonly CheckpointEntry[],
  merged: Pick<CheckpointEntry, "volume" | "sectors">,
  keepOlder: boolean,
): Changed {
  const [own, ...older] = chain.map(({ checkpoint }) => checkpoint);
  const all = catalog.checkpoints.map((each): CheckpointEntry =>
    each.checkpoint === own ? { ...each, ...merged, base: null } : each,
  );
  const isWanted = ({ checkpoint }: CheckpointEntry): boolean =>
    checkpoint === own || keepOlder || !older.includes(checkpoint);
  const wanted = usable({ ...catalog, checkpoints: all }).filter(isWanted);
  const after = reduced(catalog, all, wanted);
  return { ...after, dropped: [chain[0]!, ...after.dropped] };
}

export const asPlain = (value: object): Plain => value as unknown as Plain;
