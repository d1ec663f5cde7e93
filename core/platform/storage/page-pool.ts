/**
 * The memory that a host gives to its page cache, shared by all cached devices. Least recently used
 * pages go first; pages that hold what is not yet written back stay.
 *
 * Must hold: never more pages than `limitPages`, counted at the end of every event. Recency is two
 * maps that are inverse to each other, kept as sector contents because those are sparse, join
 * neighbours and cost a snapshot what changed: `order` (here) from tick to page, `age` (of each
 * device) from page to tick. All of it is lost with the host.
 */
import { assert, component, type Entity, SECTOR_BYTES, type World } from "../../kernel/index.ts";
import type { PageCacheEntity } from "./page-cache-state.ts";
import { contentOf, PAGE_SECTORS } from "./page-cache-state.ts";

export type PagePoolConfig = {
  readonly limitPages: number;
  /** Dirty pages beyond this are written back before more writes are taken. */
  readonly dirtyLimitPages: number;
};

export type PagePoolDurable = { readonly devices: readonly number[] };

export type PagePoolState = {
  /** Tick of the next page that is touched. */
  readonly tick: number;
  /** No page is older. */
  readonly oldest: number;
  readonly pages: number;
};

export type PagePoolEntity = Entity<PagePoolConfig, PagePoolDurable, PagePoolState>;

export const pagePool = component<PagePoolConfig, PagePoolDurable, PagePoolState>({
  kind: "page-pool",
  durable: () => ({ devices: [] }),
  volatile: () => ({ tick: 0, oldest: 0, pages: 0 }),
  handlers: {},
  crashed: (self) => self.world.contents.remove(`${self.name}#order`),
});

const PAGES_PER_DEVICE = 2 ** 31;
const SCAN_TICKS = 4096;

/** Content number that stands for a page of a device; 0 would be zeros. */
const pageKey = (device: number, page: number): number => device * PAGES_PER_DEVICE + page + 1;

/** Makes pages the most recently used ones; those that are new take memory. */
export function touchPages(
  pool: PagePoolEntity,
  device: PageCacheEntity,
  page: number,
  pages: number,
): void {
  const age = contentOf(device, "age");
  const order = pool.content("order");
  const state = pool.edit();
  let known = 0;
  for (const run of age.read(page, pages)) {
    if (run.kind !== "stamp") continue;
    order.discard(run.stamp - 1, run.sectors);
    known += run.sectors;
  }
  age.writeStamps(page, pages, state.tick + 1);
  order.writeStamps(state.tick, pages, pageKey(device.id, page));
  state.tick += pages;
  state.pages += pages - known;
}

/** Evicts until the limit holds; `isPinned` pages are passed over, as if they were just used. */
export function evictPages(
  pool: PagePoolEntity,
  isPinned: (device: PageCacheEntity, page: number) => boolean,
): void {
  const { limitPages } = pool.config;
  for (let tries = pool.volatile.pages; pool.volatile.pages > limitPages; tries--) {
    assert(tries > 0, () => `${pool.name}: every page is pinned`);
    const tick = oldestTick(pool);
    const order = pool.content("order");
    const run = order.read(tick, 1)[0]!;
    assert(run.kind === "stamp", "a page without its key");
    const page = (run.stamp - 1) % PAGES_PER_DEVICE;
    const id = Math.floor((run.stamp - 1) / PAGES_PER_DEVICE);
    const device = pool.world.entityOrNone(id) as PageCacheEntity | undefined;
    if (device !== undefined && isPinned(device, page)) {
      touchPages(pool, device, page, 1);
      continue;
    }
    order.discard(tick, 1);
    pool.edit().pages--;
    if (device !== undefined) forgetPage(device, page);
  }
}

function forgetPage(device: PageCacheEntity, page: number): void {
  contentOf(device, "age").discard(page, 1);
  const sector = page * PAGE_SECTORS;
  const cached = contentOf(device, "cached");
  cached.discard(sector, Math.min(PAGE_SECTORS, cached.sectors - sector));
}

function oldestTick(pool: PagePoolEntity): number {
  const order = pool.content("order");
  const { oldest, tick } = pool.volatile;
  for (let from = oldest; from < tick; from += SCAN_TICKS) {
    const found = order.allocatedRuns(from, Math.min(SCAN_TICKS, tick - from))[0];
    if (found === undefined) continue;
    pool.edit().oldest = found.sector;
    return found.sector;
  }
  assert(false, () => `${pool.name} counts pages that are in no order`);
}

/** Memory for the page cache of `host`, under the name `HOST/page-pool-N` or `options.name`. */
export function spawnPagePool(
  world: World,
  host: Entity,
  options: { readonly sizeBytes: number; readonly name?: string },
): PagePoolEntity {
  const limitPages = Math.floor(options.sizeBytes / (PAGE_SECTORS * SECTOR_BYTES));
  assert(limitPages >= 16, () => `a page cache of ${options.sizeBytes} bytes; at least 64 KiB`);
  const config = { limitPages, dirtyLimitPages: Math.floor((limitPages * 2) / 5) };
  const name = options.name === undefined ? {} : { name: options.name };
  return world.spawn(pagePool, config, { creator: host, ...name });
}
