/**
 * Writes pages of the memories of real guests to a trace, each content once, in chunks that are small
 * enough to be read for a single page. Must hold: what a snapshot needs lies before it.
 */
import { MEMORY_PAGE_BYTES, type MemoryPage } from "../../core/kernel/index.ts";
import type { TraceWriter } from "../format/index.ts";
import { MEMORY_HASHES, MEMORY_PAGES } from "../trace-chunks.ts";

const PAGES_PER_CHUNK = 128;
/** Hashes that are remembered; a content that comes again much later may be written again. */
const MOST_KNOWN = 1 << 20;

export class MemoryPages {
  readonly #writer: TraceWriter;
  readonly #written = new Set<bigint>();

  constructor(writer: TraceWriter) {
    this.#writer = writer;
  }

  /** Captured pages with their bytes. */
  add(pages: readonly MemoryPage[]): void {
    const fresh: MemoryPage[] = [];
    for (const page of pages) {
      if (this.#written.has(page.hash)) continue;
      this.#written.add(page.hash);
      fresh.push(page);
    }
    for (let at = 0; at < fresh.length; at += PAGES_PER_CHUNK) {
      this.#write(fresh.slice(at, at + PAGES_PER_CHUNK));
    }
    for (const oldest of this.#written) {
      if (this.#written.size <= MOST_KNOWN) break;
      this.#written.delete(oldest);
    }
  }

  #write(pages: readonly MemoryPage[]): void {
    const hashes = BigUint64Array.from(pages, ({ hash }) => hash);
    const joined = new Uint8Array(pages.length * MEMORY_PAGE_BYTES);
    pages.forEach(({ bytes }, i) => joined.set(bytes!, i * MEMORY_PAGE_BYTES));
    const meta = { count: pages.length };
    this.#writer.append(MEMORY_HASHES, meta, new Uint8Array(hashes.buffer), "raw");
    this.#writer.append(MEMORY_PAGES, meta, joined);
  }
}
