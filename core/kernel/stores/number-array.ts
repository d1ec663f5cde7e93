/**
 * A long array of numbers that is mostly regular: one stamp per page of guest memory, words of a
 * bitmap. Chunks of 512 entries are kept as an arithmetic run while they are one, else as a typed
 * array, so that 16 million equal or rising entries take a few hundred kilobytes.
 *
 * Must hold: an image never changes once taken and shares what did not change; two arrays of equal
 * values have equal digests, however they came to be.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";

export type ArrayKind = "f64" | "u32";

/** Entry `i` of the chunk is `first + i * step`. */
type RunChunk = { readonly first: number; readonly step: number };
type DenseChunk = Float64Array | Uint32Array;
export type ArrayChunk = RunChunk | DenseChunk;

export interface ArrayImage {
  readonly kind: ArrayKind;
  readonly length: number;
  readonly chunks: readonly ArrayChunk[];
}

const CHUNK_SHIFT = 9;
export const CHUNK_ENTRIES = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_ENTRIES - 1;
export const MAX_ARRAY_LENGTH = 1 << 30;

const ZEROS: RunChunk = Object.freeze({ first: 0, step: 0 });

export const isRun = (chunk: ArrayChunk): chunk is RunChunk => "first" in chunk;

/** Values of the array from `at` on, as far as they are regular: `first`, `first + step`, ... */
export type NumberRun = {
  readonly at: number;
  readonly count: number;
  readonly first: number;
  readonly step: number;
};

export class NumberArray {
  readonly kind: ArrayKind;
  readonly length: number;
  /** Counts changes of any kind: for caches over the array, no state. */
  version = 0;
  #chunks: ArrayChunk[];
  /** Generation in which a chunk became ours to change. */
  readonly #owned: Uint32Array;
  #generation = 1;
  readonly #digests: BigUint64Array;
  /** 1 where the digest of a chunk is that of what it holds. */
  readonly #hashed: Uint8Array;

  constructor(kind: ArrayKind, length: number) {
    assert(Number.isInteger(length) && length > 0 && length <= MAX_ARRAY_LENGTH, "array length");
    this.kind = kind;
    this.length = length;
    const count = (length + CHUNK_MASK) >>> CHUNK_SHIFT;
    this.#chunks = new Array<ArrayChunk>(count).fill(ZEROS);
    this.#owned = new Uint32Array(count);
    this.#digests = new BigUint64Array(count);
    this.#hashed = new Uint8Array(count);
  }

  get(index: number): number {
    const chunk = this.#chunks[index >>> CHUNK_SHIFT]!;
    const within = index & CHUNK_MASK;
    return isRun(chunk) ? chunk.first + within * chunk.step : chunk[within]!;
  }

  set(index: number, value: number): void {
    const at = index >>> CHUNK_SHIFT;
    const chunk = this.#chunks[at]!;
    const within = index & CHUNK_MASK;
    if (isRun(chunk) && chunk.first + within * chunk.step === value) return;
    this.#dense(at)[within] = value;
  }

