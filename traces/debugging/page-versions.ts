/**
 * The pages of a machine's RAM as they were at some places of a run. A version is kept under the
 * place where it was saved and holds until the next one; what was never saved is as at power-on.
 */
import type { MemoryPage } from "../../core/kernel/index.ts";

/** Its bytes, or a page of a trace, which has them. */
export type PageContent = Uint8Array | MemoryPage;
export type Pages = ReadonlyMap<number, PageContent>;

const weight = (content: PageContent): number => (content instanceof Uint8Array ? 1 : 0);

export class PageVersions {
  /** Places in ascending order, and the pages saved there. */
  readonly #places: number[] = [];
  readonly #saved = new Map<number, Map<number, PageContent>>();
  /** By page: the places at which it was saved, ascending. */
  readonly #byPage = new Map<number, number[]>();
  /** Pages whose bytes are kept here. */
  count = 0;

  save(place: number, pages: Pages): void {
    let saved = this.#saved.get(place);
    if (saved === undefined) {
      this.#saved.set(place, (saved = new Map()));
      insert(this.#places, place);
    }
    for (const [page, content] of pages) {
      if (!saved.has(page)) {
        const places = this.#byPage.get(page) ?? [];
        if (places.length === 0) this.#byPage.set(page, places);
        insert(places, place);
        this.count += weight(content);
        saved.set(page, content);
      }
    }
  }

  /** The page as it was at a place where all changes had been saved; undefined: as at power-on. */
  at(page: number, place: number): PageContent | undefined {
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
      for (const [page, content] of saved) {
        const places = this.#byPage.get(page)!;
        const later = places[firstBehind(places, place)] ?? Infinity;
        if (later > next) continue;
        saved.delete(page);
        places.splice(places.indexOf(place), 1);
        if (places.length === 0) this.#byPage.delete(page);
        this.count -= weight(content);
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
