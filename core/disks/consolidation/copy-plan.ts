/** Which ranges to copy next: whole stretches, cut off where nothing more is held. */
import type { SectorContent, SectorRange } from "../../kernel/index.ts";

/** Sectors of a range that is copied at a time, unless the operation is told otherwise. */
export const COPY_SECTORS = 1_024;
/** Ranges that are copied at once. */
export const COPY_DEPTH = 4;

/** Sectors of the map that are looked at in one go, at most. */
const WINDOW_SECTORS = 1_048_576;

/** Of what `map` holds up to `count` ranges of at most `copySectors`, from `from` on, and where the next look begins. */
export function nextRanges(
  map: SectorContent,
  from: number,
  copySectors: number,
  count: number,
): { readonly ranges: readonly SectorRange[]; readonly cursor: number } {
  const { sectors: size } = map;
  const ranges: SectorRange[] = [];
  let at = from;
  let look = copySectors;
  while (at < size && ranges.length < count) {
    const window = Math.min(look, size - at);
    const first = map.allocatedRuns(at, window)[0];
    if (first === undefined) {
      at += window;
      look = Math.min(look * 2, WINDOW_SECTORS);
      continue;
    }
    look = copySectors;
    const span = Math.min(copySectors, size - first.sector);
    const last = map.allocatedRuns(first.sector, span).at(-1)!;
    ranges.push({ sector: first.sector, sectors: last.sector + last.sectors - first.sector });
    at = first.sector + span;
  }
  return { ranges, cursor: at };
}
