/**
 * Which earlier snapshot a snapshot is written against. Snapshot k holds what changed since snapshot
 * k - lowbit(k) (0 is the world as built): any snapshot is then read from at most log2(k)
 * others, and a change is written at most log2(k) times.
 */

/** Number of the snapshot that `k` (from 1) is a difference to; 0 is the freshly built world. */
export function ladderBase(k: number): number {
  return k - (k & -k);
}

/** `k` and all that must be read before it, oldest first, without 0. */
export function ladderPath(k: number): number[] {
  const path: number[] = [];
  for (let at = k; at > 0; at = ladderBase(at)) path.unshift(at);
  return path;
}

/** Keeps just the images that later snapshots will be written against. */
export class SnapshotLadder<Image> {
  readonly #images = new Map<number, Image>();
  #count = 0;

  constructor(initial: Image) {
    this.#images.set(0, initial);
  }

  get count(): number {
    return this.#count;
  }

  /** Adds the next snapshot; returns its number and the image it is a difference to. */
  push(image: Image): { readonly index: number; readonly base: Image } {
    const index = ++this.#count;
    const base = this.#images.get(ladderBase(index))!;
    this.#images.set(index, image);
    const needed = new Set([0, ...ladderPath(index)]);
    for (const key of this.#images.keys()) if (!needed.has(key)) this.#images.delete(key);
    return { index, base };
  }
}
