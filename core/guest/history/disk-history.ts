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
import { overlaps, settle } from "./settle.ts";
import { runsOf } from "./value-runs.ts";

export class DiskHistory {
  readonly #settled: SectorContent;
  readonly #journal: Editable<DiskJournal>;

  constructor(settled: SectorContent, journal: Editable<DiskJournal>) {
    this.#settled = settled;
    this.#journal = journal;
  }

  get sectors(): number {
    return this.#settled.sectors;
  }

  /** The disk is larger by now: what is new holds nothing. */
  grow(sectors: number): void {
    if (sectors > this.#settled.sectors) this.#settled.resize(sectors);
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

  #settle(firstOpenRead: number): void {
    const { writes } = this.#journal;
    // What one round takes out may order the rest of an older write, so rounds go on until none does.
    for (;;) {
      const settled = settle(writes, firstOpenRead);
      if (settled.length === 0) return;
      for (const { sector, sectors, stamp } of settled) {
        this.#settled.writeStamps(sector, sectors, stamp);
      }
    }
  }

  #writeOf(issued: number): Editable<RecentWrite> {
    const write = this.#journal.writes.findLast((each) => each.issued === issued);
    assert(write, () => `no write was sent at ${issued}`);
    return write;
  }
}
