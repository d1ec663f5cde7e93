/**
 * Records: plain objects under dense integer ids, changed through `edit` and never in place. The
 * first edit after a snapshot copies the record; later ones work on that copy, so a handler pays for
 * the copy once per snapshot, not once per event.
 */
import { assert } from "../assert.ts";
import { canonicalHash } from "../canonical.ts";
import { hash64 } from "../hash.ts";
import { clonePlain, type Plain, type PlainObject } from "../plain.ts";
import type { Store } from "./store.ts";

type RecordPage = readonly (PlainObject | undefined)[];

export interface RecordsImage {
  readonly used: number;
  readonly pages: readonly RecordPage[];
}

const PAGE_SHIFT = 6;
const PAGE_RECORDS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_RECORDS - 1;
const MAX_RECORDS = 1 << 26;

/** A record of an image. */
export const recordInImage = (image: RecordsImage, id: number): PlainObject | undefined =>
  image.pages[id >> PAGE_SHIFT]?.[id & PAGE_MASK];

export class Records implements Store<RecordsImage> {
  /** Ids below this were given out at some time. */
  used = 0;
  #pages: (PlainObject | undefined)[][] = [];
  /** Generation in which a page, or a record, was copied for the live side. */
  #pageOwned: number[] = [];
  #recordOwned: number[] = [];
  #generation = 1;
  #digests = new BigUint64Array(PAGE_RECORDS);
  /** 1 where the digest of an id is not that of its record. */
  #unhashed = new Uint8Array(PAGE_RECORDS);

  get(id: number): PlainObject | undefined {
    return this.#pages[id >> PAGE_SHIFT]?.[id & PAGE_MASK];
  }

  set(id: number, record: PlainObject | undefined): void {
    assert(Number.isInteger(id) && id >= 0 && id < MAX_RECORDS, () => `record id ${id}`);
    if (id >= this.used) this.#grow(id + 1);
    this.#ownPage(id >> PAGE_SHIFT)[id & PAGE_MASK] = record;
    // Not ours to change in place: parts of it may belong to a configuration or a definition.
    this.#recordOwned[id] = 0;
    this.#unhashed[id] = 1;
  }

  /** The record, ready to be changed until the event ends. It must exist. */
  edit(id: number): PlainObject {
    const page = this.#pages[id >> PAGE_SHIFT]!;
    let record = page[id & PAGE_MASK];
    assert(record !== undefined, () => `edit of record ${id}, which does not exist`);
    this.#unhashed[id] = 1;
    if (this.#recordOwned[id] === this.#generation) return record;
    record = clonePlain(record);
    this.#ownPage(id >> PAGE_SHIFT)[id & PAGE_MASK] = record;
    this.#recordOwned[id] = this.#generation;
    return record;
  }

  /** Hash of one record; 0 where there is none. */
  digestOf(id: number): bigint {
    if (this.#unhashed[id] === 1) this.#rehash(id);
    return this.#digests[id] ?? 0n;
  }

  /** The digests of all ids below `used`, as bytes; valid until the next change. */
  digests(): BigUint64Array {
    for (let id = 0; id < this.used; id++) if (this.#unhashed[id] === 1) this.#rehash(id);
    return this.#digests.subarray(0, this.used);
  }

  /** Ids of records that are not what they were when last hashed, though nobody edited them since. */
  changedInPlace(): readonly number[] {
    const changed: number[] = [];
    for (let id = 0; id < this.used; id++) {
      if (this.#unhashed[id] === 0 && this.#digests[id] !== this.#hash(id)) changed.push(id);
    }
    return changed;
  }

  digest(): bigint {
    const digests = this.digests();
    return hash64(new Uint8Array(digests.buffer, 0, digests.byteLength));
  }

  capture(): RecordsImage {
    this.#generation++;
    return { used: this.used, pages: this.#pages.slice() };
  }

  restore(image: RecordsImage): void {
    const before = this.#pages;
    const pages = image.pages as (PlainObject | undefined)[][];
    if (image.used > this.used) this.#grow(image.used);
    for (let page = 0; page < Math.max(before.length, pages.length); page++) {
      if (before[page] !== pages[page]) this.#markChanged(page, before[page], pages[page]);
    }
    this.#pages = pages.slice();
    this.used = image.used;
    this.#generation++;
  }

  encodeDelta(image: RecordsImage, base: RecordsImage | undefined): PlainObject {
    const ids: number[] = [];
    const values: Plain[] = [];
    for (let page = 0; page < image.pages.length; page++) {
      const current = image.pages[page]!;
      const old = base?.pages[page];
      if (current === old) continue;
      for (let i = 0; i < PAGE_RECORDS; i++) {
        if (current[i] === old?.[i]) continue;
        ids.push((page << PAGE_SHIFT) | i);
        values.push(current[i] ?? null);
      }
    }
    return { used: image.used, ids, values };
  }

  applyDelta(base: RecordsImage | undefined, delta: PlainObject): RecordsImage {
    const used = delta["used"] as number;
    assert(Number.isInteger(used) && used >= 0 && used <= MAX_RECORDS, "records delta: bad count");
    const pageCount = (used + PAGE_MASK) >> PAGE_SHIFT;
    const pages = (base?.pages ?? []).slice(0, pageCount) as (PlainObject | undefined)[][];
    const fresh = new Set<number>();
    while (pages.length < pageCount) fresh.add(pages.push([]) - 1);
    const values = delta["values"] as readonly (PlainObject | null)[];
    (delta["ids"] as readonly number[]).forEach((id, i) => {
      assert(Number.isInteger(id) && id >= 0 && id < used, "records delta: id out of range");
      const page = id >> PAGE_SHIFT;
      if (!fresh.has(page)) pages[page] = pages[page]!.slice();
      fresh.add(page);
      pages[page]![id & PAGE_MASK] = values[i] ?? undefined;
    });
    return { used, pages };
  }

  #markChanged(page: number, before: RecordPage | undefined, after: RecordPage | undefined): void {
    for (let i = 0; i < PAGE_RECORDS; i++) {
      if (before?.[i] === after?.[i]) continue;
      this.#unhashed[(page << PAGE_SHIFT) | i] = 1;
    }
  }

  #ownPage(page: number): (PlainObject | undefined)[] {
    if (this.#pageOwned[page] === this.#generation) return this.#pages[page]!;
    const copy = this.#pages[page]?.slice() ?? [];
    this.#pages[page] = copy;
    this.#pageOwned[page] = this.#generation;
    return copy;
  }

  #grow(used: number): void {
    for (let page = this.#pages.length; page << PAGE_SHIFT < used; page++) {
      this.#pages[page] = [];
      this.#pageOwned[page] = this.#generation;
    }
    if (used > this.#digests.length) {
      const grown = new BigUint64Array(Math.max(used, this.#digests.length * 2));
      grown.set(this.#digests);
      this.#digests = grown;
      const unhashed = new Uint8Array(grown.length);
      unhashed.set(this.#unhashed);
      this.#unhashed = unhashed;
    }
    this.used = used;
  }

  #rehash(id: number): void {
    this.#digests[id] = this.#hash(id);
    this.#unhashed[id] = 0;
  }

  #hash(id: number): bigint {
    const record = this.get(id);
    if (record === undefined) return 0n;
    return canonicalHash(record).hash;
  }
}
