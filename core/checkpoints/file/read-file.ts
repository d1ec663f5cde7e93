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

export type WholeFile = Opened & { readonly state: Uint8Array };

/** What a block holds that lies in a file; not called for one that was saved again elsewhere. */
export type TakeBlock = (block: number, runs: readonly ContentRun[], of: Head) => void;

/** All of a file; of what it stands on nothing. Blocks are told one by one: a file may be large. */
export function readFile(
  file: File,
  expected: Pick<Head, "vm" | "machine">,
  take: TakeBlock,
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
  const pagesOf = (block: number): number => pagesOfBlock(head, block);
  for (const at of tail.value.maps.storageBlocks) {
    const found = decodeStorageBlock(at, read(at.sector, at.sectors), pagesOf);
    if (!found.ok) return found;
    for (const [i, { block, runs }] of found.value.entries()) {
      if (at.blocks[i] === tail.value.maps.blocks) continue;
      if (at.blocks[i] !== block) return bad("damaged", `block ${block} lies elsewhere`);
      take(block, runs.map(contentOf), head);
    }
  }
  return sound({ ...opened.value, state: tail.value.state });
}

export type WholeCheckpoint = Pick<WholeFile, "head" | "state"> & {
  /** The first page for which `isWrong` is true, or one that is in no file; -1: none. */
  readonly wrongPage: number;
};

/**
 * A checkpoint with all that it stands on, down to the file that has all pages. `fileOf`: the file of
 * a checkpoint, if there is one. `isWrong` is asked of each page, page `at` of `run`, of the first file
 * that has it, until it is true.
 */
export function readCheckpoint(
  fileOf: (checkpoint: string) => File | undefined,
  checkpoint: string,
  expected: Pick<Head, "vm" | "machine">,
  isWrong: (page: number, run: ContentRun, at: number) => boolean,
): Checked<WholeCheckpoint> {
  const files: WholeFile[] = [];
  let seen: Uint8Array | undefined;
  let wrongPage = -1;
  const take: TakeBlock = (block, runs, { pages, blockPages }) => {
    const known = (seen ??= new Uint8Array(pages));
    let page = block * blockPages;
    for (const run of runs) {
      for (let at = 0; at < run.sectors / PAGE_SECTORS; at++, page++) {
        if (known[page] !== 0) continue;
        known[page] = 1;
        if (wrongPage < 0 && isWrong(page, run, at)) wrongPage = page;
      }
    }
  };
  for (let name = checkpoint; ;) {
    const file = fileOf(name);
    const isKnown = files.some(({ head }) => head.checkpoint === name);
    if (file === undefined || isKnown) return bad("wrong-base", `${name} has no file`);
    const read = readFile(file, expected, take);
    if (!read.ok) return read;
    const above = files.at(-1);
    const ours = above === undefined ? sound(read.value.head) : checkBase(read.value, above.head);
    if (!ours.ok) return ours;
    files.push(read.value);
    const { base } = read.value.head;
    if (base !== null) {
      name = base.checkpoint;
      continue;
    }
    const { head, state } = files[0]!;
    if (wrongPage < 0) wrongPage = seen === undefined ? 0 : seen.indexOf(0);
    return sound({ head, state, wrongPage });
  }
}
