/**
 * A table: rows of numbers kept as columns in typed arrays, for what is numerous or hot (timers,
 * streams, pages). Whoever changes a row calls `touch(row)`: the page of 256 rows is then hashed and
 * copied again at the next digest and snapshot. An optional plain column carries message payloads.
 */
import { assert } from "../assert.ts";
import { canonicalHash } from "../canonical.ts";
import { hash64 } from "../hash.ts";
import type { Plain, PlainObject } from "../plain.ts";
import type { Store } from "./store.ts";

export type ColumnType = "f64" | "u32" | "i32";
export type Columns = { readonly [name: string]: ColumnType };

interface ArrayOf {
  f64: Float64Array;
  u32: Uint32Array;
  i32: Int32Array;
}

export type ColumnArrays<C extends Columns> = { [K in keyof C]: ArrayOf[C[K]] };

export interface TablePage {
  readonly bytes: Uint8Array;
  /** Row by row, each in an array of its own (it may be null); null where there is nothing. */
  readonly plain: readonly (readonly [Plain] | null)[] | undefined;
}

export interface TableImage {
  readonly used: number;
  readonly pages: readonly TablePage[];
}

const PAGE_SHIFT = 8;
const PAGE_ROWS = 1 << PAGE_SHIFT;
const MAX_ROWS = 1 << 22;
const UNHASHED = 1;
const UNCAPTURED = 2;
const WIDTH = { f64: 8, u32: 4, i32: 4 } as const;
const MAKE = {
  f64: (rows: number) => new Float64Array(rows),
  u32: (rows: number) => new Uint32Array(rows),
  i32: (rows: number) => new Int32Array(rows),
} as const;

export class Table<C extends Columns> implements Store<TableImage> {
  /** Re-read after `ensure`: growing replaces the arrays. */
  columns: ColumnArrays<C>;
  /** Present when the table was made with a plain column; undefined where a row carries nothing. */
  readonly payloads: (Plain | undefined)[] | undefined;
  /** Rows in use or once used: the high-water mark. */
  used = 0;
  dirty: Uint8Array;

  readonly #types: readonly (readonly [keyof C & string, ColumnType])[];
  readonly #pageBytes: number;
  readonly #scratch: Uint8Array;
  #capacity = PAGE_ROWS;
  #pages: TablePage[] = [];
  #digests = new BigUint64Array(1);

