/**
 * The pages of memories that a trace holds, by hash. Chunks that were read stay for a while: at most
 * 64 MiB of them.
 */
import { MEMORY_PAGE_BYTES } from "../../core/kernel/index.ts";
import type { ChunkRef, Trace } from "../format/index.ts";
import { unpackPages } from "../recording/packed-page.ts";
import { MEMORY_HASHES, MEMORY_PAGES, PACKED_PAGES } from "../trace-chunks.ts";

const MOST_BYTES = 64 << 20;
const MOST_PAGES = 1 << 16;

interface Place {
  readonly chunk: ChunkRef;
  readonly at: number;
}

export class SavedPages {
  readonly #trace: Trace;
  #places: Map<bigint, Place> | undefined;
  readonly #chunks = new Map<ChunkRef, Uint8Array>();
  #bytes = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** The page with this hash; undefined when the trace does not hold it, or is damaged there. */
  readonly find = (hash: bigint): Uint8Array | undefined => {
    this.#places ??= this.#index();
    const place = this.#places.get(hash);
    if (place === undefined) return undefined;
    const bytes = this.#chunks.get(place.chunk) ?? this.#read(place.chunk);
    const start = place.at * MEMORY_PAGE_BYTES;
    return bytes?.subarray(start, start + MEMORY_PAGE_BYTES);
  };

  #index(): Map<bigint, Place> {
    const places = new Map<bigint, Place>();
    const packed = this.#trace.chunks(PACKED_PAGES);
    const pages = packed.length > 0 ? packed : this.#trace.chunks(MEMORY_PAGES);
    this.#trace.chunks(MEMORY_HASHES).forEach((chunk, i) => {
      const result = this.#trace.read(chunk);
      const holder = pages[i];
      if (!result.ok || holder === undefined || result.bytes.length % 8 !== 0) return;
      const hashes = new BigUint64Array(result.bytes.slice().buffer);
      hashes.forEach((hash, at) => places.set(hash, { chunk: holder, at }));
    });
    return places;
  }

  #read(chunk: ChunkRef): Uint8Array | undefined {
    const result = this.#trace.read(chunk);
    if (!result.ok) return undefined;
    const { count } = chunk.meta;
    const isPacked = chunk.kind === PACKED_PAGES;
    if (isPacked && !(Number(count) <= MOST_PAGES)) return undefined;
    const bytes = isPacked ? unpackPages(result.bytes, Number(count)) : result.bytes;
    if (bytes === undefined) return undefined;
    this.#chunks.set(chunk, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, { length }] of this.#chunks) {
      if (this.#bytes <= MOST_BYTES || oldest === chunk) break;
      this.#chunks.delete(oldest);
      this.#bytes -= length;
    }
    return bytes;
  }
}
