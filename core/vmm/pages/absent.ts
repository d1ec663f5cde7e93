/**
 * Pages that are not there yet, of a guest that runs already: a lazy restore brings them from a file,
 * a post-copy move from another host. They are what a client of this kind has armed traces on.
 *
 * Must hold: the guest sees no page before it is there (its access is held until then); only what is
 * absent is ever filled, never what the guest has written since.
 */
import type { Bitmap, ContentRun, EntityId } from "../../kernel/index.ts";
import { sliceRuns } from "../../platform/index.ts";
import { MACHINE_KIND } from "../rv64/end-entry.ts";
import type { MachineConfig } from "../rv64/machine-state.ts";
import type { VmEntity } from "../vm-state.ts";
import type { TraceWish } from "./clients.ts";
import { loadPages } from "./content.ts";
import { holdAccess } from "./held.ts";
import { clientBitmap, type MemoryEntity, PAGE_SECTORS, type TraceClient } from "./memory-state.ts";
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

/** Devices of real machines work on pages in the middle of a step, and cannot wait for them. */
export function canWaitForPages({ kind, config }: VmEntity): boolean {
  if (kind !== MACHINE_KIND) return true;
  const { board } = config.spec.config as unknown as MachineConfig;
  return board.disks.length === 0 && board.nics.length === 0;
}

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

export const absentPages = (self: MemoryEntity, client: string): Bitmap =>
  clientBitmap(self, client, "armed");

/**
 * For an owner, in its handler `trace-hit`. `held`: it hears of it again when the guest stands there;
 * `there`: a modelled guest's device overwrites whole pages and needs nothing of the old one;
 * `needed`: a real machine's device cannot wait in the middle of a step.
 */
export function onAbsentAccess(self: MemoryEntity, hit: TraceHit): "held" | "there" | "needed" {
  if (hit.vcpu !== DEVICE) {
    holdAccess(self, hit);
    return "held";
  }
  if (self.config.isReal) return "needed";
  absentPages(self, hit.client).delete(hit.page);
  return "there";
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