  /** Entries `from` up to, not including, `from + count` become `first`, `first + step`, ... */
  fill(from: number, count: number, first: number, step = 0): void {
    assert(from >= 0 && count >= 0 && from + count <= this.length, "a range of the array");
    for (let index = from; index < from + count;) {
      const at = index >>> CHUNK_SHIFT;
      const start = at << CHUNK_SHIFT;
      const end = Math.min(from + count, start + this.#sizeOf(at));
      const value = first + (index - from) * step;
      if (index === start && end === start + this.#sizeOf(at)) {
        this.#replace(at, value === 0 && step === 0 ? ZEROS : { first: value, step });
      } else {
        const dense = this.#dense(at);
        for (let each = index; each < end; each++) {
          dense[each & CHUNK_MASK] = value + (each - index) * step;
        }
      }
      index = end;
    }
  }

  /** The regular run that begins at `at` within its chunk, at most `most` entries. */
  runAt(at: number, most: number): NumberRun {
    const chunk = this.#chunks[at >>> CHUNK_SHIFT]!;
    const within = at & CHUNK_MASK;
    const limit = Math.min(most, this.length - at, CHUNK_ENTRIES - within);
    if (isRun(chunk)) {
      return { at, count: limit, first: chunk.first + within * chunk.step, step: chunk.step };
    }
    const first = chunk[within]!;
    if (limit === 1) return { at, count: 1, first, step: 0 };
    const step = chunk[within + 1]! - first;
    let count = 2;
    while (count < limit && chunk[within + count] === first + count * step) count++;
    return { at, count, first, step };
  }

  /** First index from `from` on, below `end`, that is not zero; -1: none. */
  nextNonZero(from: number, end: number = this.length): number {
    for (let index = from; index < end; index++) {
      const chunk = this.#chunks[index >>> CHUNK_SHIFT]!;
      if (chunk === ZEROS || (isRun(chunk) && chunk.first === 0 && chunk.step === 0)) {
        index |= CHUNK_MASK;
      } else if (this.get(index) !== 0) return index;
    }
    return -1;
  }

  /** Calls back with each index at which this and an image of the same length differ. */
  eachDifference(image: ArrayImage, differs: (index: number) => void): void {
    assert(image.length === this.length && image.kind === this.kind, "an image of equal shape");
    this.#chunks.forEach((chunk, at) => {
      const other = image.chunks[at]!;
      if (chunk === other) return;
      const start = at << CHUNK_SHIFT;
      for (let i = 0; i < this.#sizeOf(at); i++) {
        const mine = isRun(chunk) ? chunk.first + i * chunk.step : chunk[i];
        if (mine !== (isRun(other) ? other.first + i * other.step : other[i])) differs(start + i);
      }
    });
  }

  capture(): ArrayImage {
    this.#generation++;
    return { kind: this.kind, length: this.length, chunks: this.#chunks.slice() };
  }

  restore(image: ArrayImage): void {
    assert(image.length === this.length && image.kind === this.kind, "an image of equal shape");
    image.chunks.forEach((chunk, at) => {
      if (chunk === this.#chunks[at]) return;
      this.#chunks[at] = chunk;
      this.#hashed[at] = 0;
    });
    this.#generation++;
    this.version++;
  }

  digest(): bigint {
    for (let at = 0; at < this.#hashed.length; at++) {
      if (this.#hashed[at] === 0) this.#digests[at] = this.#hash(at);
    }
    this.#hashed.fill(1);
    const { buffer, byteLength } = this.#digests;
    return hash64(new Uint8Array(buffer, 0, byteLength), BigInt(this.length));
  }

  #sizeOf(at: number): number {
    return Math.min(CHUNK_ENTRIES, this.length - (at << CHUNK_SHIFT));
  }

  #replace(at: number, chunk: ArrayChunk): void {
    this.#chunks[at] = chunk;
    this.#owned[at] = this.#generation;
    this.#hashed[at] = 0;
    this.version++;
  }

  /** The chunk as a typed array that nobody shares. */
  #dense(at: number): DenseChunk {
    this.version++;
    const chunk = this.#chunks[at]!;
    if (!isRun(chunk) && this.#owned[at] === this.#generation) {
      this.#hashed[at] = 0;
      return chunk;
    }
    const dense = isRun(chunk) ? this.#expanded(at, chunk) : chunk.slice();
    this.#replace(at, dense);
    return dense;
  }

  #expanded(at: number, { first, step }: RunChunk): DenseChunk {
    const size = this.#sizeOf(at);
    const dense = this.kind === "f64" ? new Float64Array(size) : new Uint32Array(size);
    for (let i = 0; i < size; i++) dense[i] = first + i * step;
    return dense;
  }

  /** A dense chunk that has become a run is kept as one again: the form says nothing. */
  #hash(at: number): bigint {
    let chunk = this.#chunks[at]!;
    if (!isRun(chunk)) {
      const { count, first, step } = this.runAt(at << CHUNK_SHIFT, CHUNK_ENTRIES);
      if (count === chunk.length) chunk = this.#chunks[at] = { first, step };
    }
    if (!isRun(chunk)) {
      return hash64(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), 1n);
    }
    const size = this.#sizeOf(at);
    const step = size === 1 ? 0 : chunk.step;
    return hash64(new Uint8Array(Float64Array.of(size, chunk.first, step).buffer), 2n);
  }
}
