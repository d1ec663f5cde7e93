/**
 * A device seen through its host's page cache. Modes: `none` passes everything down, `writethrough`
 * keeps what was read and written, `writeback` acknowledges writes that are in memory only; those
 * are lost with the host unless flushed, and told as the notice "lost-writes" {device, medium,
 * writes, sectors}.
 *
 * Must hold: a sector in memory is at least as new as below; overlapping writes go down one after
 * the other; a read that passes a write is not kept. Handler: `io` (block contract).
 */
import {
  assert,
  component,
  type ContentRun,
  type Entity,
  type EntityId,
  type Reply,
  type Request,
  SectorContent,
  type SectorRange,
  type World,
} from "../../kernel/index.ts";
import {
  answer,
  type BlockRequest,
  bytesBack,
  bytesOut,
  type DiscardRequest,
  DONE,
  HEADER_BYTES,
  isInRange,
  overlaps,
  type ReadRequest,
  type ReadValue,
  LATENCY_SERIES,
  refused,
  sliceRuns,
  type WriteRequest,
} from "./block.ts";
import {
  type CacheMode,
  contentOf,
  dropContents,
  type Fill,
  gapsIn,
  IDLE,
  isPinned,
  PAGE_SECTORS,
  type PageCacheConfig,
  type PageCacheEntity,
  type PageCacheState,
  pagesOf,
  type Through,
  type Waiter,
} from "./page-cache-state.ts";
import { evictPages, type PagePoolEntity, touchPages } from "./page-pool.ts";
import {
  dirtyPagesInPool,
  flushedBelow,
  markDirtyPages,
  poolOf,
  setTimer,
  startRoundIfNeeded,
  writtenBack,
} from "./write-back.ts";

type Finished = {
  readonly request: Request;
  readonly arrivedNs: number;
  readonly runs: readonly ContentRun[] | null;
};

export const pageCache = component<PageCacheConfig, Record<never, never>, PageCacheState>({
  kind: "page-cache",
  volatile: () => ({
    next: 1,
    fills: {},
    throughs: {},
    held: [],
    flushes: [],
    round: IDLE,
    timer: false,
    due: false,
    paused: false,
    dirtyWrites: 0,
  }),
  handlers: {
    io: takeIo,
    finish,
    filled,
    passed,
    "written-back": writtenBack,
    "flushed-below": flushedBelow,
    "advance-all": advanceAll,
    expire,
  },
  crashed: loseMemory,
});

function takeIo(self: PageCacheEntity, request: Request<BlockRequest>): void {
  const io = request.body;
  const { mode, sectors } = self.config;
  if (!isInRange(io, sectors)) return answer(self, request, refused("out-of-range"));
  const bare: Request = { ...request, body: null };
  const through: Through = { request: bare, io, arrivedNs: self.simulatedNs };
  if (mode === "none") {
    passDown(self, through);
    return;
  }
  if (io.op === "read") return read(self, through, io);
  if (io.op === "flush") {
    (self.edit().flushes as Waiter[]).push({ request: bare, arrivedNs: self.simulatedNs });
  } else {
    (self.edit().held as Through[]).push(through);
  }
  advance(self);
}

// --- reads ----------------------------------------------------------------------------------------

function read(self: PageCacheEntity, { request, arrivedNs }: Through, io: ReadRequest): void {
  const cached = contentOf(self, "cached");
  const { sector, sectors } = io;
  const { page, pages } = pagesOf(io);
  if (gapsIn(cached, io).length === 0) {
    touchPages(poolOf(self), self, page, pages);
    const done: Finished = { request, arrivedNs, runs: cached.read(sector, sectors) };
    self.measure("read-hits", 1);
    self.after(self.config.hitNs, "finish", done);
    return;
  }
  const from = page * PAGE_SECTORS;
  const to = Math.min((page + pages) * PAGE_SECTORS, self.config.sectors);
  const fetched: SectorRange = { sector: from, sectors: to - from };
  const state = self.edit();
  const id = state.next++;
  const fill: Fill = { request, wanted: { sector, sectors }, fetched, stale: false, arrivedNs };
  (state.fills as { [id: string]: Fill })[id] = fill;
  self.measure("read-misses", 1);
  self.ask(self.config.lower, "io", { op: "read", ...fetched }, { then: "filled", tag: id });
}

