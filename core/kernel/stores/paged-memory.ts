/**
 * One large linear memory as pages of 4 KiB: the memory of a real guest. The bytes live where the guest
 * runs (the backing); this keeps the hash of each page, and what images need of the content.
 *
 * Must hold: a page object never changes but for dropping bytes that can be had elsewhere; hash and
 * image cost what was written since the last one.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";

export const MEMORY_PAGE_BYTES = 4_096;
/** Pages under one node of the hash tree. */
const CHUNK_PAGES = 128;

/** Where the bytes of a memory live. All zeros when it is made. */
export interface PageBacking {
  /** The bytes of a page, to be read at once. */
  readonly read: (page: number) => Uint8Array;
  readonly write: (page: number, bytes: Uint8Array) => void;
  /** Pages that may differ from what they were at the last call, ascending; marks them clean. */
  readonly takeDirty: () => readonly number[];
}

/** Content of a page. `bytes` is null while only the live memory, or a trace, holds them. */
export interface MemoryPage {
  readonly hash: bigint;
  bytes: Uint8Array | null;
}

/** Takes over the content of a captured page; `bytes` are those of the live memory, to be read at once. */
export type PageTaker = (page: MemoryPage, bytes: Uint8Array) => void;

/** Keeps a copy in memory. */
export const keepCopy: PageTaker = (page, bytes) => void (page.bytes = bytes.slice());

/** Canonical: two memories of equal content have equal hashes at every place. */
export type PageChunk = readonly MemoryPage[];

const NOTHING = new Uint8Array(MEMORY_PAGE_BYTES);
/** Not captured: it is what every backing begins with. */
export const ZERO_PAGE: MemoryPage = Object.freeze({ hash: hash64(NOTHING), bytes: NOTHING });
const ZERO_CHUNK: PageChunk = new Array<MemoryPage>(CHUNK_PAGES).fill(ZERO_PAGE);

/** All zeros. */
export function zeroChunks(pages: number): PageChunk[] {
  const chunks = new Array<PageChunk>(Math.ceil(pages / CHUNK_PAGES)).fill(ZERO_CHUNK);
  const rest = pages % CHUNK_PAGES;
  if (rest > 0) chunks[chunks.length - 1] = ZERO_CHUNK.slice(0, rest);
  return chunks;
}

export const pageOf = (chunks: readonly PageChunk[], page: number): MemoryPage =>
  chunks[Math.floor(page / CHUNK_PAGES)]![page % CHUNK_PAGES]!;

/** The same chunks with some pages replaced; chunks without a replaced page are shared. */
export function withPages(
  chunks: readonly PageChunk[],
  replaced: Iterable<readonly [number, MemoryPage]>,
): PageChunk[] {
  const result = [...chunks];
  const fresh = new Set<number>();
  for (const [page, content] of replaced) {
    const at = Math.floor(page / CHUNK_PAGES);
    assert(page >= 0 && at < result.length && page % CHUNK_PAGES < result[at]!.length, "no page");
    if (!fresh.has(at)) result[at] = [...result[at]!];
    fresh.add(at);
    (result[at] as MemoryPage[])[page % CHUNK_PAGES] = content;
  }
  return result;
}

/** Pages at which two lists of equal length differ, ascending. */
export function changedPages(
  from: readonly PageChunk[],
  to: readonly PageChunk[],
): (readonly [number, MemoryPage])[] {
  const changed: (readonly [number, MemoryPage])[] = [];
  to.forEach((chunk, at) => {
    const before = from[at]!;
    if (before === chunk) return;
    for (let i = 0; i < chunk.length; i++) {
      const [old, page] = [before[i]!, chunk[i]!];
      // Nearly all are the same object, and hashes are dear to compare.
      if (old !== page && old.hash !== page.hash) changed.push([at * CHUNK_PAGES + i, page]);
    }
  });
  return changed;
}

export class PagedMemory {
  readonly pages: number;
  readonly backing: PageBacking;
  #chunks: PageChunk[];
  /** Pages whose content nobody but the backing has. */
  readonly #uncopied = new Set<number>();
  #digests: bigint[];
  readonly #unhashed = new Set<number>();

  constructor(pages: number, backing: PageBacking) {
    assert(Number.isInteger(pages) && pages > 0 && pages <= 1 << 20, "1 to 2^20 pages");
    this.pages = pages;
    this.backing = backing;
    this.#chunks = zeroChunks(pages);
    this.#digests = this.#chunks.map(digestOf);
  }

  /** Hash over all pages. */
  digest(): bigint {
    this.#sync();
    for (const at of this.#unhashed) this.#digests[at] = digestOf(this.#chunks[at]!);
    this.#unhashed.clear();
    return hash64(new Uint8Array(BigUint64Array.from(this.#digests).buffer));
  }

  /** Pages at which this and another memory of the same size differ, ascending. */
  differingPages(other: PagedMemory): number[] {
    this.#sync();
    other.#sync();
    return changedPages(this.#chunks, other.#chunks).map(([page]) => page);
  }

  /** By page: 53 bits of the hash of what it holds now. For observers. */
  hashes(): (page: number) => number {
    this.#sync();
    const chunks = [...this.#chunks];
    return (page) => Number(pageOf(chunks, page).hash >> 11n);
  }

  /** All pages as they are now; `take` is given those whose content nobody but the backing had. */
  capture(take: PageTaker): readonly PageChunk[] {
    this.#sync();
    for (const page of this.#uncopied) {
      const content = pageOf(this.#chunks, page);
      if (content.bytes === null) take(content, this.backing.read(page));
    }
    this.#uncopied.clear();
    return [...this.#chunks];
  }

  /** These pages hold right now what somebody keeps for good: images refer to it. */
  refer(pages: Iterable<readonly [number, Uint8Array]>): void {
    this.#sync();
    for (const [page, bytes] of pages) {
      const content = pageOf(this.#chunks, page);
      if (content !== ZERO_PAGE) content.bytes = bytes;
    }
  }

  /** Writes what differs. `bytesOf` has the bytes of any page of the image. */
  restore(chunks: readonly PageChunk[], bytesOf: (page: MemoryPage) => Uint8Array): void {
    this.#sync();
    assert(chunks.length === this.#chunks.length, "a memory of the same size");
    for (const [page, content] of changedPages(this.#chunks, chunks)) {
      this.backing.write(page, bytesOf(content));
    }
    this.backing.takeDirty();
    chunks.forEach((chunk, at) => {
      if (chunk !== this.#chunks[at]) this.#unhashed.add(at);
    });
    this.#chunks = [...chunks];
    this.#uncopied.clear();
  }

  /** Hashes what was written since the last time. */
  #sync(): void {
    const replaced: (readonly [number, MemoryPage])[] = [];
    for (const page of this.backing.takeDirty()) {
      const hash = hash64(this.backing.read(page));
      if (hash === pageOf(this.#chunks, page).hash) continue;
      const isZero = hash === ZERO_PAGE.hash;
      replaced.push([page, isZero ? ZERO_PAGE : { hash, bytes: null }]);
      if (isZero) this.#uncopied.delete(page);
      else this.#uncopied.add(page);
    }
    if (replaced.length === 0) return;
    this.#chunks = withPages(this.#chunks, replaced);
    for (const [page] of replaced) this.#unhashed.add(Math.floor(page / CHUNK_PAGES));
  }
}

function digestOf(chunk: PageChunk): bigint {
  const words = BigUint64Array.from(chunk, ({ hash }) => hash);
  return hash64(new Uint8Array(words.buffer));
}
