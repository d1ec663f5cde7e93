// Looking through the page tables of a hart (Sv39, privileged specification 4.4) without leaving a trace in them.

import * as arch from "../architecture.ts";
import type { Engine } from "../engine.ts";
import { HART_PRIVILEGE, HART_SATP, PRIVILEGE_M, RAM_BASE } from "../layout.ts";

/** Pages that lie behind each other in both address spaces, with equal permissions. */
export interface Mapping {
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly bytes: bigint;
  /** `rwxu` as far as they apply, then `a` and `d` for accessed and dirty. */
  readonly permissions: string;
}

const PHYSICAL_PAGE = (1n << 44n) - 1n;
const MOST_MAPPINGS = 4_096;

function readEntry({ ram }: Engine, address: bigint): bigint | null {
  const offset = Number(address - BigInt(RAM_BASE));
  if (offset < 0 || offset + 8 > ram.length) return null;
  return new DataView(ram.buffer, ram.byteOffset).getBigUint64(offset, true);
}

const rootOf = (engine: Engine, hart: number): bigint | null => {
  const satp = engine.word(hart, HART_SATP);
  return satp >> 60n === 0n ? null : (satp & PHYSICAL_PAGE) << 12n;
};

const isLeaf = (entry: bigint): boolean => (Number(entry) & (arch.PTE_R | arch.PTE_X)) !== 0;
const isValid = (entry: bigint): boolean => (Number(entry & 1n) & arch.PTE_V) !== 0;

/**
 * Physical address of a virtual one as `satp` translates it, whatever the mode; the same address when
 * translation is off; null when nothing is mapped there.
 */
export function translateAddress(engine: Engine, hart: number, virtual: bigint): bigint | null {
  let table = rootOf(engine, hart);
  if (table === null) return virtual;
  if (BigInt.asUintN(64, BigInt.asIntN(39, virtual)) !== virtual) return null;
  for (let level = 2n; level >= 0n; level--) {
    const index = (virtual >> (12n + 9n * level)) & 511n;
    const entry = readEntry(engine, table + index * 8n);
    if (entry === null || !isValid(entry)) return null;
    const page = (entry >> 10n) & PHYSICAL_PAGE;
    const within = (1n << (12n + 9n * level)) - 1n;
    if (isLeaf(entry)) return ((page << 12n) & ~within) | (virtual & within);
    table = page << 12n;
  }
  return null;
}

/** Page of RAM behind a virtual address; or a page of a table that is not there; or nothing. */
export type PageWalk =
  | { readonly page: number; readonly steps: number }
  | { readonly table: number; readonly steps: number }
  | { readonly none: true; readonly steps: number };

const pageOfRam = (address: bigint): number => Number((address - BigInt(RAM_BASE)) >> 12n);

/**
 * Walks the tables of a hart, three levels at most, as far as they are there: what `isThere` denies is
 * not looked at, and what lies there is believed to be a table whatever it is.
 */
export function walkPage(
  engine: Engine,
  hart: number,
  virtual: bigint,
  isThere: (page: number) => boolean,
): PageWalk {
  const isBare = Number(engine.word(hart, HART_PRIVILEGE)) === PRIVILEGE_M;
  let table = isBare ? null : rootOf(engine, hart);
  if (table === null) return { page: pageOfRam(virtual), steps: 0 };
  if (BigInt.asUintN(64, BigInt.asIntN(39, virtual)) !== virtual) return { none: true, steps: 0 };
  for (let level = 2n, steps = 1; level >= 0n; level--, steps++) {
    if (table < BigInt(RAM_BASE)) return { none: true, steps };
    if (!isThere(pageOfRam(table))) return { table: pageOfRam(table), steps };
    const entry = readEntry(engine, table + ((virtual >> (12n + 9n * level)) & 511n) * 8n);
    if (entry === null || !isValid(entry)) return { none: true, steps };
    const address = ((entry >> 10n) & PHYSICAL_PAGE) << 12n;
    const within = (1n << (12n + 9n * level)) - 1n;
    if (isLeaf(entry)) return { page: pageOfRam((address & ~within) | (virtual & within)), steps };
    table = address;
  }
  return { none: true, steps: 3 };
}

function permissionsOf(entry: bigint): string {
  const bits = [
    [arch.PTE_R, "r"],
    [arch.PTE_W, "w"],
    [arch.PTE_X, "x"],
    [arch.PTE_U, "u"],
    [arch.PTE_A, "a"],
    [arch.PTE_D, "d"],
  ] as const;
  return bits.map(([bit, letter]) => ((Number(entry & 0xffn) & bit) === 0 ? "-" : letter)).join("");
}

/** Everything that a hart's page tables map, in order of virtual addresses; null: translation is off. */
export function mappingsOf(engine: Engine, hart: number): Mapping[] | null {
  const root = rootOf(engine, hart);
  if (root === null) return null;
  const mappings: Mapping[] = [];
  const walk = (table: bigint, level: bigint, base: bigint): void => {
    for (let index = 0n; index < 512n && mappings.length < MOST_MAPPINGS; index++) {
      const entry = readEntry(engine, table + index * 8n);
      if (entry === null || !isValid(entry)) continue;
      const at = base + (index << (12n + 9n * level));
      const physical = ((entry >> 10n) & PHYSICAL_PAGE) << 12n;
      if (isLeaf(entry)) {
        const virtual = BigInt.asUintN(64, BigInt.asIntN(39, at));
        const bytes = 1n << (12n + 9n * level);
        append(mappings, { virtual, physical, bytes, permissions: permissionsOf(entry) });
      } else if (level > 0n) walk(physical, level - 1n, at);
    }
  };
  walk(root, 2n, 0n);
  return mappings;
}

function append(mappings: Mapping[], next: Mapping): void {
  const last = mappings.at(-1);
  const isBehind =
    last !== undefined &&
    last.permissions === next.permissions &&
    last.virtual + last.bytes === next.virtual &&
    last.physical + last.bytes === next.physical;
  if (isBehind) mappings[mappings.length - 1] = { ...last, bytes: last.bytes + next.bytes };
  else mappings.push(next);
}
