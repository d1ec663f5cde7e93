/**
 * What was read of a text, by that text: a pure cache, for reading it again gives the same. It holds
 * so many texts and then begins anew, so that a long search does not grow with what it has seen.
 */

const MOST_TEXTS = 1_024;

export class TextCache<Read> {
  readonly #known = new Map<string, Read>();

  get(text: string): Read | undefined {
    return this.#known.get(text);
  }

  set(text: string, read: Read): void {
    if (this.#known.size >= MOST_TEXTS) this.#known.clear();
    this.#known.set(text, read);
  }
}
