/**
 * Pages that are not there yet, of a guest that runs already: a lazy restore brings them from a file,
 * a post-copy move from another host. They are what a client of this kind has armed traces on.
 *
 * Must hold: the guest sees no page before it is there (its access is held until then); only what is
 * absent is ever filled, never what the guest has written since.
 */
import type { Bitmap, ContentRun, EntityId } from "../../kernel/index.ts";
import { sliceRuns } from "../../platform/index.ts";
import type { TraceWish } from "./clients.ts";
import { loadPages } from "./content.ts";
import { holdAccess } from "./held.ts";
import {
  clientBitmap,
  type MemoryEntity,
  type MemoryState,
  PAGE_SECTORS,
  type TraceClient,
} from "./memory-state.ts";
import { DEVICE, type TraceHit } from "./tracer.ts";

/** Over everybody: what is not there can be neither saved, nor copied, nor checked. */
const ABSENT_PRIORITY = 100;

const kindOfAbsent = {
  mode: "accesses",
  granularity: "4KiB",
  keeps: true,
  priority: ABSENT_PRIORITY,
  onMove: "before-copy",
} as const;

/** What makes all pages absent, of a memory that vCPUs may know. The owner fills them. */
export const absentWish = (client: string, owner: EntityId): TraceWish => ({
  ...kindOfAbsent,
  client,
  by: "all",
  owner,
});

/** All pages are absent, of a memory that no vCPU has seen yet: no TLB has anything to flush. */
export function lackAll(self: MemoryEntity, name: string, owner: EntityId): void {
  const made: TraceClient = { ...kindOfAbsent, name, owner, pending: null, hits: 0 };
  (self.edit().clients as TraceClient[]).unshift(made);
  clientBitmap(self, name, "armed").addRange(0, self.config.pages);
}

/** Who brings pages that are not there. */
export const absentClients = (self: MemoryEntity): readonly TraceClient[] =>
  absentClientsOf(self.volatile);

/** The same in the state of a memory. */
export const absentClientsOf = ({ clients }: Pick<MemoryState, "clients">): TraceClient[] =>
  clients.filter(({ onMove }) => onMove === kindOfAbsent.onMove);

export const absentPages = (self: MemoryEntity, client: string): Bitmap =>
  clientBitmap(self, client, "armed");

/**
 * For an owner, in its handler `trace-hit`: it hears of the access again when the guest stands before it.
 * Devices and firmware of real machines wait too; those of modelled guests overwrite whole pages, and
 * need nothing of the old one.
 */
export function onAbsentAccess(self: MemoryEntity, hit: TraceHit): void {
  if (hit.vcpu !== DEVICE || self.config.isReal) return holdAccess(self, hit);
  absentPages(self, hit.client).delete(hit.page);
}

export type Filled = {
  readonly filled: readonly { readonly page: number; readonly pages: number }[];
  /** Pages that were there already: what came is older. */
  readonly keptPages: number;
};

/** Content comes for consecutive pages, or what is absent of them. `overwrites`: a planted bug. */
export function fillAbsent(
  self: MemoryEntity,
  client: string,
  page: number,
  runs: readonly ContentRun[],
  overwrites = false,
): Filled {
  const absent = absentPages(self, client);
  const end = page + runs.reduce((sum, { sectors }) => sum + sectors, 0) / PAGE_SECTORS;
  const filled: { page: number; pages: number }[] = [];
  let keptPages = 0;
  for (let at = page; at < end;) {
    const isAbsent = overwrites || absent.has(at);
    const next = overwrites ? end : endOfSpan(absent, at, end);
    if (isAbsent) {
      const from = (at - page) * PAGE_SECTORS;
      loadPages(self, at, sliceRuns(runs, from, (next - at) * PAGE_SECTORS));
      for (let each = at; each < next; each++) absent.delete(each);
      filled.push({ page: at, pages: next - at });
    } else keptPages += next - at;
    at = next;
  }
  return { filled, keptPages };
}

/** Where pages end that are all absent, or all there. */
function endOfSpan(absent: Bitmap, page: number, limit: number): number {
  const isAbsent = absent.has(page);
  let end = page + 1;
  while (end < limit && absent.has(end) === isAbsent) end++;
  return end;
}
