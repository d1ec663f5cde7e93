/**
 * Where two contents differ, found without expanding a stamp and without entering what they share.
 */
import {
  ABSENT,
  BYTES,
  CHUNK_SECTORS,
  headEnd,
  headKind,
  headStart,
  STAMP,
  ZERO,
} from "./chunk.ts";
import type { Chunk } from "./chunk.ts";
import { forEachDifference, slotChunk, type Inner } from "./chunk-tree.ts";
import { appendRange, type SectorRange } from "./content-run.ts";
import { sameBytes } from "./pages.ts";

export interface Comparison {
  /** Sectors to look at; default: all that both have. */
  readonly span?: SectorRange;
  /** Whether never-written sectors differ from written zeros; default: no, both read as zeros. */
  readonly allocation?: boolean;
}

interface Side {
  readonly root: Inner;
  readonly sectors: number;
}

/** Ranges of sectors, in order, that differ. */
export function differingRanges(a: Side, b: Side, comparison: Comparison): SectorRange[] {
  const limit = Math.min(a.sectors, b.sectors);
  const from = comparison.span?.sector ?? 0;
  const to = Math.min(limit, from + (comparison.span?.sectors ?? limit));
  const ranges: SectorRange[] = [];
  if (from >= to) return ranges;
  const first = Math.floor(from / CHUNK_SECTORS);
  const past = Math.ceil(to / CHUNK_SECTORS);
  const gap = comparison.allocation === true ? ABSENT : ZERO;
  forEachDifference(a.root, b.root, first, past, (index, slotA, slotB) => {
    const origin = index * CHUNK_SECTORS;
    const low = Math.max(0, from - origin);
    const high = Math.min(CHUNK_SECTORS, to - origin);
    diffChunks(slotChunk(slotA), slotChunk(slotB), low, high, gap, (start, sectors) =>
      appendRange(ranges, origin + start, sectors),
    );
  });
  return ranges;
}

/** Reads the runs of a chunk front to back: what is at a place, and how far that goes. */
class Cursor {
  readonly chunk: Chunk;
  readonly #gap: number;
  #index = 0;
  kind = ABSENT;
  stamp = 0;
  end = 0;

  constructor(chunk: Chunk, gap: number) {
    this.chunk = chunk;
    this.#gap = gap;
  }

  seek(at: number): void {
    const { runs, count } = this.chunk;
    while (this.#index < count && headEnd(runs[2 * this.#index]!) <= at) this.#index++;
    const head = this.#index < count ? runs[2 * this.#index]! : 0;
    const inRun = this.#index < count && headStart(head) <= at;
    this.kind = inRun ? headKind(head) : this.#gap;
    this.end = inRun ? headEnd(head) : this.#index < count ? headStart(head) : CHUNK_SECTORS;
    const stamp = inRun ? runs[2 * this.#index + 1]! : 0;
    this.stamp = this.kind === STAMP ? stamp + at - headStart(head) : 0;
  }
}

function diffChunks(
  chunkA: Chunk,
  chunkB: Chunk,
  from: number,
  to: number,
  gap: number,
  report: (start: number, sectors: number) => void,
): void {
  const a = new Cursor(chunkA, gap);
  const b = new Cursor(chunkB, gap);
  for (let at = from; at < to;) {
    a.seek(at);
    b.seek(at);
    const end = Math.min(a.end, b.end, to);
    if (a.kind !== b.kind || a.stamp !== b.stamp) {
      report(at, end - at);
    } else if (a.kind === BYTES) {
      for (let sector = at; sector < end; sector++) {
        if (!sameBytes(chunkA.pages!, chunkB.pages!, sector)) report(sector, 1);
      }
    }
    at = end;
  }
}
