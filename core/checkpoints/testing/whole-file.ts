/** A checkpoint file written at once, for tests of its format. */
import { type ContentRun, SectorContent } from "../../kernel/index.ts";
import { bytesRun } from "../file/bytes.ts";
import {
  COMMIT_SECTOR,
  DATA_SECTOR,
  encodeCommit,
  encodeHead,
  encodeTail,
  type Head,
} from "../file/layout.ts";
import type { MappedStorageBlock } from "../file/maps.ts";
import { pageRuns } from "../file/page-runs.ts";
import { encodeStorageBlock } from "../file/storage-block.ts";

/** `order`: blocks as they are saved, `together` of them in a storage block. */
export function writeFile(
  head: Head,
  state: Uint8Array,
  order: readonly number[],
  together: number,
  contentOfBlock: (block: number) => readonly ContentRun[],
): SectorContent {
  const file = new SectorContent(2 ** 20);
  const storageBlocks: MappedStorageBlock[] = [];
  const storageOf = new Map<number, number>();
  let sector = DATA_SECTOR;
  for (let i = 0; i < order.length; i += together) {
    const blocks = order.slice(i, i + together);
    for (const block of blocks) storageOf.set(block, storageBlocks.length);
    const { at, runs } = encodeStorageBlock(
      sector,
      blocks.map((block) => ({ block, runs: pageRuns(contentOfBlock(block)) })),
    );
    file.write(sector, runs);
    sector += at.sectors;
    storageBlocks.push({ ...at, blocks });
  }
  const maps = {
    blocks: Math.ceil(head.pages / head.blockPages),
    storageBlocks,
    storageOf: (block: number) => storageOf.get(block) ?? -1,
  };
  const headBytes = encodeHead(head);
  const { bytes, commit } = encodeTail(headBytes, sector, state, maps);
  file.write(0, [bytesRun(headBytes)]);
  file.write(sector, [bytesRun(bytes)]);
  file.write(COMMIT_SECTOR, [bytesRun(encodeCommit(commit))]);
  file.resize(sector + bytes.length / 512);
  return file;
}
