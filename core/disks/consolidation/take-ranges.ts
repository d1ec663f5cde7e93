/** Ranges that are still to be copied, taken in pieces. */
import type { SectorRange } from "../../kernel/index.ts";
import { COPY_DEPTH } from "./copy-plan.ts";

/** Takes the next ranges from the front of `left`, none longer than is copied at a time. */
export function takeRanges(left: SectorRange[], copySectors: number): SectorRange[] {
  const ranges: SectorRange[] = [];
  while (ranges.length < COPY_DEPTH && left.length > 0) {
    const { sector, sectors } = left[0]!;
    const length = Math.min(sectors, copySectors);
    ranges.push({ sector, sectors: length });
    if (length === sectors) left.shift();
    else left[0] = { sector: sector + length, sectors: sectors - length };
  }
  return ranges;
}
