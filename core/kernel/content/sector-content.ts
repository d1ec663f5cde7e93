/**
 * The content of a disk, sector by sector, sparse: what a flat disk, a redo log, a cache or an image
 * of real bytes keeps. Up to 2^40 sectors; it costs memory by what was written, not by its size.
 *
 * Must hold: the same content, written in any order and in any pieces, has the same runs and the
 * same digest; an image or fork never changes when the store it was taken of does. Sectors that were
 * never written read as zeros but stay told apart from written zeros: a redo log needs to know.
 */
import { assert } from "../assert.ts";
import type { PlainObject } from "../plain.ts";
import { hash64 } from "../hash.ts";
import type { Store } from "../stores/store.ts";
import {
  ABSENT,
  CHUNK_SECTORS,
  Chunk,
  replaceRange,
  STAMP,
  wholeChunk,
  wholeStamp,
  writeBytes,
  ZERO,
  type Owner,
} from "./chunk.ts";
import {
  emptyRoot,
  ownLeaf,
  ownRoot,
  slotAllocated,
  slotIndex,
  treeDigest,
  type Inner,
  type Leaf,
} from "./chunk-tree.ts";
import { differingRanges, type Comparison } from "./compare.ts";
import { appendRange, SECTOR_BYTES, type ContentRun, type SectorRange } from "./content-run.ts";
import { decodeParts, encodeParts } from "./delta.ts";
import { expandRuns } from "./expand-sectors.ts";
import { recognise, viewOf } from "./expansion.ts";
import { readRuns } from "./read-runs.ts";
import { isStamp, STAMP_LIMIT } from "./stamp.ts";
import { walkRuns } from "./walk.ts";

export const MAX_SECTORS = 2 ** 40;

/** An immutable point in time of a store; costs nothing until the store goes on to change. */
export interface SectorImage {
  readonly sectors: number;
  readonly allocated: number;
  readonly root: Inner;
}

export class SectorContent implements Store<SectorImage> {
  /** Counts changes of any kind: for caches over the content, no state. */
  version = 0;
  #sectors: number;
  #allocated = 0;
  #owner: Owner = {};
  #root: Inner;

  /** A disk of `sectors` sectors of 512 bytes, none of them written. */
  constructor(sectors: number) {
    assertSize(sectors);
    this.#sectors = sectors;
    this.#root = emptyRoot(this.#owner, sectors);
  }

  /** Size in sectors. */
  get sectors(): number {
    return this.#sectors;
  }

  /** Sectors written and not discarded since. */
  get allocatedSectors(): number {
    return this.#allocated;
  }

  /** Writes `runs` one after the other from `sector` on. They need not be canonical. */
  write(sector: number, runs: readonly ContentRun[]): void {
    let at = sector;
    for (const run of runs) {
      if (run.kind === "zero") this.writeZeros(at, run.sectors);
      else if (run.kind === "stamp") this.writeStamps(at, run.sectors, run.stamp);
      else {
        assert(run.bytes.length === run.sectors * SECTOR_BYTES, "bytes do not fill their sectors");
        this.writeBytes(at, run.bytes);
      }
      at += run.sectors;
    }
  }

  /** Writes `stamp`, `stamp + 1`, ... to `sectors` sectors; stamp 0 writes zeros to all. */
  writeStamps(sector: number, sectors: number, stamp: number): void {
    if (stamp === 0) return this.writeZeros(sector, sectors);
    const fits = isStamp(stamp) && stamp <= STAMP_LIMIT - sectors; // a sum could round
    assert(fits, () => `stamps ${stamp} + ${sectors}`);
    this.#put(sector, sectors, STAMP, stamp);
  }

  /** Writes zeros: the sectors are allocated afterwards. */
  writeZeros(sector: number, sectors: number): void {
    this.#put(sector, sectors, ZERO, 0);
  }

