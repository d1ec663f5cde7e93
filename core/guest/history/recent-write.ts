/** What a guest remembers of its writes while their effect may be in doubt. Plain data. */

/** A clock reading that never comes. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/** A write whose effect may still be in doubt. Times are readings of the journal's clock. */
export type RecentWrite = {
  readonly sector: number;
  readonly sectors: number;
  /** Stamp of its first sector; 0 = zeros. */
  readonly stamp: number;
  /** It took no effect before this. */
  readonly issued: number;
  /** It takes no effect after this. */
  readonly ends: number;
  /** It had certainly taken effect by then. */
  readonly sure: number;
  /** A flush was sent after `sure`, and answered. */
  readonly durable: boolean;
};

export type DiskJournal = {
  /** Counter of the next stamp. */
  readonly nextStamp: number;
  /** Clock at the last crash; -1 before the first one. */
  readonly crashedAt: number;
  /** Stamps below this were written before the last crash. */
  readonly crashStamp: number;
  /** In the order they were sent. */
  readonly writes: readonly RecentWrite[];
};

export const emptyDiskJournal = (): DiskJournal => ({
  nextStamp: 1,
  crashedAt: -1,
  crashStamp: 0,
  writes: [],
});
