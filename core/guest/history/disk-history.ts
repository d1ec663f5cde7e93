/**
 * What a guest may find on one of its disks, by what it did and what it was told.
 *
 * `settled` holds, sector by sector, content that is known and durable. Writes that are newer, or
 * whose fate is not known, are in a short list. Must hold (per sector, as of a register): content of
 * a write may be read unless another write certainly took effect after it and before the read. A
 * crash makes every write that was not flushed uncertain again: it may have taken effect before the
 * crash, or never. Nothing that a device of `core/platform/storage/block.ts` may do is refused.
 */
import { assert, type ContentRun, type Editable, type SectorContent } from "../../kernel/index.ts";
import { checkRead, type ReadSpan, type Verdict } from "./check-read.ts";
import { type DiskJournal, NEVER, type RecentWrite } from "./recent-write.ts";
import { runsOf } from "./value-runs.ts";

export class DiskHistory {
  readonly #settled: SectorContent;
  readonly #journal: Editable<DiskJournal>;

  constructor(settled: SectorContent, journal: Editable<DiskJournal>) {
    this.#settled = settled;
    this.#journal = journal;
  }

  /** A write was sent; `stamp` 0 for zeros. */
  sent(sector: number, sectors: number, stamp: number, clock: number): void {
    this.#journal.writes.push({
      sector,
      sectors,
      stamp,
      issued: clock,
      ends: NEVER,
      sure: NEVER,
      durable: false,
    });
  }

  acknowledged(issued: number, clock: number, durable: boolean, firstOpenRead: number): void {
    const write = this.#writeOf(issued);
    write.ends = clock;
    write.sure = clock;
    write.durable = durable;
    if (durable) this.#settle(firstOpenRead);
  }

  /** `over`: the device has given up, so that it takes no effect later. */
  failed(issued: number, clock: number, over: boolean): void {
    if (over) this.#writeOf(issued).ends = clock;
  }

  /** A flush that was sent at `issued` is answered. */
  flushed(issued: number, firstOpenRead: number): void {
    for (const write of this.#journal.writes) if (write.sure < issued) write.durable = true;
    this.#settle(firstOpenRead);
  }

  /** The power was lost. `clock` and `clock + 1` are readings that nothing else has. */
  crashed(clock: number): void {
    const journal = this.#journal;
    journal.crashedAt = clock;
    journal.crashStamp = journal.nextStamp;
    for (const write of journal.writes) {
      if (write.durable) continue;
      write.ends = Math.min(write.ends, clock);
      write.sure = NEVER;
    }
  }

  /** Judges what a read found, and learns from it which of the doubtful writes happened. */
  found(span: ReadSpan, runs: readonly ContentRun[], clock: number): Verdict {
    const { writes, crashedAt, crashStamp } = this.#journal;
    const near = writes.filter((write) => overlaps(write, span));
    const settled = this.#settled.read(span.sector, span.sectors);
    const verdict = checkRead(span, runs, settled, near, crashedAt, crashStamp);
    for (const { sector, sectors, stamp } of verdict.learned) {
      const issued = crashedAt + 1;
      writes.push({ sector, sectors, stamp, issued, ends: clock, sure: clock, durable: false });
    }
    return verdict;
  }

  /** The likeliest content: every write that was answered took effect, in the order sent. */
  expected(sector: number, sectors: number): ContentRun[] {
    const span = { sector, sectors };
    const near = this.#journal.writes.filter(
      (write) => write.sure !== NEVER && overlaps(write, span),
    );
    const settled = this.#settled.read(sector, sectors);
    return near.length === 0 ? settled : runsOf(span, settled, near);
  }

  /** Whether anything was ever written there. */
  touched(sector: number, sectors: number): boolean {
    const span = { sector, sectors };
    if (this.#journal.writes.some((write) => overlaps(write, span))) return true;
    return this.#settled.allocatedRuns(sector, sectors).length > 0;
  }

  /** Moves what is durable, and ordered with everything near it, out of the list. */
  #settle(firstOpenRead: number): void {
    const { writes } = this.#journal;
    for (let index = 0; index < writes.length;) {
      const write = writes[index]!;
      if (!write.durable || write.sure >= firstOpenRead || !isOrdered(write, writes)) {
        index++;
        continue;
      }
      writes.splice(index, 1);
      this.#settled.writeStamps(write.sector, write.sectors, write.stamp);
      index = Math.max(0, index - carveOlder(writes, write, index));
    }
  }

  #writeOf(issued: number): Editable<RecentWrite> {
    const write = this.#journal.writes.findLast((each) => each.issued === issued);
    assert(write, () => `no write was sent at ${issued}`);
    return write;
  }
}

const overlaps = (a: ReadSpan | RecentWrite, b: { sector: number; sectors: number }): boolean =>
  a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;

/** Whether every other write nearby came certainly before it or certainly after it. */
function isOrdered(write: RecentWrite, writes: readonly RecentWrite[]): boolean {
  return writes.every(
    (other) =>
      other === write ||
      !overlaps(other, write) ||
      other.issued > write.ends ||
      other.ends < write.issued,
  );
}

/**
 * Cuts out of older writes what `newer` has covered for good. Returns by how many places the list
 * shrank before `index`.
 */
function carveOlder(writes: RecentWrite[], newer: RecentWrite, index: number): number {
  const past = newer.sector + newer.sectors;
  let shrunk = 0;
  for (let at = writes.length - 1; at >= 0; at--) {
    const older = writes[at]!;
    if (older.ends >= newer.issued || !overlaps(older, newer)) continue;
    const parts: RecentWrite[] = [];
    const end = older.sector + older.sectors;
    if (older.sector < newer.sector) parts.push(cut(older, older.sector, newer.sector));
    if (end > past) parts.push(cut(older, past, end));
    writes.splice(at, 1, ...parts);
    if (at < index) shrunk += 1 - parts.length;
  }
  return shrunk;
}

function cut(write: RecentWrite, from: number, to: number): RecentWrite {
  const stamp = write.stamp === 0 ? 0 : write.stamp + from - write.sector;
  return { ...write, sector: from, sectors: to - from, stamp };
}
