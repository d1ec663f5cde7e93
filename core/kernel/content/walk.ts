/**
 * Going through the runs of a span of sectors in order, gaps included, across chunks.
 */
import {
  ABSENT,
  CHUNK_SECTORS,
  firstRunAfter,
  headEnd,
  headKind,
  headStart,
  STAMP,
  type Chunk,
  ZERO,
} from "./chunk.ts";
import { absentChunks, findSlot, type Inner } from "./chunk-tree.ts";

/**
 * One piece of a run: `sectors` sectors from `sector` on, of one kind; `stamp` is its first. Written
 * pieces end at chunk borders. `chunk` holds the bytes where the kind is BYTES.
 */
export type VisitPiece = (
  kind: number,
  sector: number,
  sectors: number,
  stamp: number,
  chunk: Chunk | undefined,
) => void;

/** Visits sectors `sector` up to `sector + sectors`; every sector is in exactly one piece. */
export function walkRuns(root: Inner, sector: number, sectors: number, visit: VisitPiece): void {
  const past = sector + sectors;
  for (let at = sector; at < past;) {
    const index = Math.floor(at / CHUNK_SECTORS);
    const origin = index * CHUNK_SECTORS;
    const end = Math.min(past, origin + CHUNK_SECTORS);
    const slot = findSlot(root, index);
    if (slot === undefined) {
      const absentEnd = Math.min(past, (index + absentChunks(root, index)) * CHUNK_SECTORS);
      visit(ABSENT, at, absentEnd - at, 0, undefined);
      at = absentEnd;
      continue;
    }
    if (slot === 0) visit(ZERO, at, end - at, 0, undefined);
    else if (typeof slot === "number") visit(STAMP, at, end - at, slot + at - origin, undefined);
    else walkChunk(slot, origin, at - origin, end - origin, visit);
    at = end;
  }
}

function walkChunk(
  chunk: Chunk,
  origin: number,
  from: number,
  to: number,
  visit: VisitPiece,
): void {
  let at = from;
  for (let index = firstRunAfter(chunk, from); at < to && index < chunk.count; index++) {
    const head = chunk.runs[2 * index]!;
    const start = headStart(head);
    if (start >= to) break;
    if (start > at) {
      visit(ABSENT, origin + at, start - at, 0, undefined);
      at = start;
    }
    const kind = headKind(head);
    const stamp = chunk.runs[2 * index + 1]! + (kind === STAMP ? at - start : 0);
    const end = Math.min(headEnd(head), to);
    visit(kind, origin + at, end - at, stamp, chunk);
    at = end;
  }
  if (at < to) visit(ABSENT, origin + at, to - at, 0, undefined);
}
