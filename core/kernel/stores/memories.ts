/**
 * The memories of a world's real guests by name (`entity#label`). Images share the pages that did not
 * change, and pages of equal content; a difference holds each content once, by its hash.
 *
 * While a run is recorded the pages go to the trace as they are captured, and none stays in memory;
 * while one is replayed they are fetched from there. What a file given to the world holds is neither.
 */
import { assert } from "../assert.ts";
import { hash64 } from "../hash.ts";
import type { PlainObject } from "../plain.ts";
import {
  changedPages,
  keepCopy,
  MEMORY_PAGE_BYTES,
  type MemoryPage,
  type PageBacking,
  type PageChunk,
  PagedMemory,
  type PageTaker,
  withPages,
  ZERO_PAGE,
  zeroChunks,
} from "./paged-memory.ts";
import type { Store } from "./store.ts";

/** What a memory is, as plain data: enough to make its backing anew. */
export type MemoryShape = PlainObject & { readonly pages: number };

/** Makes what holds the bytes of a memory, all zeros. */
export type MakeBacking = (shape: MemoryShape) => PageBacking;

interface MemoryImage {
  readonly shape: MemoryShape;
  readonly chunks: readonly PageChunk[];
}

export type MemoriesImage = ReadonlyMap<string, MemoryImage>;

/** Takes the content of a captured page; `bytes` are to be read at once. */
export type PageSink = (hash: bigint, bytes: Uint8Array) => void;

/** A page by the hash of its content. */
export type PageSource = (hash: bigint) => Uint8Array | undefined;

export class Memories implements Store<MemoriesImage> {
  /** Given when the world is built. */
  makeBacking: MakeBacking | undefined;
  /** The pages that memories refer to (`PagedMemory.refer`). Given when the world is built. */
  pagesOfFiles: PageSource | undefined;
  readonly #memories = new Map<string, { shape: MemoryShape; memory: PagedMemory }>();
  #sink: PageSink | undefined;
  #source: PageSource | undefined;

  get size(): number {
    return this.#memories.size;
  }

  /** Captured pages go to `sink`, and differences do not hold them. For whoever records. */
  sendPagesTo(sink: PageSink): void {
    this.#sink = sink;
  }

  /** Pages of decoded images come from `source`. For whoever replays. */
  fetchPagesFrom(source: PageSource): void {
    this.#source = source;
  }

