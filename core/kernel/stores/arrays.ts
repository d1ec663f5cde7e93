/**
 * All number arrays of a world by name (`entity#label`): memory of modelled guests, bitmaps over the
 * pages of any guest. Which there are is state like what they hold.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";
import type { Plain, PlainObject } from "../plain.ts";
import {
  type ArrayChunk,
  type ArrayImage,
  type ArrayKind,
  CHUNK_ENTRIES,
  isRun,
  MAX_ARRAY_LENGTH,
  NumberArray,
} from "./number-array.ts";
import type { Store } from "./store.ts";

export type ArraysImage = ReadonlyMap<string, ArrayImage>;

export class Arrays implements Store<ArraysImage> {
  readonly #arrays = new Map<string, NumberArray>();

  get size(): number {
    return this.#arrays.size;
  }

  /** The array of this name; of zeros when there was none. */
  open(name: string, kind: ArrayKind, length: number): NumberArray {
    const known = this.#arrays.get(name);
    if (known !== undefined) {
      assert(known.kind === kind && known.length === length, () => `${name} has another shape`);
      return known;
    }
    const array = new NumberArray(kind, length);
    this.#arrays.set(name, array);
    return array;
  }

  get(name: string): NumberArray | undefined {
    return this.#arrays.get(name);
  }

  remove(name: string): void {
    this.#arrays.delete(name);
  }

  /** Removes what an entity owned. */
  removeOwned(entity: string): void {
    for (const name of this.#arrays.keys()) if (ownerOf(name) === entity) this.remove(name);
  }

  namesOf(entity: string): string[] {
    return [...this.#arrays.keys()].filter((name) => ownerOf(name) === entity).sort();
  }

  /** Hash of what an entity owns; 0 when it owns none. */
  digestOf(entity: string): bigint {
    return this.#digest(this.namesOf(entity));
  }

  digest(): bigint {
    return this.#digest([...this.#arrays.keys()].sort());
  }

  #digest(names: readonly string[]): bigint {
    let digest = 0n;
    for (const name of names) {
      const named = hash64(new TextEncoder().encode(name), digest);
      const own = this.#arrays.get(name)!.digest();
      digest = hash64(new Uint8Array(BigUint64Array.of(own).buffer), named);
    }
    return digest;
  }

  capture(): ArraysImage {
    const image = new Map<string, ArrayImage>();
    for (const [name, array] of this.#arrays) image.set(name, array.capture());
    return image;
  }

  restore(image: ArraysImage): void {
    for (const [name, array] of this.#arrays) {
      const wanted = image.get(name);
      const isSame = wanted?.kind === array.kind && wanted.length === array.length;
      if (!isSame) this.remove(name);
    }
    for (const [name, each] of image) this.open(name, each.kind, each.length).restore(each);
  }

  encodeDelta(image: ArraysImage, base: ArraysImage | undefined): PlainObject {
    const arrays: PlainObject[] = [];
    for (const [name, { kind, length, chunks }] of image) {
      const before = base?.get(name);
      const old = before?.kind === kind && before.length === length ? before : undefined;
      const indexes: number[] = [];
      const contents: Plain[] = [];
      chunks.forEach((chunk, at) => {
        const known = old === undefined ? isZeros(chunk) : old.chunks[at] === chunk;
        if (known) return;
        indexes.push(at);
        contents.push(isRun(chunk) ? [chunk.first, chunk.step] : bytesOf(chunk));
      });
      if (old !== undefined && indexes.length === 0) continue;
      arrays.push({ name, kind, length, isNew: old === undefined, indexes, contents });
    }
    const removed = [...(base?.keys() ?? [])].filter((name) => !image.has(name));
    return { arrays, removed };
  }

  applyDelta(base: ArraysImage | undefined, delta: PlainObject): ArraysImage {
    const image = new Map(base ?? []);
    for (const name of delta["removed"] as readonly string[]) image.delete(name);
    for (const each of delta["arrays"] as readonly PlainObject[]) {
      const { name, kind, length, isNew } = each as unknown as {
        name: string;
        kind: ArrayKind;
        length: number;
        isNew: boolean;
      };
      assert(typeof name === "string" && name.includes("#"), "arrays delta: bad name");
      assert(kind === "f64" || kind === "u32", "arrays delta: bad kind");
      const isLength = Number.isInteger(length) && length > 0 && length <= MAX_ARRAY_LENGTH;
      assert(isLength, "arrays delta: bad length");
      const old = isNew ? new NumberArray(kind, length).capture() : base?.get(name);
      assert(old !== undefined && old.length === length, "arrays delta: a difference to nothing");
      const chunks = [...old.chunks];
      const contents = each["contents"] as readonly Plain[];
      (each["indexes"] as readonly number[]).forEach((at, i) => {
        assert(Number.isInteger(at) && at >= 0 && at < chunks.length, "arrays delta: out of range");
        chunks[at] = chunkOf(
          kind,
          Math.min(CHUNK_ENTRIES, length - at * CHUNK_ENTRIES),
          contents[i],
        );
      });
      image.set(name, { kind, length, chunks });
    }
    return image;
  }
}

const isZeros = (chunk: ArrayChunk): boolean =>
  isRun(chunk) && chunk.first === 0 && chunk.step === 0;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice();

function chunkOf(kind: ArrayKind, size: number, content: Plain | undefined): ArrayChunk {
  if (content instanceof Uint8Array) {
    const { buffer } = content.slice();
    const width = kind === "f64" ? 8 : 4;
    assert(buffer.byteLength === size * width, "arrays delta: chunk of a wrong size");
    return kind === "f64" ? new Float64Array(buffer) : new Uint32Array(buffer);
  }
  const [first, step] = (content ?? []) as readonly number[];
  assert(Number.isFinite(first) && Number.isFinite(step), "arrays delta: bad run");
  return { first: first!, step: step! };
}

const ownerOf = (name: string): string => name.slice(0, name.lastIndexOf("#"));
