/** A whole checkpoint file at once, checked as a restore checks it: for observers. */
import type { ContentRun, SectorContent } from "../../kernel/index.ts";
import {
  checkHead,
  DATA_SECTOR,
  decodeOpening,
  decodeTail,
  type Head,
  pagesOfBlock,
  tailSectors,
} from "./layout.ts";
import { contentOf } from "./page-runs.ts";
import { bad, type Checked, sound } from "./problem.ts";
import { decodeStorageBlock } from "./storage-block.ts";

export type WholeFile = {
  readonly head: Head;
  readonly state: Uint8Array;
  /** Content of each block that lies here. */
  readonly blocks: ReadonlyMap<number, readonly ContentRun[]>;
};

/** All of a file, checked as a restore checks it. */
export function readFile(
  file: Pick<SectorContent, "read" | "sectors">,
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
    for (const [i, { block, runs }] of found.value.entries()) {
      if (at.blocks[i] === tail.value.maps.blocks) continue;
      if (at.blocks[i] !== block) return bad("damaged", `block ${block} lies elsewhere`);
      blocks.set(block, runs.map(contentOf));
    }
  }
  return sound({ head, state: tail.value.state, blocks });
}
