/**
 * The content of a span of sectors as a canonical list of runs; sectors never written read as zeros.
 */
import { assert } from "../assert.ts";
import { BYTES, CHUNK_SECTORS, STAMP, type Chunk } from "./chunk.ts";
import type { Inner } from "./chunk-tree.ts";
import { SECTOR_BYTES, type ContentRun } from "./content-run.ts";
import { gatherBytes } from "./pages.ts";
import { walkRuns } from "./walk.ts";

interface Piece {
  readonly chunk: Chunk;
  readonly sector: number;
  readonly sectors: number;
}

export function readRuns(root: Inner, sector: number, sectors: number): ContentRun[] {
  const runs: ContentRun[] = [];
  let pieces: Piece[] = [];
  let pendingBytes = 0;
  const flushBytes = (): void => {
    if (pendingBytes === 0) return;
    runs.push({ kind: "bytes", sectors: pendingBytes, bytes: joinPieces(pieces, pendingBytes) });
    pieces = [];
    pendingBytes = 0;
  };
  walkRuns(root, sector, sectors, (kind, start, length, stamp, chunk) => {
    if (kind === BYTES) {
      assert(chunk !== undefined, "bytes without a chunk");
      pieces.push({ chunk, sector: start, sectors: length });
      pendingBytes += length;
      return;
    }
    flushBytes();
    if (kind === STAMP) pushStamps(runs, length, stamp);
    else pushZeros(runs, length);
  });
  flushBytes();
  return runs;
}

function pushZeros(runs: ContentRun[], sectors: number): void {
  const last = runs.at(-1);
  if (last?.kind === "zero")
    runs[runs.length - 1] = { kind: "zero", sectors: last.sectors + sectors };
  else runs.push({ kind: "zero", sectors });
}

function pushStamps(runs: ContentRun[], sectors: number, stamp: number): void {
  const last = runs.at(-1);
  if (last?.kind === "stamp" && last.stamp + last.sectors === stamp) {
    runs[runs.length - 1] = { kind: "stamp", sectors: last.sectors + sectors, stamp: last.stamp };
  } else {
    runs.push({ kind: "stamp", sectors, stamp });
  }
}

function joinPieces(pieces: readonly Piece[], sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * SECTOR_BYTES);
  let at = 0;
  for (const { chunk, sector, sectors: length } of pieces) {
    const from = sector % CHUNK_SECTORS;
    assert(chunk.pages !== null, "a run of bytes without pages");
    gatherBytes(chunk.pages, from, from + length, bytes, at);
    at += length * SECTOR_BYTES;
  }
  return bytes;
}