function filled(self: PageCacheEntity, reply: Reply): void {
  const id = reply.tag as number;
  const { request, wanted, fetched, stale, arrivedNs } = self.volatile.fills[id]!;
  delete self.edit().fills[id];
  self.measure("read-latency-ns", self.simulatedNs - arrivedNs);
  if (!reply.ok) return answer(self, request, reply);
  const { runs } = reply.value as unknown as ReadValue;
  const cached = contentOf(self, "cached");
  const seen = new SectorContent(fetched.sectors);
  seen.write(0, runs);
  for (const held of cached.allocatedRuns(fetched.sector, fetched.sectors)) {
    seen.write(held.sector - fetched.sector, cached.read(held.sector, held.sectors));
  }
  if (!stale && isCacheable(self, fetched)) keep(self, fetched, runs);
  const value = { runs: seen.read(wanted.sector - fetched.sector, wanted.sectors) };
  answer(self, request, { ok: true, value });
}

/** More than a quarter of the memory at once passes it by. */
function isCacheable(self: PageCacheEntity, range: SectorRange): boolean {
  return pagesOf(range).pages * 4 <= poolOf(self).config.limitPages;
}

/** Puts what came from below where memory holds nothing newer. */
function keep(self: PageCacheEntity, range: SectorRange, runs: readonly ContentRun[]): void {
  const cached = contentOf(self, "cached");
  for (const gap of gapsIn(cached, range)) {
    cached.write(gap.sector, sliceRuns(runs, gap.sector - range.sector, gap.sectors));
  }
  useMemory(self, range);
}

function useMemory(self: PageCacheEntity, range: SectorRange): void {
  const { page, pages } = pagesOf(range);
  const pool = poolOf(self);
  touchPages(pool, self, page, pages);
  evictPages(pool, isPinned);
}

function finish(self: PageCacheEntity, { request, arrivedNs, runs }: Finished): void {
  const latencyNs = self.simulatedNs - arrivedNs;
  if (runs !== null) {
    self.measure("read-latency-ns", latencyNs);
    return answer(self, request, { ok: true, value: { runs } });
  }
  self.edit().dirtyWrites++;
  self.measure("write-latency-ns", latencyNs);
  answer(self, request, DONE);
}

// --- writes ---------------------------------------------------------------------------------------

/** Takes what can be taken now, then writes back if that is due. */
function advance(self: PageCacheEntity): void {
  while (self.volatile.held.length > 0 && takeHeld(self, self.volatile.held[0]!)) {
    (self.edit().held as Through[]).shift();
  }
  const { dirtyLimitPages } = poolOf(self).config;
  const pressed =
    self.volatile.held.length > 0 || dirtyPagesInPool(poolOf(self)) * 2 > dirtyLimitPages;
  startRoundIfNeeded(self, pressed);
}

/** After a round: memory that it freed may be what another device waits for. */
function advanceAll(self: PageCacheEntity): void {
  for (const id of poolOf(self).durable.devices) {
    const device = self.world.entityOrNone(id) as PageCacheEntity | undefined;
    if (device !== undefined) advance(device);
  }
}

function expire(self: PageCacheEntity): void {
  const state = self.edit();
  state.timer = false;
  state.due = true;
  state.paused = false;
  advance(self);
}

/** Takes a write or discard unless it has to wait. */
function takeHeld(self: PageCacheEntity, held: Through): boolean {
  const io = held.io as WriteRequest | DiscardRequest;
  const { throughs } = self.volatile;
  for (const id in throughs) {
    const other = throughs[id]!.io;
    if (other.op !== "flush" && overlaps(other, io)) return false;
  }
  if (self.config.mode === "writethrough") return passDown(self, held);
  const { dirtyLimitPages } = poolOf(self).config;
  const { pages } = pagesOf(io);
  if (io.op === "write" && pages <= dirtyLimitPages) {
    if (dirtyPagesInPool(poolOf(self)) + pages > dirtyLimitPages) return pressOthers(self);
    takeDirtyWrite(self, held, io);
    return true;
  }
  const { sector, sectors } = io;
  const isIn = (label: "dirty" | "writing") =>
    contentOf(self, label).allocatedRuns(sector, sectors).length > 0;
  return isIn("dirty") || isIn("writing") ? false : passDown(self, held);
}

/** The memory may be full of what other devices have not written back. */
function pressOthers(self: PageCacheEntity): false {
  for (const id of poolOf(self).durable.devices) {
    const device = self.world.entityOrNone(id) as PageCacheEntity | undefined;
    if (device !== undefined && device !== self) startRoundIfNeeded(device, true);
  }
  return false;
}

