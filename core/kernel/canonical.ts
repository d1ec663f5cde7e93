/**
 * Canonical bytes of plain data, the input of every leaf hash. Equal data has equal bytes: members
 * in sorted order, `undefined` members left out, -0 as 0, numbers as 8 little-endian bytes, every
 * part preceded by a tag and, where it can vary, its length.
 */
import { AssertionError } from "./assert.ts";
import { hash64 } from "./hash.ts";

const TAG = { null: 0, false: 1, true: 2, number: 3, string: 4, bytes: 5, array: 6, object: 7 };

const encoder = new TextEncoder();

/** Collects canonical bytes; reused, because a run hashes millions of small records. */
export class CanonicalWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** Room for so many bytes to begin with. */
  constructor(bytes = 4_096) {
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  reset(): void {
    this.#length = 0;
  }

  /** The bytes written since `reset`; valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        return this.#number(value);
      case "string":
        return this.#string(value);
      case "boolean":
        return this.#tag(value ? TAG.true : TAG.false);
      case "object":
        return this.#composite(value);
      default:
        throw new AssertionError(`not plain data: ${typeof value}`);
    }
  }

  #composite(value: object | null): void {
    if (value === null) return this.#tag(TAG.null);
    if (value instanceof Uint8Array) return this.#byteArray(value);
    if (Array.isArray(value)) {
      this.#tag(TAG.array);
      this.#u32(value.length);
      for (const element of value as unknown[]) this.value(element ?? null);
      return;
    }
    this.#object(value as Record<string, unknown>);
  }

  #object(value: Record<string, unknown>): void {
    const keys: string[] = [];
    for (const key in value) if (value[key] !== undefined) keys.push(key);
    if (keys.length > FEW) keys.sort();
    else sortFew(keys);
    this.#tag(TAG.object);
    this.#u32(keys.length);
    for (const key of keys) {
      this.#string(key);
      this.value(value[key]);
    }
  }

  #number(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#length] = TAG.number;
    this.#view.setFloat64(this.#length + 1, value === 0 ? 0 : value, true);
    this.#length += 9;
  }

  #string(value: string): void {
    this.#reserve(5 + value.length * 3);
    this.#bytes[this.#length] = TAG.string;
    const start = this.#length + 5;
    const written = this.#writeText(value, start);
    this.#view.setUint32(this.#length + 1, written, true);
    this.#length = start + written;
  }

  /** Names are short ASCII: writing them here is several times faster than a TextEncoder call. */
  #writeText(value: string, start: number): number {
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return encoder.encodeInto(value, this.#bytes.subarray(start)).written;
      this.#bytes[start + i] = code;
    }
    return value.length;
  }

  #byteArray(value: Uint8Array): void {
    this.#tag(TAG.bytes);
    this.#u32(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #tag(tag: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = tag;
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Up to so many names an insertion sort is faster than the library's. */
const FEW = 16;

/** In the order of `Array.sort`: by UTF-16 units. */
function sortFew(names: string[]): void {
  for (let i = 1; i < names.length; i++) {
    const name = names[i]!;
    let at = i;
    for (; at > 0 && names[at - 1]! > name; at--) names[at] = names[at - 1]!;
    names[at] = name;
  }
}

/** Canonical bytes of one value. */
export function canonicalBytes(value: unknown): Uint8Array {
  const writer = new CanonicalWriter(256);
  writer.value(value);
  return writer.bytes();
}

/** Scratch: carries nothing from one call to the next. */
const scratch = new CanonicalWriter();

/** Hash of the canonical bytes of one value, and how many those are. */
export function canonicalHash(value: unknown, seed = 0n): { hash: bigint; bytes: number } {
  scratch.reset();
  scratch.value(value);
  const bytes = scratch.bytes();
  return { hash: hash64(bytes, seed), bytes: bytes.length };
}