  /**
   * Writes whole sectors of bytes; what is zeros or an expansion is kept as its stamp. With `adopt`
   * the store may refer to `bytes` instead of copying them: then nobody may change them any more.
   */
  writeBytes(sector: number, bytes: Uint8Array, adopt = false): void {
    assert(bytes.length % SECTOR_BYTES === 0, () => `${bytes.length} bytes are not whole sectors`);
    const sectors = bytes.length / SECTOR_BYTES;
    if (sectors > 0) this.#assertRange(sector, sectors);
    const view = viewOf(bytes);
    for (let from = 0; from < sectors;) {
      const stamp = recognise(view, from * SECTOR_BYTES);
      let to = from + 1;
      if (stamp === undefined) {
        while (to < sectors && recognise(view, to * SECTOR_BYTES) === undefined) to++;
        this.#putBytes(sector + from, to - from, bytes, from * SECTOR_BYTES, adopt);
      } else {
        const step = stamp === 0 ? 0 : 1;
        while (to < sectors && recognise(view, to * SECTOR_BYTES) === stamp + step * (to - from))
          to++;
        this.writeStamps(sector + from, to - from, stamp);
      }
      from = to;
    }
  }

  /** Makes sectors never written again. */
  discard(sector: number, sectors: number): void {
    for (const range of this.allocatedRuns(sector, sectors)) {
      this.#put(range.sector, range.sectors, ABSENT, 0);
    }
  }

  /** Content as canonical runs; sectors that were never written read as zeros. */
  read(sector: number, sectors: number): ContentRun[] {
    this.#assertRange(sector, sectors);
    return readRuns(this.#root, sector, sectors);
  }

  /** The bytes of a span, written to `out` from its start: stamps expanded, gaps as zeros. */
  readInto(sector: number, sectors: number, out: Uint8Array): void {
    expandRuns(this.read(sector, sectors), out);
  }

  /** The written sectors within a span (default: all), as ranges in order that do not touch. */
  allocatedRuns(sector = 0, sectors = this.#sectors - sector): SectorRange[] {
    this.#assertRange(sector, sectors);
    const ranges: SectorRange[] = [];
    walkRuns(this.#root, sector, sectors, (kind, start, length) => {
      if (kind !== ABSENT) appendRange(ranges, start, length);
    });
    return ranges;
  }

