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
  const collector = new RunCollector();
  walkRuns(root, sector, sectors, (kind, start, length, stamp, chunk) => {
    if (kind === BYTES) collector.bytes(chunk!, start, length);
    else if (kind === STAMP) collector.stamps(length, stamp);
    else collector.zeros(length);
  });
  return collector.finish();
}

/** Joins pieces into runs. */
class RunCollector {
  readonly #runs: ContentRun[] = [];
  #pieces: Piece[] = [];

  bytes(chunk: Chunk, sector: number, sectors: number): void {
    this.#pieces.push({ chunk, sector, sectors });
  }

  zeros(sectors: number): void {
    if (this.#pieces.length > 0) this.#flushBytes();
    const last = this.#runs.length - 1;
    const run = last >= 0 ? this.#runs[last]! : undefined;
    if (run?.kind === "zero") this.#runs[last] = { kind: "zero", sectors: run.sectors + sectors };
    else this.#runs.push({ kind: "zero", sectors });
  }

  stamps(sectors: number, stamp: number): void {
    if (this.#pieces.length > 0) this.#flushBytes();
    const last = this.#runs.length - 1;
    const run = last >= 0 ? this.#runs[last]! : undefined;
    if (run?.kind === "stamp" && run.stamp + run.sectors === stamp) {
      this.#runs[last] = { kind: "stamp", sectors: run.sectors + sectors, stamp: run.stamp };
    } else {
      this.#runs.push({ kind: "stamp", sectors, stamp });
    }
  }

  finish(): ContentRun[] {
    if (this.#pieces.length > 0) this.#flushBytes();
    return this.#runs;
  }

  #flushBytes(): void {
    const sectors = this.#pieces.reduce((sum, piece) => sum + piece.sectors, 0);
    const bytes = new Uint8Array(sectors * SECTOR_BYTES);
    let at = 0;
    for (const { chunk, sector, sectors: length } of this.#pieces) {
      const from = sector % CHUNK_SECTORS;
      assert(chunk.pages !== null, "a run of bytes without pages");
      gatherBytes(chunk.pages, from, from + length, bytes, at);
      at += length * SECTOR_BYTES;
    }
    this.#runs.push({ kind: "bytes", sectors, bytes });
    this.#pieces = [];
  }
}
