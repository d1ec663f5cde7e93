/**
 * From runs to bytes: what a real guest reads and an exported image holds.
 */
import { assert } from "../assert.ts";
import { SECTOR_BYTES, type ContentRun, type SectorRange } from "./content-run.ts";
import { expandStamp, viewOf } from "./expansion.ts";

/** Whatever can be read sector by sector: a store, or a view through a chain of redo logs. */
export interface ReadableContent {
  /** Size in sectors. */
  readonly sectors: number;
  /** Canonical runs; sectors never written read as zeros. */
  read(sector: number, sectors: number): ContentRun[];
  /** Written sectors within a span, as ranges in order that do not touch. */
  allocatedRuns(sector?: number, sectors?: number): SectorRange[];
}

/** Writes the bytes of `runs` one after the other to `out`, from byte `at` on. */
export function expandRuns(runs: readonly ContentRun[], out: Uint8Array, at = 0): void {
  const view = viewOf(out);
  let position = at;
  for (const run of runs) {
    const length = run.sectors * SECTOR_BYTES;
    assert(position + length <= out.length, "more content than room for it");
    if (run.kind === "zero") out.fill(0, position, position + length);
    else if (run.kind === "bytes") out.set(run.bytes, position);
    else {
      for (let index = 0; index < run.sectors; index++) {
        expandStamp(run.stamp + index, view, position + index * SECTOR_BYTES);
      }
    }
    position += length;
  }
}

/** The bytes of `sectors` sectors from `sector` on, written to `out` from its start. */
export function expandSectors(
  content: Pick<ReadableContent, "read">,
  sector: number,
  sectors: number,
  out: Uint8Array,
): void {
  expandRuns(content.read(sector, sectors), out);
}
