/**
 * Takes writes out of the list of recent ones: those whose content is durable and that are ordered
 * with everything near them. What they have covered for good goes with them.
 */
import type { RecentWrite } from "./recent-write.ts";

type Span = { readonly sector: number; readonly sectors: number };

export const overlaps = (a: Span, b: Span): boolean =>
  a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;

/**
 * Removes them from `writes` and returns them, in the order in which they overwrite each other. A
 * read sent at `firstOpenRead` or later may still find what was there before.
 */
export function settle(writes: RecentWrite[], firstOpenRead: number): RecentWrite[] {
  const settled: RecentWrite[] = [];
  const near = new Neighbours(writes);
  const instead = new Map<RecentWrite, readonly RecentWrite[]>();
  for (const each of writes) {
    for (const write of remaining(each, instead)) {
      if (!write.durable || write.sure >= firstOpenRead) continue;
      const others = near.of(write);
      if (!others.every((other) => other.issued > write.ends || other.ends < write.issued))
        continue;
      settled.push(write);
      replace(write, [], near, instead);
      for (const older of others) {
        if (older.ends < write.issued) replace(older, outside(older, write), near, instead);
      }
    }
  }
  if (settled.length > 0) {
    const left = writes.flatMap((write) => remaining(write, instead));
    writes.length = 0;
    for (const write of left) writes.push(write);
  }
  return settled;
}

/** What is left of a write, after all replacements. */
function remaining(
  write: RecentWrite,
  instead: ReadonlyMap<RecentWrite, readonly RecentWrite[]>,
): readonly RecentWrite[] {
  const parts = instead.get(write);
  return parts === undefined ? [write] : parts.flatMap((part) => remaining(part, instead));
}

function replace(
  write: RecentWrite,
  parts: readonly RecentWrite[],
  near: Neighbours,
  instead: Map<RecentWrite, readonly RecentWrite[]>,
): void {
  instead.set(write, parts);
  near.remove(write);
  for (const part of parts) near.add(part);
}

/** The parts of `write` that `cover` leaves. */
function outside(write: RecentWrite, cover: Span): RecentWrite[] {
  const end = write.sector + write.sectors;
  const past = cover.sector + cover.sectors;
  const parts: RecentWrite[] = [];
  if (write.sector < cover.sector) parts.push(cut(write, write.sector, cover.sector));
  if (end > past) parts.push(cut(write, past, end));
  return parts;
}

function cut(write: RecentWrite, from: number, to: number): RecentWrite {
  const stamp = write.stamp === 0 ? 0 : write.stamp + from - write.sector;
  return { ...write, sector: from, sectors: to - from, stamp };
}

/** Finds the writes that overlap one, without going through all: by cells of so many sectors. */
const CELL = 256;

class Neighbours {
  readonly #cells = new Map<number, Set<RecentWrite>>();

  constructor(writes: readonly RecentWrite[]) {
    for (const write of writes) this.add(write);
  }

  add(write: RecentWrite): void {
    for (let cell = firstCell(write); cell <= lastCell(write); cell++) {
      const known = this.#cells.get(cell);
      if (known === undefined) this.#cells.set(cell, new Set([write]));
      else known.add(write);
    }
  }

  remove(write: RecentWrite): void {
    for (let cell = firstCell(write); cell <= lastCell(write); cell++) {
      this.#cells.get(cell)?.delete(write);
    }
  }

  of(write: RecentWrite): RecentWrite[] {
    const found = new Set<RecentWrite>();
    for (let cell = firstCell(write); cell <= lastCell(write); cell++) {
      for (const other of this.#cells.get(cell) ?? []) {
        if (other !== write && overlaps(other, write)) found.add(other);
      }
    }
    return [...found];
  }
}

const firstCell = ({ sector }: Span): number => Math.floor(sector / CELL);
const lastCell = ({ sector, sectors }: Span): number => Math.floor((sector + sectors - 1) / CELL);
