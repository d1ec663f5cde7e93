/**
 * A storage block: what is written and read at once (US 9,053,064). It holds several blocks of
 * consecutive pages, compressed, behind an index that says what of each is where.
 *
 * Must hold: reading gives back what was written or a problem, whatever is on the medium: the index
 * has its checksum in the file's map, bytes have theirs in the index, and a stamp is its own.
 * A block that does not become smaller is kept as it is, and says so.
 *
 * Stamps stand for data of a declared compressibility: of so many sectors as that leaves, the first
 * ones of the run are written.
 */
import { assert, type ContentRun, isStamp, SECTOR_BYTES, stampRatio } from "../../kernel/index.ts";
import { sliceRuns } from "../../platform/index.ts";
import { bytesOf, bytesRun, ByteReader, ByteWriter, checksum, padded, sectorsOf } from "./bytes.ts";
import { compress, decompress } from "./lz4-block.ts";
import { PAGE_SECTORS, type PageRun, WORD_BYTES } from "./page-runs.ts";
import { bad, type Checked, sound } from "./problem.ts";

/** Consecutive pages, saved together; block b of a memory begins at page b * blockPages. */
export type Block = {
  readonly block: number;
  readonly runs: readonly PageRun[];
};

/** Where a storage block lies in the file, and how its reader knows that it is one. */
export type StorageBlock = {
  readonly sector: number;
  readonly sectors: number;
  readonly indexSectors: number;
  readonly checksum: bigint;
};

const CLASSES = ["zero", "pattern", "stamps", "raw", "lz4"] as const;
const BYTES_PER_PAGE = PAGE_SECTORS * SECTOR_BYTES;

/** What is written from `sector` on. */
export function encodeStorageBlock(
  sector: number,
  blocks: readonly Block[],
): { readonly at: StorageBlock; readonly runs: readonly ContentRun[] } {
  const index = new ByteWriter();
  const payload: ContentRun[] = [];
  index.varint(blocks.length);
  for (const { block, runs } of blocks) {
    index.varint(block);
    index.varint(runs.length);
    for (const run of runs) putRun(index, payload, run);
  }
  const indexBytes = index.sectors();
  const indexSectors = sectorsOf(indexBytes.length);
  const runs = [bytesRun(indexBytes), ...payload];
  const sectors = runs.reduce((sum, run) => sum + run.sectors, 0);
  return { at: { sector, sectors, indexSectors, checksum: checksum(indexBytes) }, runs };
}

function putRun(index: ByteWriter, payload: ContentRun[], run: PageRun): void {
  if (run.class !== "bytes") {
    index.byte(CLASSES.indexOf(run.class));
    index.varint(run.pages);
    if (run.class === "pattern") index.bytes(run.word);
    if (run.class !== "stamps") return;
    index.varint(run.stamp);
    payload.push({ kind: "stamp", sectors: stampSectors(run), stamp: run.stamp });
    return;
  }
  // A sector less is the least that it must save.
  const packed = compress(run.bytes, run.bytes.length - SECTOR_BYTES);
  const kept = packed ?? run.bytes;
  const whole = padded(kept);
  index.byte(CLASSES.indexOf(packed === undefined ? "raw" : "lz4"));
  index.varint(run.pages);
  index.varint(kept.length);
  index.word64(checksum(whole));
  payload.push(bytesRun(whole));
}

const stampSectors = ({ pages, stamp }: { pages: number; stamp: number }): number =>
  Math.ceil((pages * PAGE_SECTORS) / stampRatio(stamp));

/** The blocks of which `runs` are the content on the medium. `pagesOf`: pages that a block has. */
export function decodeStorageBlock(
  at: StorageBlock,
  runs: readonly ContentRun[],
  pagesOf: (block: number) => number,
): Checked<readonly Block[]> {
  const where = `storage block at sector ${at.sector}`;
  const medium = new MediumReader(runs);
  if (medium.sectors !== at.sectors) return bad("truncated", `${where}: ${medium.sectors} sectors`);
  const indexBytes = medium.bytes(at.indexSectors);
  if (indexBytes === undefined || checksum(indexBytes) !== at.checksum) {
    return bad("damaged", `${where}: its index has another checksum`);
  }
  const index = new ByteReader(indexBytes);
  const blocks: Block[] = [];
  const count = index.varint();
  for (let i = 0; i < count && !index.failed; i++) {
    const block = index.varint();
    const found: PageRun[] = [];
    let pages = 0;
    const parts = index.varint();
    for (let part = 0; part < parts && !index.failed; part++) {
      const run = takeRun(index, medium, pagesOf(block) - pages);
      if (run === undefined) return bad("damaged", `${where}: block ${block} is not what it was`);
      found.push(run);
      pages += run.pages;
    }
    if (pages !== pagesOf(block))
      return bad("damaged", `${where}: block ${block} of ${pages} pages`);
    blocks.push({ block, runs: found });
  }
  if (!index.atEnd() || !medium.atEnd())
    return bad("damaged", `${where}: more than it should hold`);
  return sound(blocks);
}

