/**
 * With a page that a guest waits for, its neighbours are asked for (US 9,086,981), whoever brings them: a
 * restore from its file, or the destination of a move from the host that was left.
 *
 * Must hold: this only has pages come earlier than they would. What is there, or was asked for, is not
 * asked for again; what the guest wrote meanwhile stays, as with everything that comes.
 */
import type { Access, MemoryEntity } from "./memory-state.ts";
import { type NeighbourBy, neighboursOf } from "./neighbours.ts";

/** Neighbours by address or in memory, and how many on each side. */
export type Prefetch = { readonly by: NeighbourBy; readonly distance: number };

export type PrefetchFigures = {
  /** Asked for because a neighbour was waited for; of a restore storage blocks, of a move pages. */
  readonly prefetched?: number;
  /** Neighbours that were there already, or on their way. */
  readonly alreadyThere?: number;
  readonly unmapped?: number;
  /** Entries of page tables that were looked at, and tables that were not there. */
  readonly walkSteps?: number;
  readonly absentTables?: number;
};

export type PrefetchWays = {
  readonly isThere: (page: number) => boolean;
  /** Asks for a page, unless that is on its way; whether it did. `isTable`: of the guest's page table. */
  readonly ask: (page: number, isTable: boolean) => boolean;
};

/** What it did, added to what was done before. */
export function prefetchNeighbours(
  memory: MemoryEntity,
  access: Access,
  prefetch: Prefetch,
  { isThere, ask }: PrefetchWays,
  before: PrefetchFigures,
): Required<PrefetchFigures> {
  const found = neighboursOf(memory, access, prefetch, isThere);
  let asked = 0;
  for (const page of found.tables) if (ask(page, true)) asked++;
  for (const page of found.pages) if (ask(page, false)) asked++;
  const all = found.tables.length + found.pages.length;
  return {
    prefetched: (before.prefetched ?? 0) + asked,
    alreadyThere: (before.alreadyThere ?? 0) + all - asked,
    unmapped: (before.unmapped ?? 0) + found.unmapped,
    walkSteps: (before.walkSteps ?? 0) + found.steps,
    absentTables: (before.absentTables ?? 0) + found.tables.length,
  };
}
