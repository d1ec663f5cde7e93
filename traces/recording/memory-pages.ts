/**
 * Writes pages of the memories of real guests to a trace, each content once, in chunks that are small
 * enough to be read for a single page. Must hold: what a snapshot needs lies before it.
 */
import { LENT_BYTES, type TraceWriter } from "../format/index.ts";
import { MEMORY_HASHES, PACKED_PAGES } from "../trace-chunks.ts";
import { packPage } from "./packed-page.ts";

/** Of 4,160 bytes at most, packed: they fit into a lent buffer. */
const PAGES_PER_CHUNK = 128;
/** Hashes that are remembered; a content that comes again much later may be written again. */
const MOST_KNOWN = 1 << 20;

export class MemoryPages {
  readonly #writer: TraceWriter;
  readonly #written = new Set<bigint>();
  #lent: Uint8Array | undefined;
  #packed: Uint32Array = new Uint32Array(0);
  /** Words that the chunk has so far. */
  #length = 0;
  #hashes: bigint[] = [];
  #bytes = 0;

  constructor(writer: TraceWriter) {
    this.#writer = writer;
  }

  /** Of all pages so far, as they are written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The content of a captured page. */
  add(hash: bigint, bytes: Uint8Array): void {
    if (this.#written.has(hash)) return;
    this.#written.add(hash);
    if (this.#lent === undefined) this.#begin();
    this.#length = packPage(bytes, this.#packed, this.#length);
    this.#hashes.push(hash);
    if (this.#hashes.length === PAGES_PER_CHUNK) this.flush();
  }

  flush(): void {
    const count = this.#hashes.length;
    if (count === 0 || this.#lent === undefined) return;
    const hashes = new Uint8Array(BigUint64Array.from(this.#hashes).buffer);
    this.#writer.append(MEMORY_HASHES, { count }, hashes, "raw");
    this.#writer.appendLent(PACKED_PAGES, { count }, this.#lent, 4 * this.#length);
    this.#bytes += 4 * this.#length;
    this.#lent = undefined;
    this.#hashes = [];
    for (const oldest of this.#written) {
      if (this.#written.size <= MOST_KNOWN) break;
      this.#written.delete(oldest);
    }
  }

  #begin(): void {
    this.#lent = this.#writer.lend();
    this.#packed = new Uint32Array(this.#lent.buffer, this.#lent.byteOffset, LENT_BYTES / 4);
    this.#length = 0;
  }
}
