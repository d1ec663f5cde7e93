/**
 * Writing dirty pages back, in rounds: a round takes all that is dirty when it starts, sends it down
 * in pieces, and then, if flushes wait, flushes the device below and answers them. What becomes
 * dirty meanwhile waits for the next round, so two versions of a sector are never on their way at
 * once. A round starts for a flush, when pages have been dirty for `writebackNs`, when half of the
 * dirty limit is used, or when writes are held up.
 *
 * Must hold: a failed write-back leaves its sectors dirty, and fails the flushes that waited for it.
 * Sectors that the device below no longer has ("gone", "out-of-range") are given up.
 */
import { type Reply, type SectorRange } from "../../kernel/index.ts";
import { answer, bytesOut, DONE, HEADER_BYTES, refused, type WriteRequest } from "./block.ts";
import {
  contentOf,
  dirtyPagesOf,
  gapsIn,
  IDLE,
  type PageCacheEntity,
  type Waiter,
} from "./page-cache-state.ts";
import type { PagePoolEntity } from "./page-pool.ts";

const MAX_IN_FLIGHT = 16;
/** 1 MiB. */
const MAX_PIECE_SECTORS = 2048;

export const poolOf = (self: PageCacheEntity): PagePoolEntity =>
  self.world.entity(self.config.pool) as unknown as PagePoolEntity;

/** Dirty pages of all devices that share the memory. */
export function dirtyPagesInPool(pool: PagePoolEntity): number {
  let pages = 0;
  for (const id of pool.durable.devices) {
    const device = pool.world.entityOrNone(id) as PageCacheEntity | undefined;
    if (device !== undefined) pages += dirtyPagesOf(device);
  }
  return pages;
}

/** Starts a round if there is a reason for one and none is under way. */
export function startRoundIfNeeded(self: PageCacheEntity, pressed: boolean): void {
  const { round, flushes, due, paused } = self.volatile;
  if (round.active) return;
  const wanted = flushes.length > 0 || ((due || pressed) && !paused);
  if (wanted) startRound(self);
}

function startRound(self: PageCacheEntity): void {
  const state = self.edit();
  const left: SectorRange[] = [];
  if (self.config.mode === "writeback") left.push(...takeDirty(self));
  const waiters = state.flushes as unknown as readonly Waiter[];
  state.due = false;
  if (left.length === 0 && waiters.length === 0) return;
  const writes = state.dirtyWrites;
  state.round = { ...IDLE, active: true, left, waiters, writes } as never;
  state.flushes = [];
  state.dirtyWrites = 0;
  sendPieces(self);
}

/** Moves what is dirty to what is being written. */
function takeDirty(self: PageCacheEntity): SectorRange[] {
  const pieces: SectorRange[] = [];
  const dirty = contentOf(self, "dirty");
  const dirtyPages = contentOf(self, "dirty-pages");
  for (const range of dirty.allocatedRuns()) {
    for (let done = 0; done < range.sectors; done += MAX_PIECE_SECTORS) {
      const sectors = Math.min(MAX_PIECE_SECTORS, range.sectors - done);
      pieces.push({ sector: range.sector + done, sectors });
    }
  }
  contentOf(self, "writing").restore(dirty.capture());
  contentOf(self, "writing-pages").restore(dirtyPages.capture());
  dirty.discard(0, dirty.sectors);
  dirtyPages.discard(0, dirtyPages.sectors);
  return pieces;
}

function sendPieces(self: PageCacheEntity): void {
  const { round } = self.edit();
  while (round.left.length > 0 && round.inFlight < MAX_IN_FLIGHT) {
    const { sector, sectors } = round.left.shift()!;
    const runs = contentOf(self, "writing").read(sector, sectors);
    const io: WriteRequest = { op: "write", sector, sectors, runs };
    round.inFlight++;
    self.ask(self.config.lower, "io", io, {
      then: "written-back",
      tag: { sector, sectors },
      bytes: HEADER_BYTES + bytesOut(io),
    });
  }
  if (round.inFlight > 0) return;
  if (round.waiters.length === 0 || round.failed !== "") return endRound(self);
  round.flushing = true;
  self.ask(self.config.lower, "io", { op: "flush" }, { then: "flushed-below" });
}

/** A piece arrived below, or did not. */
export function writtenBack(self: PageCacheEntity, reply: Reply): void {
  const range = reply.tag as SectorRange;
  const { round } = self.edit();
  round.inFlight--;
  if (!reply.ok) {
    if (round.failed === "") round.failed = reply.code;
    if (reply.code === "gone" || reply.code === "out-of-range") giveUp(self, range);
    else putBack(self, range);
  }
  contentOf(self, "writing").discard(range.sector, range.sectors);
  self.measure("write-back-sectors", range.sectors);
  sendPieces(self);
}

function putBack(self: PageCacheEntity, range: SectorRange): void {
  const dirty = contentOf(self, "dirty");
  const writing = contentOf(self, "writing");
  for (const gap of gapsIn(dirty, range)) {
    dirty.write(gap.sector, writing.read(gap.sector, gap.sectors));
    markDirtyPages(self, gap);
  }
}

function giveUp(self: PageCacheEntity, { sector, sectors }: SectorRange): void {
  self.notice("lost-writes", { device: self.name, medium: "memory", writes: 1, sectors, sector });
}

export function markDirtyPages(self: PageCacheEntity, { sector, sectors }: SectorRange): void {
  const page = Math.floor(sector / 8);
  contentOf(self, "dirty-pages").writeZeros(page, Math.ceil((sector + sectors) / 8) - page);
}

export function flushedBelow(self: PageCacheEntity, reply: Reply): void {
  if (!reply.ok) self.edit().round.failed = reply.code;
  endRound(self);
}

function endRound(self: PageCacheEntity): void {
  const { waiters, failed } = self.volatile.round;
  const state = self.edit();
  if (self.config.mode === "writeback") {
    const pages = contentOf(self, "writing-pages");
    pages.discard(0, pages.sectors);
  }
  state.round = { ...IDLE } as never;
  state.paused = failed !== "";
  for (const { request, arrivedNs } of waiters) {
    self.measure("flush-latency-ns", self.simulatedNs - arrivedNs);
    answer(self, request, failed === "" ? DONE : refused(failed));
  }
  setTimer(self);
  self.after(0, "advance-all");
}

/** Sets the timer that ends the time pages may stay dirty, unless it is set. */
export function setTimer(self: PageCacheEntity): void {
  if (self.config.mode !== "writeback" || self.volatile.timer) return;
  if (contentOf(self, "dirty").allocatedSectors === 0) return;
  self.edit().timer = true;
  self.after(self.config.writebackNs, "expire");
}
