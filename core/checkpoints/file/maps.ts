/**
 * The two maps of a checkpoint file (US 9,053,064): in which storage block a block lies, and which
 * blocks lie in a storage block. A block that is in none is as in the checkpoint below.
 *
 * Must hold: both say the same; each block is in one storage block at most. What was saved again later
 * stays where it was, under a number that is no block's.
 */
import { ByteReader, ByteWriter } from "./bytes.ts";
import { bad, type Checked, sound } from "./problem.ts";
import type { StorageBlock } from "./storage-block.ts";

export type Maps = {
  /** By block: number of its storage block; -1: as in the checkpoint below. */
  readonly storageOf: (block: number) => number;
  readonly storageBlocks: readonly MappedStorageBlock[];
  /** Blocks of the memory. */
  readonly blocks: number;
};

export type MappedStorageBlock = StorageBlock & {
  /** In the order in which they lie there; the number behind the last: saved again elsewhere. */
  readonly blocks: readonly number[];
};

/** 4 TiB of pages that are saved each for itself. */
const MOST_BLOCKS = 2 ** 30;

/** Storage blocks lie one behind the other from `firstSector` on, in order. */
export function encodeMaps(maps: Maps): Uint8Array {
  const out = new ByteWriter();
  out.varint(maps.storageBlocks.length);
  for (const { sectors, indexSectors, checksum, blocks } of maps.storageBlocks) {
    out.varint(sectors);
    out.varint(indexSectors);
    out.word64(checksum);
    out.varint(blocks.length);
    for (const block of blocks) out.varint(block);
  }
  for (let block = 0; block < maps.blocks;) {
    const storage = maps.storageOf(block);
    let end = block + 1;
    while (end < maps.blocks && maps.storageOf(end) === storage) end++;
    out.varint(end - block);
    out.varint(storage + 1);
    block = end;
  }
  return out.sectors();
}

export function decodeMaps(bytes: Uint8Array, firstSector: number, blocks: number): Checked<Maps> {
  const from = new ByteReader(bytes);
  const wrong = bad("damaged", "the maps of blocks and storage blocks do not agree");
  const storageBlocks: MappedStorageBlock[] = [];
  if (blocks > MOST_BLOCKS) return bad("damaged", `maps of ${blocks} blocks`);
  const storageOf = new Int32Array(blocks).fill(-1);
  let sector = firstSector;
  const count = from.varint();
  for (let number = 0; number < count && !from.failed; number++) {
    const found = takeStorageBlock(from, sector);
    for (const block of found.blocks) {
      if (block > blocks || (block < blocks && storageOf[block] !== -1)) return wrong;
      if (block < blocks) storageOf[block] = number;
    }
    sector += found.sectors;
    storageBlocks.push(found);
  }
  for (let block = 0; block < blocks && !from.failed;) {
    const end = block + from.varint();
    const storage = from.varint() - 1;
    if (end <= block || end > blocks) return wrong;
    for (; block < end; block++) if (storageOf[block] !== storage) return wrong;
  }
  if (!from.atEnd()) return wrong;
  return sound({ storageBlocks, blocks, storageOf: (block) => storageOf[block] ?? -1 });
}

function takeStorageBlock(from: ByteReader, sector: number): MappedStorageBlock {
  const sectors = from.varint();
  const indexSectors = from.varint();
  const checksum = from.word64();
  const length = from.varint();
  const blocks: number[] = [];
  for (let i = 0; i < length && !from.failed; i++) blocks.push(from.varint());
  return { sector, sectors, indexSectors, checksum, blocks };
}
