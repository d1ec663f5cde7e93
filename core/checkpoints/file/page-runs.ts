/**
 * Pages by class, as a checkpoint keeps them: zeros and repeated words need no room, stamps are told
 * by their first one, bytes are kept as they are.
 *
 * Must hold: equal content gives equal lists, and `contentOf` gives back what `pageRuns` was given.
 */
import { assert, type ContentRun, MEMORY_PAGE_BYTES, SECTOR_BYTES } from "../../kernel/index.ts";
import { sliceRuns } from "../../platform/index.ts";
import { bytesOf } from "./bytes.ts";

/** Sectors of a page. */
export const PAGE_SECTORS = MEMORY_PAGE_BYTES / SECTOR_BYTES;
export const WORD_BYTES = 8;

export type PageRun =
  | { readonly class: "zero"; readonly pages: number }
  /** Each page is one word of 8 bytes again and again. */
  | { readonly class: "pattern"; readonly pages: number; readonly word: Uint8Array }
  /** `stamp` and its followers, one a sector. */
  | { readonly class: "stamps"; readonly pages: number; readonly stamp: number }
  | { readonly class: "bytes"; readonly pages: number; readonly bytes: Uint8Array };

/** Content of whole pages, by class. */
export function pageRuns(runs: readonly ContentRun[]): PageRun[] {
  const found: PageRun[] = [];
  const isWhole = runs.every(({ sectors }) => sectors % PAGE_SECTORS === 0);
  for (const run of isWhole ? runs : split(runs)) {
    const pages = run.sectors / PAGE_SECTORS;
    if (run.kind === "zero") append(found, { class: "zero", pages });
    else if (run.kind === "stamp") append(found, { class: "stamps", pages, stamp: run.stamp });
    else for (let page = 0; page < pages; page++) append(found, classify(run.bytes, page));
  }
  return found;
}

/** Runs that end within a page: each page for itself, in bytes where it is of several kinds. */
function split(runs: readonly ContentRun[]): ContentRun[] {
  const pages: ContentRun[] = [];
  let open: ContentRun[] = [];
  let room = PAGE_SECTORS;
  for (const run of runs) {
    for (let from = 0; from < run.sectors;) {
      const sectors = Math.min(room, run.sectors - from);
      open.push(...sliceRuns([run], from, sectors));
      from += sectors;
      room -= sectors;
      if (room > 0) continue;
      pages.push(open.length === 1 ? open[0]! : wholeBytes(open));
      open = [];
      room = PAGE_SECTORS;
    }
  }
  assert(open.length === 0, "content of whole pages");
  return pages;
}

const wholeBytes = (runs: readonly ContentRun[]): ContentRun => ({
  kind: "bytes",
  sectors: PAGE_SECTORS,
  bytes: bytesOf(runs),
});

function classify(all: Uint8Array, page: number): PageRun {
  const bytes = all.subarray(page * MEMORY_PAGE_BYTES, (page + 1) * MEMORY_PAGE_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, MEMORY_PAGE_BYTES);
  const low = view.getUint32(0, true);
  const high = view.getUint32(4, true);
  for (let at = WORD_BYTES; at < MEMORY_PAGE_BYTES; at += WORD_BYTES) {
    if (view.getUint32(at, true) !== low || view.getUint32(at + 4, true) !== high) {
      return { class: "bytes", pages: 1, bytes };
    }
  }
  if (low === 0 && high === 0) return { class: "zero", pages: 1 };
  return { class: "pattern", pages: 1, word: bytes.slice(0, WORD_BYTES) };
}

function append(runs: PageRun[], run: PageRun): void {
  const last = runs.at(-1);
  const joined = last === undefined ? undefined : join(last, run);
  if (joined === undefined) runs.push(run);
  else runs[runs.length - 1] = joined;
}

function join(a: PageRun, b: PageRun): PageRun | undefined {
  const pages = a.pages + b.pages;
  if (a.class === "zero" && b.class === "zero") return { class: "zero", pages };
  if (a.class === "pattern" && b.class === "pattern") {
    return a.word.every((byte, i) => byte === b.word[i]) ? { ...a, pages } : undefined;
  }
  if (a.class === "stamps" && b.class === "stamps") {
    return b.stamp === a.stamp + a.pages * PAGE_SECTORS ? { ...a, pages } : undefined;
  }
  if (a.class !== "bytes" || b.class !== "bytes") return undefined;
  if (isBehind(a.bytes, b.bytes)) {
    return { class: "bytes", pages, bytes: stretched(a.bytes, b.bytes.length) };
  }
  const bytes = new Uint8Array(a.bytes.length + b.bytes.length);
  bytes.set(a.bytes);
  bytes.set(b.bytes, a.bytes.length);
  return { class: "bytes", pages, bytes };
}

/** The second begins in memory where the first ends: nothing needs to be copied. */
const isBehind = (a: Uint8Array, b: Uint8Array): boolean =>
  a.buffer === b.buffer && a.byteOffset + a.length === b.byteOffset;

const stretched = ({ buffer, byteOffset, length }: Uint8Array, more: number): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length + more);

/** As it is put into memory again. */
export function contentOf(run: PageRun): ContentRun {
  const sectors = run.pages * PAGE_SECTORS;
  if (run.class === "zero") return { kind: "zero", sectors };
  if (run.class === "stamps") return { kind: "stamp", sectors, stamp: run.stamp };
  if (run.class === "bytes") return { kind: "bytes", sectors, bytes: run.bytes };
  const bytes = new Uint8Array(run.pages * MEMORY_PAGE_BYTES);
  for (let at = 0; at < bytes.length; at += WORD_BYTES) bytes.set(run.word, at);
  return { kind: "bytes", sectors, bytes };
}
