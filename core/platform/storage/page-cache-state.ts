/**
 * The state of a device's page cache. Its contents, all lost with the host: `cached` (what is in
 * memory, sector by sector), `dirty` (of that, what the device below does not have), `writing`
 * (what is on its way down), `dirty-pages` and `writing-pages` (the pages that those are in), `age`
 * (see page-pool.ts).
 */
import type { Entity, EntityId, Request, SectorContent, SectorRange } from "../../kernel/index.ts";
import type { BlockRequest } from "./block.ts";

export const PAGE_SECTORS = 8;

export type CacheMode = "none" | "writethrough" | "writeback";

export type PageCacheConfig = {
  readonly mode: CacheMode;
  /** The device below; in the same domain. */
  readonly lower: EntityId;
  readonly pool: EntityId;
  readonly sectors: number;
  /** Time of a request that memory answers. */
  readonly hitNs: number;
  /** Age at which dirty pages are written back. */
  readonly writebackNs: number;
};

/** A read on its way from below. */
export type Fill = {
  readonly request: Request;
  readonly wanted: SectorRange;
  readonly fetched: SectorRange;
  /** What it reads was written meanwhile, so it is not kept. */
  readonly stale: boolean;
  readonly arrivedNs: number;
};

/** A request on its way down that answers its sender when it is answered. */
export type Through = {
  readonly request: Request;
  readonly io: BlockRequest;
  readonly arrivedNs: number;
};

/** One pass of writing back: what was dirty at its start goes down, then a flush if one waits. */
export type Round = {
  readonly active: boolean;
  readonly flushing: boolean;
  /** Not yet sent. */
  readonly left: readonly SectorRange[];
  readonly inFlight: number;
  readonly waiters: readonly Waiter[];
  /** Code of the first failure; "" while all is well. */
  readonly failed: string;
  /** Acknowledged writes that it carries. */
  readonly writes: number;
};

export type Waiter = { readonly request: Request; readonly arrivedNs: number };

export type PageCacheState = {
  readonly next: number;
  readonly fills: { readonly [id: string]: Fill };
  readonly throughs: { readonly [id: string]: Through };
  /** Writes and discards that must wait, in order of arrival. */
  readonly held: readonly Through[];
  readonly flushes: readonly Waiter[];
  readonly round: Round;
  /** The timer that ends the time pages may stay dirty is set. */
  readonly timer: boolean;
  /** That time is over. */
  readonly due: boolean;
  /** The last round failed: the next one waits for the timer, or for a flush. */
  readonly paused: boolean;
  /** Acknowledged writes since the last round began. */
  readonly dirtyWrites: number;
};

export type PageCacheEntity = Entity<PageCacheConfig, Record<never, never>, PageCacheState>;

export const IDLE: Round = {
  active: false,
  flushing: false,
  left: [],
  inFlight: 0,
  waiters: [],
  failed: "",
  writes: 0,
};

const LABELS = ["cached", "dirty", "writing", "dirty-pages", "writing-pages", "age"] as const;
export type CacheLabel = (typeof LABELS)[number];

export function contentOf(self: PageCacheEntity, label: CacheLabel): SectorContent {
  const { sectors } = self.config;
  const counted = label === "cached" || label === "dirty" || label === "writing";
  return self.content(label, counted ? sectors : Math.ceil(sectors / PAGE_SECTORS));
}

export function dropContents(self: PageCacheEntity): void {
  for (const label of LABELS) self.world.contents.remove(`${self.name}#${label}`);
}

/** The pages that sectors lie in. */
export function pagesOf({ sector, sectors }: SectorRange): {
  readonly page: number;
  readonly pages: number;
} {
  const page = Math.floor(sector / PAGE_SECTORS);
  return { page, pages: Math.ceil((sector + sectors) / PAGE_SECTORS) - page };
}

export function dirtyPagesOf(self: PageCacheEntity): number {
  if (self.config.mode !== "writeback") return 0;
  const dirty = contentOf(self, "dirty-pages").allocatedSectors;
  return dirty + contentOf(self, "writing-pages").allocatedSectors;
}

/** Whether a page holds what the device below does not have. */
export function isPinned(self: PageCacheEntity, page: number): boolean {
  if (self.config.mode !== "writeback") return false;
  const isIn = (label: CacheLabel) => contentOf(self, label).allocatedRuns(page, 1).length > 0;
  return isIn("dirty-pages") || isIn("writing-pages");
}

/** Parts of `range` that `content` does not hold. */
export function gapsIn(content: SectorContent, { sector, sectors }: SectorRange): SectorRange[] {
  const gaps: SectorRange[] = [];
  let at = sector;
  for (const held of content.allocatedRuns(sector, sectors)) {
    if (held.sector > at) gaps.push({ sector: at, sectors: held.sector - at });
    at = held.sector + held.sectors;
  }
  if (at < sector + sectors) gaps.push({ sector: at, sectors: sector + sectors - at });
  return gaps;
}
