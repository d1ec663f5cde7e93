/**
 * The content of a new storage block: the blocks that one of the oldest file has, with what newer files
 * have of them.
 *
 * Must hold: each page comes from its one source; what is read is what was written, or a problem.
 */
import { type ContentRun, type Entity, SectorContent } from "../../kernel/index.ts";
import { pagesOfBlock } from "../file/layout.ts";
import { PAGE_SECTORS, pageRuns } from "../file/page-runs.ts";
import { bad, type Checked, sound } from "../file/problem.ts";
import { type Block, decodeStorageBlock, encodeStorageBlock } from "../file/storage-block.ts";
import { combine, eachUnit, type Stored } from "../restore/layers.ts";
import { ownParts } from "../restore/load.ts";
import type { Written } from "../save/saver-state.ts";
import { type MergeOp, oldest, sourcesOf } from "./merge-state.ts";

/** Storage blocks of newer files that are kept: they lie nearly in the order of the pages. */
const KEPT_BLOCKS = 16;

const blockPagesOf = (op: MergeOp, { below }: Stored): number =>
  below?.blockPages ?? op.state.layers[0]!.head.blockPages;

/** Which file each unit of memory comes from. */
export function findSources(host: Entity, op: MergeOp): void {
  const { unitPages, storage } = combine(op.state.layers);
  const state = op.edit();
  state.unitPages = unitPages;
  state.storage = storage as never;
  // The storage blocks of the oldest file are gone through; of the others nothing more is needed.
  state.layers = state.layers.map((layer, i) =>
    i === state.layers.length - 1 ? layer : { ...layer, storage: [] },
  );
  const sources = sourcesOf(host, op);
  storage.forEach((stored, number) => {
    if (op.params.careless === "takesOldest" && number % 3 === 2 && stored.below === undefined)
      return;
    eachUnitOf(op, stored.blocks, blockPagesOf(op, stored), (unit) => sources.set(unit, number));
  });
}

function eachUnitOf(
  op: MergeOp,
  blocks: readonly number[],
  blockPages: number,
  visit: (unit: number) => void,
): void {
  const { unitPages, layers } = op.state;
  const limit = Math.ceil(layers[0]!.head.pages / unitPages);
  eachUnit(blocks, blockPages / unitPages, limit, visit);
}

/** Of a storage block of the oldest file: units of memory by the number of their source. */
function sourcesOfGroup(host: Entity, op: MergeOp): ReadonlyMap<number, readonly number[]> {
  const { head, storage } = oldest(op);
  const sources = sourcesOf(host, op);
  const found = new Map<number, number[]>();
  eachUnitOf(op, storage[op.state.group]!.blocks, head.blockPages, (unit) => {
    const number = sources.get(unit);
    const units = found.get(number);
    if (units === undefined) found.set(number, [unit]);
    else units.push(unit);
  });
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** Numbers of the storage blocks that have to be read for the next one. */
export function missingForGroup(host: Entity, op: MergeOp): number[] {
  const { cache } = op.state;
  const needed = [...sourcesOfGroup(host, op).keys()];
  return needed.filter((number) => !cache.some((kept) => kept.number === number));
}

type Read = { readonly runs: readonly ContentRun[] };
type Group = {
  readonly at: Omit<Written, "blocks" | "checksum"> & { readonly checksum: bigint };
  readonly runs: readonly ContentRun[];
  readonly isCopy: boolean;
};

/** The next storage block, of what `missingForGroup` named and what is kept. */
export function gatherGroup(host: Entity, op: MergeOp, reads: readonly Read[]): Checked<Group> {
  const { reading, nextSector, storage, unitPages } = op.state;
  const { head, storage: groups } = oldest(op);
  const { blocks } = groups[op.state.group]!;
  const decoded = new Map<number, readonly Block[]>();
  for (const [i, number] of reading.entries()) {
    const found = decode(op, storage[number]! as Stored, reads[i]!.runs);
    if (!found.ok) return found;
    decoded.set(number, found.value);
  }
  const sources = sourcesOfGroup(host, op);
  const isCopy = isUntouched(op, sources);
  if (isCopy) {
    const { sectors, indexSectors, checksum } = groups[op.state.group]!;
    const at = { sector: nextSector, sectors, indexSectors, checksum: BigInt(checksum) };
    return sound({ at, runs: reads[0]!.runs, isCopy });
  }
  const content = new SectorContent(head.pages * PAGE_SECTORS);
  for (const [number, units] of sources) {
    const blockPages = blockPagesOf(op, storage[number]! as Stored);
    const wanted = new Set(units.map((unit) => Math.floor((unit * unitPages) / blockPages)));
    for (const block of decoded.get(number) ?? kept(op, number)) {
      if (!wanted.has(block.block)) continue;
      for (const { first, content: runs } of ownParts(block, blockPages, units, unitPages)) {
        content.write(first * PAGE_SECTORS, runs);
      }
    }
  }
  keep(op, decoded);
  const whole = blocks.filter((block) => pagesOfBlock(head, block) > 0);
  const made = whole.map((block) => {
    const first = block * head.blockPages * PAGE_SECTORS;
    return { block, runs: pageRuns(content.read(first, pagesOfBlock(head, block) * PAGE_SECTORS)) };
  });
  const { at, runs } = encodeStorageBlock(nextSector, made);
  return sound({ at, runs, isCopy });
}

function decode(
  op: MergeOp,
  stored: Stored,
  runs: readonly ContentRun[],
): Checked<readonly Block[]> {
  const { pages } = oldest(op).head;
  const blockPages = blockPagesOf(op, stored);
  const of = { pages, blockPages };
  const at = { ...stored, checksum: BigInt(stored.checksum) };
  const found = decodeStorageBlock(at, runs, (block) => pagesOfBlock(of, block));
  if (!found.ok) return found;
  const isOther = ({ block }: Block, i: number): boolean =>
    pagesOfBlock(of, stored.blocks[i]!) > 0 && stored.blocks[i] !== block;
  return found.value.some(isOther) ? bad("damaged", "blocks lie elsewhere") : found;
}

/** All of it comes from the oldest file, and nothing of it lies elsewhere. */
function isUntouched(op: MergeOp, sources: ReadonlyMap<number, readonly number[]>): boolean {
  const [number = -1, ...more] = sources.keys();
  const { head, storage } = oldest(op);
  const group = storage[op.state.group]!;
  const source = op.state.storage[number];
  const isOwn = source?.below?.device === oldest(op).device && source.sector === group.sector;
  return isOwn && more.length === 0 && group.blocks.every((block) => pagesOfBlock(head, block) > 0);
}

const kept = (op: MergeOp, number: number): readonly Block[] =>
  (op.state.cache.find((each) => each.number === number)?.blocks ?? []) as readonly Block[];

/** What newer files have is needed for the next ones too. */
function keep(op: MergeOp, decoded: ReadonlyMap<number, readonly Block[]>): void {
  const { device } = oldest(op);
  const fresh = [...decoded].filter(([n]) => op.state.storage[n]!.below?.device !== device);
  const all = [...op.state.cache, ...fresh.map(([number, blocks]) => ({ number, blocks }))];
  op.edit().cache = all.slice(-KEPT_BLOCKS) as never;
}