function takeDirtyWrite(self: PageCacheEntity, held: Through, io: WriteRequest): void {
  const { request, arrivedNs } = held;
  contentOf(self, "cached").write(io.sector, io.runs);
  contentOf(self, "dirty").write(io.sector, io.runs);
  markDirtyPages(self, io);
  markFillsStale(self, io);
  useMemory(self, io);
  setTimer(self);
  if (io.fua === true || io.barrier === true) {
    (self.edit().flushes as Waiter[]).push({ request, arrivedNs });
    return;
  }
  const done: Finished = { request, arrivedNs, runs: null };
  self.after(self.config.hitNs, "finish", done);
}

function markFillsStale(self: PageCacheEntity, range: SectorRange): void {
  const { fills } = self.volatile;
  for (const id in fills) {
    if (!fills[id]!.stale && overlaps(fills[id]!.fetched, range)) {
      self.edit().fills[id]!.stale = true;
    }
  }
}

function passDown(self: PageCacheEntity, through: Through): true {
  const state = self.edit();
  const id = state.next++;
  (state.throughs as { [id: string]: Through })[id] = through;
  const { io } = through;
  const bytes = HEADER_BYTES + bytesOut(io);
  self.ask(self.config.lower, "io", io, { then: "passed", tag: id, bytes });
  return true;
}

function passed(self: PageCacheEntity, reply: Reply): void {
  const id = reply.tag as number;
  const { request, io, arrivedNs } = self.volatile.throughs[id]!;
  delete self.edit().throughs[id];
  if (io.op !== "discard") self.measure(LATENCY_SERIES[io.op], self.simulatedNs - arrivedNs);
  if (self.config.mode !== "none" && (io.op === "write" || io.op === "discard")) {
    settleThrough(self, io, reply.ok);
  }
  answer(self, request, reply, bytesBack(io));
  if (self.config.mode !== "none") advance(self);
}

/** Memory follows what is below; after a failure nobody knows what that is. */
function settleThrough(
  self: PageCacheEntity,
  io: WriteRequest | DiscardRequest,
  ok: boolean,
): void {
  markFillsStale(self, io);
  if (ok && io.op === "write" && isCacheable(self, io)) {
    contentOf(self, "cached").write(io.sector, io.runs);
    return useMemory(self, io);
  }
  contentOf(self, "cached").discard(io.sector, io.sectors);
}

// --- power loss, build ----------------------------------------------------------------------------

function loseMemory(self: PageCacheEntity): void {
  if (self.config.mode === "writeback") {
    const { dirtyWrites, round } = self.volatile;
    const writes = dirtyWrites + round.writes;
    const dirty = contentOf(self, "dirty");
    const onlyWriting = contentOf(self, "writing")
      .allocatedRuns()
      .flatMap((range) => gapsIn(dirty, range));
    const sectors = onlyWriting.reduce((sum, gap) => sum + gap.sectors, dirty.allocatedSectors);
    if (writes > 0 && sectors > 0) {
      self.notice("lost-writes", { device: self.name, medium: "memory", writes, sectors });
    }
  }
  dropContents(self);
}

export type PageCacheOptions = {
  readonly mode: CacheMode;
  /** The device below: a disk or an initiator of the same domain. */
  readonly lower: EntityId;
  readonly pool: PagePoolEntity;
  readonly sectors: number;
  /** Default: 2 us. Above 0, or a guest that never pauses would stop time. */
  readonly hitNs?: number;
  /** Default: 30 s. */
  readonly writebackNs?: number;
};

const HIT_NS = 2_000;
const WRITEBACK_NS = 30_000_000_000;

/** A cached device, under the name `CREATOR/page-cache-N` or `options.name`. */
export function spawnPageCache(
  world: World,
  creator: Entity,
  options: PageCacheOptions & { readonly name?: string },
): PageCacheEntity {
  const { mode, lower, pool, sectors, hitNs = HIT_NS, writebackNs = WRITEBACK_NS } = options;
  assert(hitNs > 0 && writebackNs > 0, "a page cache needs time");
  const config: PageCacheConfig = { mode, lower, pool: pool.id, sectors, hitNs, writebackNs };
  const name = options.name === undefined ? {} : { name: options.name };
  const entity = world.spawn(pageCache, config, { creator, ...name });
  (pool.editDurable().devices as number[]).push(entity.id);
  return entity;
}

/** Forgets a cached device, and what was not yet written back. Its pages count until evicted. */
export function closePageCache(self: PageCacheEntity): void {
  const pool = poolOf(self).editDurable();
  pool.devices = pool.devices.filter((id) => id !== self.id);
  self.world.remove(self as unknown as Entity);
}