  constructor(columns: C, withPayloads = false) {
    this.#types = Object.entries(columns);
    let rowBytes = 0;
    for (const [, type] of this.#types) rowBytes += WIDTH[type];
    this.#pageBytes = rowBytes * PAGE_ROWS;
    this.#scratch = new Uint8Array(this.#pageBytes);
    this.columns = this.#allocate(PAGE_ROWS);
    this.payloads = withPayloads ? [] : undefined;
    this.dirty = new Uint8Array(1);
  }

  /** Makes rows below `rows` addressable. */
  ensure(rows: number): void {
    if (rows <= this.#capacity) return;
    assert(rows <= MAX_ROWS, () => `table of ${rows} rows; at most ${MAX_ROWS}`);
    let capacity = this.#capacity;
    while (capacity < rows) capacity *= 2;
    const grown = this.#allocate(capacity);
    for (const [name] of this.#types) grown[name].set(this.columns[name]);
    this.columns = grown;
    this.#capacity = capacity;
    const pages = capacity >> PAGE_SHIFT;
    const dirty = new Uint8Array(pages);
    dirty.set(this.dirty);
    this.dirty = dirty;
    const digests = new BigUint64Array(pages);
    digests.set(this.#digests);
    this.#digests = digests;
  }

  touch(row: number): void {
    this.dirty[row >> PAGE_SHIFT] = UNHASHED | UNCAPTURED;
  }

  capture(): TableImage {
    const count = this.#pageCount();
    const pages = this.#pages.slice(0, count);
    for (let page = 0; page < count; page++) {
      const flags = this.dirty[page]!;
      if (pages[page] !== undefined && (flags & UNCAPTURED) === 0) continue;
      const bytes = new Uint8Array(this.#pageBytes);
      this.#gather(page, bytes);
      pages[page] = { bytes, plain: this.#gatherPlain(page) };
      this.dirty[page] = flags & ~UNCAPTURED;
    }
    this.#pages = pages;
    return { used: this.used, pages };
  }

  restore(image: TableImage): void {
    this.ensure(image.used);
    const before = this.#pageCount();
    for (let page = 0; page < image.pages.length; page++) {
      const flags = this.dirty[page]!;
      if (this.#pages[page] === image.pages[page] && (flags & UNCAPTURED) === 0) continue;
      this.#scatter(page, image.pages[page]!);
      this.dirty[page] = UNHASHED;
    }
    this.#pages = image.pages.slice();
    this.used = image.used;
    if (this.payloads) this.payloads.length = Math.min(this.payloads.length, image.used);
    for (let page = image.pages.length; page < before; page++) {
      this.#scatter(page, { bytes: new Uint8Array(this.#pageBytes), plain: undefined });
      this.dirty[page] = UNHASHED | UNCAPTURED;
    }
  }

  digest(): bigint {
    const count = this.#pageCount();
    for (let page = 0; page < count; page++) {
      const flags = this.dirty[page]!;
      if ((flags & UNHASHED) === 0 && this.#digests[page] !== 0n) continue;
      this.#digests[page] = this.#digestPage(page);
      this.dirty[page] = flags & ~UNHASHED;
    }
    const digests = new Uint8Array(this.#digests.buffer, 0, count * 8);
    return hash64(digests, BigInt(this.used));
  }

  encodeDelta(image: TableImage, base: TableImage | undefined): PlainObject {
    const indexes: number[] = [];
    const bytes: Uint8Array[] = [];
    const plain: Plain[] = [];
    for (let page = 0; page < image.pages.length; page++) {
      const current = image.pages[page]!;
      if (base?.pages[page] === current) continue;
      indexes.push(page);
      bytes.push(current.bytes);
      plain.push(current.plain ?? null);
    }
    return { used: image.used, indexes, bytes, plain };
  }

  applyDelta(base: TableImage | undefined, delta: PlainObject): TableImage {
    const used = delta["used"] as number;
    assert(Number.isInteger(used) && used >= 0 && used <= MAX_ROWS, "table delta: bad row count");
    const count = (used + PAGE_ROWS - 1) >> PAGE_SHIFT;
    const pages = (base?.pages ?? []).slice(0, count);
    const indexes = delta["indexes"] as readonly number[];
    const bytes = delta["bytes"] as readonly Uint8Array[];
    const plain = delta["plain"] as readonly (NonNullable<TablePage["plain"]> | null)[];
    indexes.forEach((page, i) => {
      const content = bytes[i];
      assert(page >= 0 && page < count, "table delta: page out of range");
      assert(content?.length === this.#pageBytes, "table delta: page of a wrong size");
      pages[page] = { bytes: content, plain: plain[i] ?? undefined };
    });
    for (let page = 0; page < count; page++) assert(pages[page], "table delta: page missing");
    return { used, pages };
  }

  #pageCount(): number {
    return (this.used + PAGE_ROWS - 1) >> PAGE_SHIFT;
  }

  #allocate(rows: number): ColumnArrays<C> {
    const columns: Record<string, Float64Array | Uint32Array | Int32Array> = {};
    for (const [name, type] of this.#types) columns[name] = MAKE[type](rows);
    return columns as ColumnArrays<C>;
  }

  #digestPage(page: number): bigint {
    this.#gather(page, this.#scratch);
    const columns = hash64(this.#scratch);
    const plain = this.#gatherPlain(page);
    if (plain === undefined) return columns;
    return canonicalHash(plain, columns).hash;
  }

  #gather(page: number, into: Uint8Array): void {
    let at = 0;
    for (const [name, type] of this.#types) {
      const length = PAGE_ROWS * WIDTH[type];
      const column = this.columns[name];
      into.set(new Uint8Array(column.buffer, page * length, length), at);
      at += length;
    }
  }

  #scatter(page: number, content: TablePage): void {
    let at = 0;
    for (const [name, type] of this.#types) {
      const length = PAGE_ROWS * WIDTH[type];
      const column = this.columns[name];
      const part = content.bytes.subarray(at, at + length);
      new Uint8Array(column.buffer, page * length, length).set(part);
      at += length;
    }
    if (!this.payloads) return;
    for (let row = 0; row < PAGE_ROWS; row++) {
      this.payloads[page * PAGE_ROWS + row] = content.plain?.[row]?.[0];
    }
  }

  /** The payloads of a page, or undefined when no row of it carries one. */
  #gatherPlain(page: number): TablePage["plain"] {
    const payloads = this.payloads;
    if (!payloads) return undefined;
    const start = page * PAGE_ROWS;
    let rows: (readonly [Plain] | null)[] | undefined;
    for (let row = 0; row < PAGE_ROWS; row++) {
      const payload = payloads[start + row];
      if (payload === undefined) continue;
      rows ??= Array.from({ length: PAGE_ROWS }, () => null);
      rows[row] = [payload];
    }
    return rows;
  }
}
