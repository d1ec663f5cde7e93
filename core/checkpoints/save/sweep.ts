/**
 * The sweeper: saves, block by block, what no access of the guest has brought forward. Full groups are
 * compressed and written as one storage block.
 *
 * Must hold: the staging buffer never holds more than it may, but for what a device's access brought; a
 * block is staged once; what is staged is the content of the instant.
 */
import type { ContentRun, Plain } from "../../kernel/index.ts";
import { clientBitmap, type MemoryEntity, readPages, settleMemory } from "../../vmm/index.ts";
import { blocksOf, memoryBeside } from "../beside.ts";
import { PAGE_SECTORS, pageRuns } from "../file/page-runs.ts";
import { type Block, encodeStorageBlock } from "../file/storage-block.ts";
import { endSaving } from "./ending.ts";
import { pagesOfBlock, savedOf, type Saver, sideOf } from "./saver-state.ts";

/** Blocks that are kept free for the guest's accesses while the sweeper goes on. */
const freeForGuest = (self: Saver): number =>
  self.config.method === "lazy"
    ? Math.min(self.config.groupBlocks, self.config.stagingBlocks - self.config.groupBlocks)
    : 0;

export const heldBlocks = ({ volatile }: Saver): number =>
  volatile.staged.length + volatile.inFlight;

/** Stages as much as there is room for, and writes what makes a group. */
export function sweep(self: Saver): void {
  if (self.volatile.stage !== "saving") return;
  const memory = memoryBeside(self);
  if (memory === undefined) return endSaving(self, "vm-off");
  settleMemory(memory);
  const room = self.config.stagingBlocks - freeForGuest(self);
  const saved = savedOf(self);
  const blocks = blocksOf(self.config);
  while (heldBlocks(self) < room) {
    let { cursor } = self.volatile;
    while (cursor < blocks && saved.has(cursor)) cursor++;
    self.edit().cursor = cursor;
    if (cursor === blocks) break;
    stage(self, memory, cursor);
  }
  const isLast = self.volatile.cursor >= blocks;
  writeGroups(self, isLast);
  if (isLast && isStagedOut(self)) endSaving(self, null);
}

/** Nothing is copied, or under way, that is not written. */
export const isStagedOut = ({ volatile }: Saver): boolean =>
  volatile.staged.length === 0 && volatile.inFlight === 0;

/** What a block holds goes to the staging buffer: it counts as saved. */
export function pushBlock(self: Saver, block: Block): void {
  const state = self.edit();
  savedOf(self).add(block.block);
  (state.staged as Block[]).push(block);
  state.figures.savedBlocks++;
  self.world.addWork(pagesOfBlock(self.config, block.block));
}

/** Copies a block, as it was at the instant, and takes its traces off. */
export function stage(self: Saver, memory: MemoryEntity, block: number): void {
  const first = block * self.config.blockPages;
  const pages = pagesOfBlock(self.config, block);
  const runs = pageRuns(contentAtInstant(self, memory, first, pages));
  pushBlock(self, { block, runs });
  const state = self.edit();
  if (self.config.careless === "savesTwice" && block % 5 === 3) {
    (state.staged as Block[]).push({ block, runs });
  }
  const held = heldBlocks(self);
  if (self.config.method === "lazy") {
    state.figures.peakHeld = Math.max(state.figures.peakHeld, held);
  }
  for (const which of ["armed", "pending"] as const) {
    const traced = clientBitmap(memory, self.config.client, which);
    for (let page = traced.next(first); page >= 0 && page < first + pages;) {
      traced.delete(page);
      page = traced.next(page + 1);
    }
  }
}

/** Memory, and over it what was copied aside. */
function contentAtInstant(
  self: Saver,
  memory: MemoryEntity,
  first: number,
  pages: number,
): readonly ContentRun[] {
  if (self.volatile.sidePages === 0) return readPages(memory, first, pages);
  const side = sideOf(self);
  const aside = side.allocatedRuns(first * PAGE_SECTORS, pages * PAGE_SECTORS);
  const runs: ContentRun[] = [];
  let page = first;
  for (const { sector, sectors } of aside) {
    const from = sector / PAGE_SECTORS;
    if (from > page) runs.push(...readPages(memory, page, from - page));
    runs.push(...side.read(sector, sectors));
    page = (sector + sectors) / PAGE_SECTORS;
  }
  if (page < first + pages) runs.push(...readPages(memory, page, first + pages - page));
  // A copy aside is freed with its block; a redirected page only when all is saved.
  if (self.config.method === "copy-aside" && aside.length > 0) {
    const freed = aside.reduce((sum, { sectors }) => sum + sectors, 0) / PAGE_SECTORS;
    side.discard(first * PAGE_SECTORS, pages * PAGE_SECTORS);
    self.edit().sidePages -= freed;
  }
  return runs;
}

/** Compressing takes its time, by another core than the guest's. `isLast`: no block will join. */
export function writeGroups(self: Saver, isLast: boolean): void {
  const { groupBlocks, costs } = self.config;
  while (self.volatile.staged.length >= (isLast ? 1 : groupBlocks)) {
    const state = self.edit();
    const group = (state.staged as Block[]).splice(0, groupBlocks);
    state.inFlight += group.length;
    const pages = group.reduce((sum, { block }) => sum + pagesOfBlock(self.config, block), 0);
    self.after(pages * costs.compressNs, "write", group as unknown as Plain);
  }
}

/** A group goes to the end of the file. */
export function writeGroup(self: Saver, group: readonly Block[]): void {
  if (self.volatile.stage === "saved" || self.volatile.stage === "failed") return;
  const { device, nextSector } = self.volatile;
  const { at, runs } = encodeStorageBlock(nextSector, group);
  const state = self.edit();
  state.nextSector += at.sectors;
  const blocks = group.map(({ block }) => block);
  state.written.push({ ...at, checksum: at.checksum.toString(), blocks });
  state.figures.storageBlocks++;
  state.figures.writtenSectors += at.sectors;
  const request = { op: "write", sector: at.sector, sectors: at.sectors, runs };
  self.ask(device, "io", request as unknown as Plain, { then: "written", tag: group.length });
}
