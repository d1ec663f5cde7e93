/**
 * Saving in the background before a machine is suspended, while it is seen which pages it uses
 * (US 2016/0253201): pages are traced, what nobody touches is saved first, what was only read next to
 * each other behind that, and what was written when the machine stands still.
 *
 * Must hold: a page that is written after it was saved is saved again; only what a vCPU touched is
 * active, never what was touched by a device or by the saver itself.
 */
import {
  Bitmap,
  bitmapWords,
  type Editable,
  type NumberArray,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import {
  clientBitmap,
  clientOf,
  type MemoryEntity,
  readPages,
  settleMemory,
  type TraceHit,
} from "../../vmm/index.ts";
import { blocksOf, memoryBeside } from "../beside.ts";
import { pageRuns } from "../file/page-runs.ts";
import type { WorkingSet } from "../saved-state.ts";
import { ACTIVE_CLIENT, DIRTY_CLIENT, dropBackground } from "./background.ts";
import { endSaving } from "./ending.ts";
import { presence } from "./residual.ts";
import { pagesOfBlock, savedOf, type Saver } from "./saver-state.ts";
import { heldBlocks, isStagedOut, pushBlock, writeGroups } from "./sweep.ts";

/** Content is safe before these see an access; who copies aside sees it earlier. */
const PRIORITY = 5;
/** The bit of a page is read and cleared, by another core than the guest's. */
const SCAN_NS = 10;
const SCAN_EVERY_NS = 10_000_000;

/** Notice when the working set is known; data is {vm, pages, hits}. For invariants. */
export const WORKING_SET_NOTICE = "working-set";

/** What a search must reach, else it shows nothing. */
export const SAVED_AGAIN = "a page is written after it was saved in the background";

const bitsOf = (self: Saver, label: string): Bitmap => {
  const blocks = blocksOf(self.config);
  return new Bitmap(
    self.world.arrays.open(`${self.name}#${label}`, "u32", bitmapWords(blocks)),
    blocks,
  );
};

/** Blocks of which a page was written since the traces count. */
const dirtied = (self: Saver): Bitmap => bitsOf(self, "dirtied");
/** Blocks of which a page is active, as a set and in the order of the first accesses. */
const activeBlocks = (self: Saver): Bitmap => bitsOf(self, "active-blocks");
const activeOrder = (self: Saver): NumberArray =>
  self.world.arrays.open(`${self.name}#active-order`, "u32", blocksOf(self.config));

const activePages = (memory: MemoryEntity): Bitmap => clientBitmap(memory, ACTIVE_CLIENT, "dirty");

/** The request is answered when nothing is left that could be saved while the machine runs. */
export function beginBackground(self: Saver, request: Request): void {
  const memory = memoryBeside(self);
  const by = self.config.workingSet;
  if (memory === undefined || by === undefined || self.volatile.stage !== "idle") {
    return self.refuse(request, "vm-off");
  }
  const state = self.edit();
  state.stage = "tracing";
  state.background = {
    request: request as Editable<Request>,
    untilNs: 0,
    arming: 2,
    active: 0,
    cursor: 0,
    scannedNs: -SCAN_EVERY_NS,
    waits: false,
  };
  const all = {
    granularity: "4KiB",
    by: "all",
    priority: PRIORITY,
    onMove: "before-stop",
  } as const;
  const vcpusBy = by === "traced" ? "traces" : "hardware";
  const looks = { ...all, client: ACTIVE_CLIENT, mode: "accesses", vcpusBy } as const;
  const owner = by === "traced" ? { owner: self.id } : {};
  self.ask(memory.id, "trace", { ...looks, ...owner }, { then: "background-traced" });
  const writes = { ...all, client: DIRTY_CLIENT, mode: "stores", owner: self.id } as const;
  self.ask(memory.id, "trace", writes, { then: "background-traced" });
}

export function onBackgroundTraced(self: Saver, reply: Reply): void {
  const { stage, background } = self.volatile;
  if (stage !== "tracing" || background === null) return;
  if (!reply.ok) return endSaving(self, reply.code === "busy" ? "busy" : "vm-off");
  const state = self.edit();
  if (--state.background!.arming > 0) return;
  state.stage = "background";
  state.background!.untilNs = self.simulatedNs + (self.config.traceNs ?? 0);
  saveInBackground(self);
}

/** Before an access, whether of the clients above or not: undefined when it is somebody else's. */
export function onBackgroundHit(self: Saver, { client, page }: TraceHit): true | undefined {
  if (client !== ACTIVE_CLIENT && client !== DIRTY_CLIENT) return undefined;
  const block = Math.floor(page / self.config.blockPages);
  if (client === ACTIVE_CLIENT) return noteActive(self, block);
  dirtied(self).add(block);
  const saved = savedOf(self);
  if (!saved.has(block) || self.config.careless === "forgetsDirty") return true;
  saved.delete(block);
  const { figures } = self.edit();
  figures.savedAgain = (figures.savedAgain ?? 0) + 1;
  if (figures.savedAgain === 1) self.notice("sometimes", { name: SAVED_AGAIN });
  return true;
}

function noteActive(self: Saver, block: number): true {
  if (!activeBlocks(self).add(block)) return true;
  const background = self.edit().background!;
  activeOrder(self).set(background.active++, block);
  return true;
}

/** First what nobody touches; then, when the time for looking is over, what was only read. */
export function saveInBackground(self: Saver): void {
  if (self.volatile.stage !== "background") return;
  const memory = memoryBeside(self);
  if (memory === undefined) return endSaving(self, "vm-off");
  settleMemory(memory);
  if (self.config.workingSet === "access-bits") scan(self, memory);
  const { background, cursor } = self.volatile;
  const isOver = self.simulatedNs >= background!.untilNs;
  const state = self.edit();
  const cold = { from: cursor, to: blocksOf(self.config), isActive: false };
  state.cursor = fill(self, memory, cold, (at) => at);
  let isLeft = state.cursor < cold.to;
  if (!isLeft && isOver) {
    const order = activeOrder(self);
    const warm = { from: background!.cursor, to: background!.active, isActive: true };
    state.background!.cursor = fill(self, memory, warm, (at) => order.get(at));
    isLeft = state.background!.cursor < warm.to;
  }
  writeGroups(self, !isLeft);
  if (isLeft || !isStagedOut(self)) return;
  if (!isOver) {
    const waitNs = background!.untilNs - self.simulatedNs;
    if (!background!.waits) self.after(waitNs, "background-over", 0);
    return void (self.edit().background!.waits = true);
  }
  const { request } = background!;
  self.edit().background!.request = null;
  if (request !== null) self.reply(request as Request, {});
}

/** Stages what there is room for; where it goes on. */
function fill(
  self: Saver,
  memory: MemoryEntity,
  { from, to, isActive }: { from: number; to: number; isActive: boolean },
  blockAt: (at: number) => number,
): number {
  const room = self.config.stagingBlocks;
  const saved = savedOf(self);
  const written = dirtied(self);
  const active = activeBlocks(self);
  const { blockPages } = self.config;
  const isThere = presence(memory);
  for (let at = from; at < to; at++) {
    const block = blockAt(at);
    const isClean = !saved.has(block) && !written.has(block) && isThere(block * blockPages);
    const isDue = isClean && (isActive || !active.has(block));
    if (isDue && heldBlocks(self) >= room) return at;
    if (isDue) stageClean(self, memory, block);
  }
  return to;
}

function stageClean(self: Saver, memory: MemoryEntity, block: number): void {
  const first = block * self.config.blockPages;
  const pages = pagesOfBlock(self.config, block);
  pushBlock(self, { block, runs: pageRuns(readPages(memory, first, pages)) });
  if (self.config.careless === "countsOwnReads") activePages(memory).addRange(first, pages);
  const { figures } = self.edit();
  figures.backgroundBlocks = (figures.backgroundBlocks ?? 0) + 1;
}

/** Bits say which pages, not when: blocks come in order of their addresses. */
function scan(self: Saver, memory: MemoryEntity): void {
  const background = self.edit().background!;
  if (background.scannedNs + SCAN_EVERY_NS > self.simulatedNs) return;
  background.scannedNs = self.simulatedNs;
  const accessed = activePages(memory);
  const { blockPages, pages } = self.config;
  for (let page = accessed.next(0); page >= 0;) {
    const block = Math.floor(page / blockPages);
    noteActive(self, block);
    page = (block + 1) * blockPages < pages ? accessed.next((block + 1) * blockPages) : -1;
  }
  const { figures } = self.edit();
  figures.scanNs = (figures.scanNs ?? 0) + pages * SCAN_NS;
}

/** The machine stands still: what it used is known, and what is not saved is saved from here on. */
export function endBackground(self: Saver, memory: MemoryEntity): void {
  const hits = clientOf(memory, ACTIVE_CLIENT)?.hits ?? 0;
  if (self.config.workingSet === "access-bits") {
    self.edit().background!.scannedNs = -SCAN_EVERY_NS;
    scan(self, memory);
  }
  const workingSet = spansOf(self, memory);
  const pages = activePages(memory).count();
  const { figures } = self.edit();
  figures.activePages = pages;
  figures.stopBlocks = blocksOf(self.config) - savedOf(self).count();
  self.notice(WORKING_SET_NOTICE, { vm: self.config.name, pages, hits });
  const state = self.edit();
  state.workingSet = workingSet as number[];
  state.cursor = 0;
  dropBackground(self, memory);
}

/** Active pages, block by block in the order of the blocks' first accesses. */
function spansOf(self: Saver, memory: MemoryEntity): WorkingSet {
  const pages = activePages(memory);
  const order = activeOrder(self);
  const { blockPages } = self.config;
  const spans: number[] = [];
  for (let at = 0; at < self.volatile.background!.active; at++) {
    const first = order.get(at) * blockPages;
    const end = first + pagesOfBlock(self.config, order.get(at));
    for (let page = pages.next(first, end); page >= 0; page = pages.next(page, end)) {
      const from = page;
      while (page < end && pages.has(page)) page++;
      const behind = (spans.at(-2) ?? -1) + (spans.at(-1) ?? 0);
      if (behind === from) spans[spans.length - 1]! += page - from;
      else spans.push(from, page - from);
      if (page >= end) break;
    }
  }
  return spans;
}
