/**
 * The pages of a machine's RAM as they were at some places of a run. A version is kept under the
 * place where it was saved and holds until the next one; what was never saved is as at power-on.
 */
export type Pages = ReadonlyMap<number, Uint8Array>;

export class PageVersions {
  /** Places in ascending order, and the pages saved there. */
  readonly #places: number[] = [];
  readonly #saved = new Map<number, Map<number, Uint8Array>>();
  /** By page: the places at which it was saved, ascending. */
  readonly #byPage = new Map<number, number[]>();
  /** Pages in all. */
  count = 0;

  save(place: number, pages: Pages): void {
    let saved = this.#saved.get(place);
    if (saved === undefined) {
      this.#saved.set(place, (saved = new Map()));
      insert(this.#places, place);
    }
    for (const [page, bytes] of pages) {
      if (!saved.has(page)) {
        const places = this.#byPage.get(page) ?? [];
        if (places.length === 0) this.#byPage.set(page, places);
        insert(places, place);
        this.count++;
      }
      saved.set(page, bytes);
    }
  }

  /** The page as it was at a place where all changes had been saved; undefined: as at power-on. */
  at(page: number, place: number): Uint8Array | undefined {
    const places = this.#byPage.get(page);
    if (places === undefined) return undefined;
    const behind = firstBehind(places, place);
    return behind === 0 ? undefined : this.#saved.get(places[behind - 1]!)!.get(page);
  }

  /** Pages saved behind one place, up to another. */
  *savedWithin(after: number, upTo: number): Generator<number> {
    for (let i = firstBehind(this.#places, after); i < this.#places.length; i++) {
      const place = this.#places[i]!;
      if (place > upTo) return;
      yield* this.#saved.get(place)!.keys();
    }
  }

  /**
   * Forgets versions behind `after` and up to `upTo` that nobody needs who asks for `next` (infinite: nobody asks for
   * anything behind).
   */
  forget(after: number, upTo: number, next: number): void {
    const from = firstBehind(this.#places, after);
    const to = firstBehind(this.#places, upTo);
    for (const place of this.#places.slice(from, to)) {
      const saved = this.#saved.get(place)!;
      for (const page of saved.keys()) {
        const places = this.#byPage.get(page)!;
        const later = places[firstBehind(places, place)] ?? Infinity;
        if (later > next) continue;
        saved.delete(page);
        places.splice(places.indexOf(place), 1);
        if (places.length === 0) this.#byPage.delete(page);
        this.count--;
      }
      if (saved.size > 0) continue;
      this.#saved.delete(place);
      this.#places.splice(this.#places.indexOf(place), 1);
    }
  }
}

/** Index of the first number greater than `value` in an ascending list. */
export function firstBehind(list: readonly number[], value: number): number {
  let low = 0;
  for (let high = list.length; low < high;) {
    const middle = (low + high) >> 1;
    if (list[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(list: number[], value: number): void {
  list.splice(firstBehind(list, value), 0, value);
}
