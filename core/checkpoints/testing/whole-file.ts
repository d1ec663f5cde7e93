/** A checkpoint file written and read at once, for tests of its format. */
import { type ContentRun, SectorContent } from "../../kernel/index.ts";
import { bytesRun } from "../file/bytes.ts";
import {
  checkHead,
  COMMIT_SECTOR,
  DATA_SECTOR,
  decodeOpening,
  decodeTail,
  encodeCommit,
  encodeHead,
  encodeTail,
  type Head,
  pagesOfBlock,
  tailSectors,
} from "../file/layout.ts";
import type { MappedStorageBlock } from "../file/maps.ts";
import { contentOf, pageRuns } from "../file/page-runs.ts";
import { bad, type Checked, sound } from "../file/problem.ts";
import { decodeStorageBlock, encodeStorageBlock } from "../file/storage-block.ts";

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

export type WholeFile = {
  readonly head: Head;
  readonly state: Uint8Array;
  /** Content of each block that lies here. */
  readonly blocks: ReadonlyMap<number, readonly ContentRun[]>;
};

/** All of a file, checked as a restore checks it. */
export function readFile(
  file: SectorContent,
  expected: Pick<Head, "vm" | "machine">,
): Checked<WholeFile> {
  const read = (sector: number, sectors: number): readonly ContentRun[] =>
    sector + sectors > file.sectors || sectors === 0 ? [] : file.read(sector, sectors);
  const opened = decodeOpening(read(0, DATA_SECTOR));
  if (!opened.ok) return opened;
  const { head, commit } = opened.value;
  const ours = checkHead(head, expected);
  if (!ours.ok) return ours;
  const tail = decodeTail(opened.value, read(commit.tailSector, tailSectors(commit)));
  if (!tail.ok) return tail;
  const blocks = new Map<number, readonly ContentRun[]>();
  for (const at of tail.value.maps.storageBlocks) {
    const pagesOf = (block: number): number => pagesOfBlock(head, block);
    const found = decodeStorageBlock(at, read(at.sector, at.sectors), pagesOf);
    if (!found.ok) return found;
    for (const { block, runs } of found.value) {
      if (!at.blocks.includes(block)) return bad("damaged", `block ${block} lies elsewhere`);
      blocks.set(block, runs.map(contentOf));
    }
  }
  return sound({ head, state: tail.value.state, blocks });
}