  /** A new memory of zeros. */
  create(name: string, shape: MemoryShape): PagedMemory {
    assert(!this.#memories.has(name), () => `two memories named ${name}`);
    assert(this.makeBacking, "this world has no real guests");
    const memory = new PagedMemory(shape.pages, this.makeBacking(shape));
    this.#memories.set(name, { shape, memory });
    return memory;
  }

  get(name: string): PagedMemory | undefined {
    return this.#memories.get(name)?.memory;
  }

  /** Another entity owns it from now on. */
  rename(from: string, to: string): void {
    const moved = this.#memories.get(from);
    assert(moved && !this.#memories.has(to), () => `no memory ${from}, or one ${to} already`);
    this.#memories.delete(from);
    this.#memories.set(to, moved);
  }

  /** Removes what an entity owned. */
  removeOwned(entity: string): void {
    for (const name of this.#memories.keys()) {
      if (ownerOf(name) === entity) this.#memories.delete(name);
    }
  }

  namesOf(entity: string): string[] {
    return [...this.#memories.keys()].filter((name) => ownerOf(name) === entity).sort();
  }

  /** Hash of what an entity owns; 0 when it owns none. */
  digestOf(entity: string): bigint {
    let digest = 0n;
    for (const name of this.namesOf(entity)) {
      const named = hash64(new TextEncoder().encode(name), digest);
      digest = hash64(word(this.#memories.get(name)!.memory.digest()), named);
    }
    return digest;
  }

  digest(): bigint {
    const owners = new Set([...this.#memories.keys()].sort().map(ownerOf));
    let digest = 0n;
    for (const owner of owners) digest = hash64(word(this.digestOf(owner)), digest);
    return digest;
  }

  capture(): MemoriesImage {
    const image = new Map<string, MemoryImage>();
    const sink = this.#sink;
    const take: PageTaker =
      sink === undefined ? keepCopy : ({ hash }, bytes): void => sink(hash, bytes);
    for (const [name, { shape, memory }] of this.#memories) {
      image.set(name, { shape, chunks: memory.capture(take) });
    }
    return image;
  }

  restore(image: MemoriesImage): void {
    for (const name of this.#memories.keys()) {
      const wanted = image.get(name);
      const isSame = wanted && sameShape(wanted.shape, this.#memories.get(name)!.shape);
      if (!isSame) this.#memories.delete(name);
    }
    for (const [name, { shape, chunks }] of image) {
      const memory = this.get(name) ?? this.create(name, shape);
      memory.restore(chunks, (page) => this.bytesOf(page));
    }
  }

  /** Bytes of a captured page. */
  bytesOf(page: MemoryPage): Uint8Array {
    if (page.bytes !== null) return page.bytes;
    const bytes = this.#source?.(page.hash) ?? this.pagesOfFiles?.(page.hash);
    assert(bytes, () => `no content with hash ${page.hash.toString(16)} to restore`);
    assert(
      bytes.length === MEMORY_PAGE_BYTES && hash64(bytes) === page.hash,
      "a page of memory is not what its hash says",
    );
    return bytes;
  }

  encodeDelta(image: MemoriesImage, base: MemoriesImage | undefined): PlainObject {
    const memories: PlainObject[] = [];
    const isCarried = this.#sink === undefined;
    const contents = new Map<bigint, MemoryPage>();
    for (const [name, { shape, chunks }] of image) {
      const old = base?.get(name);
      const isSame = old !== undefined && sameShape(old.shape, shape);
      const changed = changedPages(isSame ? old.chunks : zeroChunks(shape.pages), chunks);
      if (isSame && changed.length === 0) continue;
      if (isCarried) for (const [, page] of changed) contents.set(page.hash, page);
      const numbers = new Uint32Array(changed.length);
      const digests = new BigUint64Array(changed.length);
      for (let i = 0; i < changed.length; i++) {
        const [page, { hash }] = changed[i]!;
        numbers[i] = page;
        digests[i] = hash;
      }
      const [pages, hashes] = [bytesOfWords(numbers), bytesOfWords(digests)];
      memories.push({ name, shape, isNew: !isSame, pages, hashes });
    }
    const removed = [...(base?.keys() ?? [])].filter((name) => !image.has(name));
    return { memories, removed, contents: this.#joined([...contents.values()]) };
  }

  applyDelta(base: MemoriesImage | undefined, delta: PlainObject): MemoriesImage {
    const image = new Map(base ?? []);
    for (const name of delta["removed"] as readonly string[]) image.delete(name);
    const contents = contentsOf(delta["contents"]);
    for (const each of delta["memories"] as readonly PlainObject[]) {
      const { name, shape, isNew } = each as { name: string; shape: MemoryShape; isNew: boolean };
      assert(typeof name === "string" && name.includes("#"), "memories delta: bad name");
      const { pages: count } = shape;
      assert(Number.isInteger(count) && count > 0 && count <= 1 << 20, "memories delta: bad size");
      const old = isNew ? undefined : base?.get(name);
      assert(isNew || old !== undefined, "memories delta: a difference to nothing");
      const pages = words(each["pages"], Uint32Array);
      const hashes = words(each["hashes"], BigUint64Array);
      assert(pages.length === hashes.length, "memories delta: pages without hashes");
      const changed = Array.from(pages, (page, i) => {
        assert(page < count, "memories delta: page out of range");
        return [page, contents(hashes[i]!)] as const;
      });
      const chunks = withPages(old?.chunks ?? zeroChunks(count), changed);
      image.set(name, { shape, chunks });
    }
    return image;
  }

  #joined(pages: readonly MemoryPage[]): Uint8Array {
    const joined = new Uint8Array(pages.length * MEMORY_PAGE_BYTES);
    pages.forEach((page, i) => joined.set(this.bytesOf(page), i * MEMORY_PAGE_BYTES));
    return joined;
  }
}

/** Page objects by hash, one for each content. */
function contentsOf(joined: unknown): (hash: bigint) => MemoryPage {
  assert(joined instanceof Uint8Array && joined.length % MEMORY_PAGE_BYTES === 0, "bad contents");
  const known = new Map<bigint, MemoryPage>([[ZERO_PAGE.hash, ZERO_PAGE]]);
  for (let at = 0; at < joined.length; at += MEMORY_PAGE_BYTES) {
    const bytes = joined.slice(at, at + MEMORY_PAGE_BYTES);
    const hash = hash64(bytes);
    known.set(hash, { hash, bytes });
  }
  return (hash) => {
    const page = known.get(hash) ?? { hash, bytes: null };
    known.set(hash, page);
    return page;
  };
}

const word = (value: bigint): Uint8Array => bytesOfWords(BigUint64Array.of(value));

const bytesOfWords = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength) as Uint8Array;

function words<A>(
  bytes: unknown,
  kind: { new (buffer: ArrayBufferLike): A; BYTES_PER_ELEMENT: number },
): A {
  assert(bytes instanceof Uint8Array, "memories delta: bytes expected");
  assert(bytes.length % kind.BYTES_PER_ELEMENT === 0, "memories delta: cut in the middle");
  return new kind(bytes.slice().buffer);
}

const sameShape = (a: MemoryShape, b: MemoryShape): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

const ownerOf = (name: string): string => name.slice(0, name.lastIndexOf("#"));