/** Pages of which every word is this one. */
export type KnownRun = {
  readonly first: number;
  readonly pages: number;
  readonly word: Uint8Array;
};

/** What the index alone says of pages; `runs`: the sectors of the index. */
export function decodeIndex(
  at: StorageBlock,
  runs: readonly ContentRun[],
  memoryPages: number,
  blockPages: number,
): Checked<readonly KnownRun[]> {
  const where = `storage block at sector ${at.sector}`;
  const bytes = bytesOf(runs);
  if (bytes.length !== at.indexSectors * SECTOR_BYTES || checksum(bytes) !== at.checksum) {
    return bad("damaged", `${where}: its index has another checksum`);
  }
  const index = new ByteReader(bytes);
  const known: KnownRun[] = [];
  for (let left = index.varint(); left > 0 && !index.failed; left--) {
    let first = index.varint() * blockPages;
    for (let parts = index.varint(); parts > 0 && !index.failed; parts--) {
      const kind = CLASSES[index.byte()];
      const pages = index.varint();
      if (kind === undefined || first + pages > memoryPages) {
        return bad("damaged", `${where}: its index names pages that are none`);
      }
      if (kind === "zero") known.push({ first, pages, word: new Uint8Array(WORD_BYTES) });
      else if (kind === "pattern") known.push({ first, pages, word: index.bytes(WORD_BYTES) });
      else index.varint();
      if (kind === "raw" || kind === "lz4") index.word64();
      first += pages;
    }
  }
  return index.atEnd() ? sound(known) : bad("damaged", `${where}: its index is none`);
}

/** Undefined when the medium does not hold what the index says; a run of `most` pages at most. */
function takeRun(index: ByteReader, medium: MediumReader, most: number): PageRun | undefined {
  const kind = CLASSES[index.byte()];
  const pages = index.varint();
  if (index.failed || pages === 0 || pages > most) return undefined;
  if (kind === "zero") return { class: "zero", pages };
  if (kind === "pattern") return { class: "pattern", pages, word: index.bytes(WORD_BYTES) };
  if (kind === "stamps") {
    const run = { class: "stamps", pages, stamp: index.varint() } as const;
    if (index.failed || !isStamp(run.stamp)) return undefined;
    return medium.hasStamps(stampSectors(run), run.stamp) ? run : undefined;
  }
  const length = index.varint();
  const expected = index.word64();
  const size = pages * BYTES_PER_PAGE;
  if (kind === undefined || length > size) return undefined;
  const whole = medium.bytes(sectorsOf(length));
  if (whole === undefined || checksum(whole) !== expected) return undefined;
  const kept = whole.subarray(0, length);
  const bytes = kind === "lz4" ? decompress(kept, size) : kept;
  return bytes?.length === size ? { class: "bytes", pages, bytes } : undefined;
}

/** Content as it was read, from front to back. */
class MediumReader {
  readonly sectors: number;
  readonly #runs: readonly ContentRun[];
  #run = 0;
  /** Sectors of the current run that have been taken. */
  #taken = 0;
  #left: number;

  constructor(runs: readonly ContentRun[]) {
    this.#runs = runs;
    this.sectors = runs.reduce((sum, run) => sum + run.sectors, 0);
    this.#left = this.sectors;
  }

  bytes(sectors: number): Uint8Array | undefined {
    if (sectors > this.#left) return undefined;
    return bytesOf(this.#take(sectors));
  }

  /** Whether the next sectors are these stamps. */
  hasStamps(sectors: number, stamp: number): boolean {
    if (sectors > this.#left) return false;
    let next = stamp;
    return this.#take(sectors).every((run) => {
      const isNext = run.kind === "stamp" && run.stamp === next;
      next += run.sectors;
      return isNext;
    });
  }

  atEnd(): boolean {
    return this.#left === 0;
  }

  #take(sectors: number): ContentRun[] {
    assert(sectors <= this.#left, "so much is left");
    const taken: ContentRun[] = [];
    this.#left -= sectors;
    for (let wanted = sectors; wanted > 0;) {
      const run = this.#runs[this.#run]!;
      const count = Math.min(wanted, run.sectors - this.#taken);
      taken.push(...sliceRuns([run], this.#taken, count));
      wanted -= count;
      this.#taken += count;
      if (this.#taken < run.sectors) continue;
      this.#run++;
      this.#taken = 0;
    }
    return taken;
  }
}