  /** Makes the disk larger, or smaller; what lies past the new end is discarded first. */
  resize(sectors: number): void {
    assertSize(sectors);
    if (sectors < this.#sectors) this.discard(sectors, this.#sectors - sectors);
    this.version++;
    this.#sectors = sectors;
    this.#root = ownRoot(this.#root, this.#owner, sectors);
    this.#root.digest = null;
  }

  /** Another store with the same content; both go on independently. */
  fork(): SectorContent {
    return SectorContent.of(this.capture());
  }

  /** A store that starts as `image`. */
  static of(image: SectorImage): SectorContent {
    const store = new SectorContent(image.sectors);
    store.restore(image);
    return store;
  }

  capture(): SectorImage {
    this.#owner = {};
    return { sectors: this.#sectors, allocated: this.#allocated, root: this.#root };
  }

  /** Nothing of an image is this store's to change: `capture` moved the owner on. */
  restore(image: SectorImage): void {
    this.version++;
    this.#sectors = image.sectors;
    this.#allocated = image.allocated;
    this.#root = image.root;
  }

  digest(): bigint {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(this.#sectors), true);
    view.setBigUint64(8, treeDigest(this.#root), true);
    return hash64(bytes);
  }

  /**
   * Ranges, within `span` (default: all), where the two hold different content, in order. Disks of
   * different size are compared up to the end of the smaller.
   */
  diffRanges(other: SectorContent, comparison: Comparison = {}): SectorRange[] {
    return differingRanges(this.#side(), other.#side(), comparison);
  }

  /** Whether both hold the same content within `span` (default: all; then also the same size). */
  equals(other: SectorContent, comparison: Comparison = {}): boolean {
    if (comparison.span === undefined && this.#sectors !== other.#sectors) return false;
    return this.diffRanges(other, comparison).length === 0;
  }

  encodeDelta(image: SectorImage, base: SectorImage | undefined): PlainObject {
    const from = base?.root ?? emptyRoot({}, image.sectors);
    return { sectors: image.sectors, parts: encodeParts(from, image.root, image.sectors) };
  }

  applyDelta(base: SectorImage | undefined, delta: PlainObject): SectorImage {
    const sectors = delta["sectors"];
    assert(typeof sectors === "number", "content delta: no size");
    assertSize(sectors);
    const store = base === undefined ? new SectorContent(sectors) : SectorContent.of(base);
    store.resize(sectors);
    decodeParts(delta["parts"], store);
    return store.capture();
  }

  #side(): Pick<SectorImage, "root" | "sectors"> {
    return { root: this.#root, sectors: this.#sectors };
  }

  #put(sector: number, sectors: number, kind: number, stamp: number): void {
    this.#assertRange(sector, sectors);
    this.version++;
    const past = sector + sectors;
    for (let at = sector; at < past;) {
      const index = Math.floor(at / CHUNK_SECTORS);
      const from = at - index * CHUNK_SECTORS;
      const to = Math.min(CHUNK_SECTORS, from + past - at);
      this.#putInChunk(index, from, to, kind, kind === STAMP ? stamp + at - sector : 0);
      at += to - from;
    }
  }

  #putInChunk(index: number, from: number, to: number, kind: number, stamp: number): void {
    const leaf = this.#ownLeaf(index);
    if (to - from === CHUNK_SECTORS) {
      const at = slotIndex(index);
      this.#allocated += (kind === ABSENT ? 0 : CHUNK_SECTORS) - slotAllocated(leaf.slots[at]);
      leaf.slots[at] = kind === ABSENT ? undefined : stamp;
      return;
    }
    const chunk = this.#ownChunk(leaf, slotIndex(index));
    this.#allocated += replaceRange(chunk, from, to, kind, stamp);
    if (chunk.count > 1) return;
    const whole = wholeStamp(chunk);
    if (chunk.count === 0) leaf.slots[slotIndex(index)] = undefined;
    else if (whole >= 0) leaf.slots[slotIndex(index)] = whole;
  }

  #putBytes(sector: number, sectors: number, bytes: Uint8Array, at: number, adopt: boolean): void {
    this.version++;
    for (let done = 0; done < sectors;) {
      const index = Math.floor((sector + done) / CHUNK_SECTORS);
      const from = sector + done - index * CHUNK_SECTORS;
      const to = Math.min(CHUNK_SECTORS, from + sectors - done);
      const chunk = this.#ownChunk(this.#ownLeaf(index), slotIndex(index));
      this.#allocated += writeBytes(chunk, from, to, bytes, at + done * SECTOR_BYTES, adopt);
      done += to - from;
    }
  }

  #ownLeaf(chunk: number): Leaf {
    if (this.#root.owner !== this.#owner) {
      this.#root = ownRoot(this.#root, this.#owner, this.#sectors);
    }
    return ownLeaf(this.#root, this.#owner, chunk);
  }

  /** The chunk in a slot, for this store to change. */
  #ownChunk(leaf: Leaf, at: number): Chunk {
    const slot = leaf.slots[at];
    if (slot instanceof Chunk) {
      if (slot.owner === this.#owner) return slot;
      const copy = slot.copyFor(this.#owner);
      leaf.slots[at] = copy;
      return copy;
    }
    const chunk = slot === undefined ? new Chunk(this.#owner) : wholeChunk(this.#owner, slot);
    leaf.slots[at] = chunk;
    return chunk;
  }

  #assertRange(sector: number, sectors: number): void {
    if (
      !Number.isSafeInteger(sector) ||
      !Number.isSafeInteger(sectors) ||
      sector < 0 ||
      sectors < 0 ||
      sector + sectors > this.#sectors
    ) {
      assert(false, `sectors ${sector} + ${sectors} outside of a disk of ${this.#sectors}`);
    }
  }
}

function assertSize(sectors: number): void {
  assert(
    Number.isSafeInteger(sectors) && sectors >= 0 && sectors <= MAX_SECTORS,
    () => `a disk of ${sectors} sectors; at most ${MAX_SECTORS}`,
  );
}
