/** A whole checkpoint at once, checked as a restore checks it: for observers. */
import type { ContentRun, SectorContent } from "../../kernel/index.ts";
import {
  checkBase,
  checkHead,
  DATA_SECTOR,
  decodeOpening,
  decodeTail,
  type Head,
  type Opened,
  pagesOfBlock,
  tailSectors,
} from "./layout.ts";
import { contentOf, PAGE_SECTORS } from "./page-runs.ts";
import { bad, type Checked, sound } from "./problem.ts";
import { decodeStorageBlock } from "./storage-block.ts";

type File = Pick<SectorContent, "read" | "sectors">;

export type WholeFile = Opened & {
  readonly state: Uint8Array;
  /** Content of each block that lies here. */
  readonly blocks: ReadonlyMap<number, readonly ContentRun[]>;
};

/** All of a file; of what it stands on nothing. */
export function readFile(file: File, expected: Pick<Head, "vm" | "machine">): Checked<WholeFile> {
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
  return sound({ ...opened.value, state: tail.value.state, blocks });
}

export type WholeCheckpoint = Pick<WholeFile, "head" | "state"> & {
  /** Its own file, then what it stands on, down to the one that has all pages. */
  readonly files: readonly WholeFile[];
};

/** A checkpoint with all that it stands on. `fileOf`: the file of a checkpoint, if there is one. */
export function readCheckpoint(
  fileOf: (checkpoint: string) => File | undefined,
  checkpoint: string,
  expected: Pick<Head, "vm" | "machine">,
): Checked<WholeCheckpoint> {
  const files: WholeFile[] = [];
  for (let name = checkpoint; ;) {
    const file = fileOf(name);
    const isKnown = files.some(({ head }) => head.checkpoint === name);
    if (file === undefined || isKnown) return bad("wrong-base", `${name} has no file`);
    const read = readFile(file, expected);
    if (!read.ok) return read;
    const above = files.at(-1);
    const ours = above === undefined ? sound(read.value.head) : checkBase(read.value, above.head);
    if (!ours.ok) return ours;
    files.push(read.value);
    const { base } = read.value.head;
    if (base === null) return sound({ head: files[0]!.head, state: files[0]!.state, files });
    name = base.checkpoint;
  }
}

/**
 * Pages in the order of the files, each from the first that has it: page `at` of `run`. Ends with the
 * first for which `visit` is true; that page, -1: none, or one that is in no file.
 */
export function findPage(
  { head, files }: WholeCheckpoint,
  visit: (page: number, run: ContentRun, at: number) => boolean,
): number {
  const seen = new Uint8Array(head.pages);
  for (const { head: of, blocks } of files) {
    for (const [block, runs] of blocks) {
      let page = block * of.blockPages;
      for (const run of runs) {
        for (let at = 0; at < run.sectors / PAGE_SECTORS; at++, page++) {
          if (seen[page] === 1) continue;
          seen[page] = 1;
          if (visit(page, run, at)) return page;
        }
      }
    }
  }
  return seen.indexOf(0);
}
