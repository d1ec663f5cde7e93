/**
 * Pages on the wire: rows of numbers, and bytes behind one another, so that a message of a thousand
 * scattered pages is two byte arrays and not a thousand objects.
 */
import { assert, type ContentRun, SECTOR_BYTES } from "../kernel/index.ts";
import { PAGE_SECTORS } from "../vmm/index.ts";

/** Consecutive pages; of private ones the runs are ciphertext. */
export type PageSpan = {
  readonly page: number;
  readonly pages: number;
  readonly isPrivate: boolean;
  readonly runs: readonly ContentRun[];
};

export type PackedPages = { readonly rows: Uint8Array; readonly bytes: Uint8Array };

/** Of a row: first page, pages, privacy, stamp of the first sector (or what stands for bytes). */
const ROW = 4;
const BYTES = -1;
const PAGE_BYTES = PAGE_SECTORS * SECTOR_BYTES;

export function packPages(spans: readonly PageSpan[]): PackedPages {
  const rows: number[] = [];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const { page, isPrivate, runs } of spans) {
    let at = page;
    for (const run of runs) {
      const pages = run.sectors / PAGE_SECTORS;
      const stamp = run.kind === "zero" ? 0 : run.kind === "stamp" ? run.stamp : BYTES;
      rows.push(at, pages, isPrivate ? 1 : 0, stamp);
      if (run.kind === "bytes") length += parts.push(run.bytes) && run.bytes.length;
      at += pages;
    }
  }
  const bytes = new Uint8Array(length);
  let filled = 0;
  for (const part of parts) {
    bytes.set(part, filled);
    filled += part.length;
  }
  return { rows: new Uint8Array(Float64Array.from(rows).buffer), bytes };
}

/** Calls back with each span, one run each. */
export function unpackPages({ rows, bytes }: PackedPages, take: (span: PageSpan) => void): void {
  const numbers = new Float64Array(rows.slice().buffer);
  assert(numbers.length % ROW === 0, "rows of four numbers");
  let used = 0;
  for (let at = 0; at < numbers.length; at += ROW) {
    const pages = numbers[at + 1]!;
    const stamp = numbers[at + 3]!;
    const sectors = pages * PAGE_SECTORS;
    let run: ContentRun = { kind: "zero", sectors };
    if (stamp === BYTES) {
      const end = used + pages * PAGE_BYTES;
      run = { kind: "bytes", sectors, bytes: bytes.subarray(used, end) };
      used = end;
    } else if (stamp !== 0) run = { kind: "stamp", sectors, stamp };
    take({ page: numbers[at]!, pages, isPrivate: numbers[at + 2] === 1, runs: [run] });
  }
}
