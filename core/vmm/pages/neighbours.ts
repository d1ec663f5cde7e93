/**
 * Pages that a guest is likely to touch next to one that it waits for: behind the neighbours of its
 * virtual address (US 9,086,981), found by walking the guest's own page table, or the neighbours in
 * memory itself (the baseline).
 *
 * Must hold: a hint and no more. Nothing is changed; what the table says is believed of no page but to
 * ask for it; a part of the table that is not there ends the walk, and is itself named to be asked for.
 */
import { liveMachine, type MachineEntity } from "../rv64/machine-state.ts";
import { rv64 } from "../../guest/index.ts";
import { type Access, type MemoryEntity, ownerOf, type TouchBatch } from "./memory-state.ts";
import { ModelledPageTable } from "./page-table.ts";
import { DEVICE } from "./tracer.ts";

export type NeighbourBy = "virtual" | "physical";

export type Neighbours = {
  /** Pages of memory, the nearest first. */
  readonly pages: readonly number[];
  /** Pages of the table that were needed and are not there: few, nothing behind them is looked at. */
  readonly tables: readonly number[];
  /** Entries of tables that were looked at. */
  readonly steps: number;
  /** Neighbours that the guest has not mapped, or that lie outside its memory. */
  readonly unmapped: number;
};

/** How a virtual page is found in memory. */
type Found =
  | { readonly page: number; readonly steps: number }
  | { readonly table: number; readonly steps: number }
  | { readonly none: true; readonly steps: number };

/** Of the table, asked for after one access at most. */
const MOST_TABLES = 2;

/** `distance`: neighbours on each side. `isThere`: of a page of memory. */
export function neighboursOf(
  self: MemoryEntity,
  access: Access,
  { by, distance }: { readonly by: NeighbourBy; readonly distance: number },
  isThere: (page: number) => boolean,
): Neighbours {
  const inMemory = (page: number): boolean => page >= 0 && page < self.config.pages;
  if (by === "physical") {
    const all = around(distance).map((offset) => access.page + offset);
    const pages = all.filter(inMemory);
    return { pages, tables: [], steps: 0, unmapped: all.length - pages.length };
  }
  const look = self.config.isReal
    ? realWalk(self, access, isThere)
    : modelledWalk(self, access, isThere);
  const pages: number[] = [];
  const tables = new Set<number>();
  let steps = 0;
  let unmapped = 0;
  for (const offset of look === undefined ? [] : around(distance)) {
    const found = look!(offset);
    steps += found.steps;
    if ("page" in found && inMemory(found.page)) pages.push(found.page);
    else if ("table" in found && inMemory(found.table)) {
      if (tables.size < MOST_TABLES) tables.add(found.table);
    } else unmapped++;
  }
  return { pages, tables: [...tables], steps, unmapped };
}

/** The next page first: programs go upwards. */
function around(distance: number): number[] {
  return Array.from({ length: 2 * distance }, (_, i) =>
    i % 2 === 0 ? i / 2 + 1 : -Math.ceil(i / 2),
  );
}

type Walk = ((offset: number) => Found) | undefined;
type IsThere = (page: number) => boolean;

function modelledWalk({ config, volatile }: MemoryEntity, access: Access, isThere: IsThere): Walk {
  const percent = volatile.batch?.fragmentationPercent ?? 0;
  // It lies in order: the neighbours are the same.
  if (percent === 0) return (offset) => ({ page: access.page + offset, steps: 1 });
  const table = new ModelledPageTable(config.pages, config.number, percent);
  const virtual = table.virtualOf(access.page);
  const mapped = Math.min(mappedPages(volatile.batch!), table.pages);
  if (virtual < 0) return undefined;
  return (offset) => {
    const next = virtual + offset;
    if (next < 0 || next >= mapped) return { none: true, steps: 0 };
    const holder = table.tableOf(next);
    if (!isThere(holder)) return { table: holder, steps: 1 };
    return { page: table.physicalOf(next), steps: 1 };
  };
}

/** Virtual pages that the guest uses: from 0 on. */
function mappedPages({ workingSetPages, further }: TouchBatch): number {
  const last = further?.at(-1);
  return last === undefined ? workingSetPages : last.firstPage + last.workingSetPages;
}

const PAGE_BITS = 12n;

/** By the `satp` of the hart that waits, from the address that its instruction has, or is at. */
function realWalk(self: MemoryEntity, { page, vcpu }: Access, isThere: IsThere): Walk {
  // A device has no addresses of the guest's.
  if (vcpu === DEVICE) return undefined;
  const { engine } = liveMachine(ownerOf(self) as unknown as MachineEntity);
  const walk = (virtual: bigint) => rv64.walkPage(engine, vcpu, virtual, isThere);
  const virtual = rv64.addressesOfNext(engine, vcpu).find((each) => {
    const found = walk(each);
    return "page" in found && found.page === page;
  });
  if (virtual === undefined) return undefined;
  return (offset) => walk(BigInt.asUintN(64, virtual + (BigInt(offset) << PAGE_BITS)));
}
