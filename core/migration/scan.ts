/**
 * The order in which a round looks at pages: groups of 32, in a pseudo-random order drawn for the
 * round, so that what is dirtied together is not sent together and dirtied again (Clark et al. 2005).
 * The order is an affine permutation of the groups, so it takes two draws and no memory.
 */
import type { Bitmap } from "../kernel/index.ts";

export const GROUP_PAGES = 32;

export type Scan = {
  readonly groups: number;
  readonly factor: number;
  readonly offset: number;
  /** Groups that were looked at. */
  readonly next: number;
};

export const groupsOf = (pages: number): number => Math.ceil(pages / GROUP_PAGES);

/** `drawn`: two numbers below the number of groups. */
export function scanOf(pages: number, [first, offset]: readonly [number, number]): Scan {
  const groups = groupsOf(pages);
  let factor = Math.max(1, first);
  while (commonDivisor(factor, groups) !== 1) factor++;
  return { groups, factor, offset, next: 0 };
}

/** Group at a place in the order. Factors are below the number of groups, so products are exact. */
const groupAt = ({ groups, factor, offset }: Scan, place: number): number =>
  (place * factor + offset) % groups;

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

export type Picked = {
  /** Ranges of pages to send, in the order of the scan. */
  readonly ranges: readonly { readonly page: number; readonly pages: number }[];
  readonly pages: number;
  /** Left for the next round: dirtied again already. */
  readonly skipped: number;
  readonly next: number;
};

/**
 * The next pages of a round, about `most`. `wanted` null: all; `again`: those that are skipped;
 * `passed`: those that are not sent at all.
 */
export function pick(
  scan: Scan,
  pages: number,
  most: number,
  wanted: Bitmap | null,
  again: Bitmap | null,
  passed: Bitmap | null = null,
): Picked {
  const ranges: { page: number; pages: number }[] = [];
  let picked = 0;
  let skipped = 0;
  let place = scan.next;
  for (; place < scan.groups && picked < most; place++) {
    const first = groupAt(scan, place) * GROUP_PAGES;
    if (wanted !== null && wanted.words.get(first / GROUP_PAGES) === 0) continue;
    for (let page = first; page < Math.min(first + GROUP_PAGES, pages); page++) {
      if (wanted !== null && !wanted.has(page)) continue;
      if (passed !== null && passed.has(page)) continue;
      if (again !== null && again.has(page)) {
        skipped++;
        continue;
      }
      picked++;
      const last = ranges.at(-1);
      if (last !== undefined && last.page + last.pages === page) last.pages++;
      else ranges.push({ page, pages: 1 });
    }
  }
  return { ranges, pages: picked, skipped, next: place };
}
