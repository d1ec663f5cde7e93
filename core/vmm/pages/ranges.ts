/** Pages of a bitmap as ranges. */
import type { Bitmap } from "../../kernel/index.ts";

export function bitmapRanges(bitmap: Bitmap): { page: number; pages: number }[] {
  const ranges: { page: number; pages: number }[] = [];
  for (let page = bitmap.next(0); page >= 0; page = bitmap.next(page + 1)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.page + last.pages === page) last.pages++;
    else ranges.push({ page, pages: 1 });
  }
  return ranges;
}
