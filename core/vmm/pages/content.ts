/**
 * Content of a guest's pages, as the host may have it: runs of sectors (8 a page), alike for modelled
 * guests and real ones.
 *
 * Must hold: a private page comes out as ciphertext and goes in as ciphertext only; what comes out of
 * one memory and goes into another of the same machine is the same content there.
 */
import {
  assert,
  type ContentRun,
  MEMORY_PAGE_BYTES,
  type PagedMemory,
} from "../../kernel/index.ts";
import { catchUp } from "../rv64/advancing.ts";
import { type MachineEntity, RAM } from "../rv64/machine-state.ts";
import { cipherBytes, cipherStamp, plainStamp } from "./cipher.ts";
import {
  type MemoryEntity,
  ownerOf,
  PAGE_SECTORS,
  privatePages,
  stampsOf,
} from "./memory-state.ts";
import { catchUpTouches } from "./touches.ts";

/** Everything up to the present has happened to the memory. */
export function settleMemory(self: MemoryEntity): void {
  if (!self.config.isReal) return catchUpTouches(self);
  const machine = ownerOf(self) as unknown as MachineEntity | undefined;
  if (machine !== undefined) catchUp(machine);
}

/** RAM of a real guest, and behind it its harts; undefined before it is started. */
export const ramOf = (self: MemoryEntity): PagedMemory | undefined =>
  self.world.memories.get(`${ownerOf(self)?.name ?? ""}#${RAM}`);

/** What pages hold at the last `settleMemory`. */
export function readPages(self: MemoryEntity, page: number, pages: number): ContentRun[] {
  assert(page >= 0 && pages >= 1 && page + pages <= self.config.pages, "pages of the guest");
  return self.config.isReal ? readBytes(self, page, pages) : readStamps(self, page, pages);
}

function readStamps(self: MemoryEntity, page: number, pages: number): ContentRun[] {
  const stamps = stampsOf(self);
  const hidden = privatePages(self);
  const runs: ContentRun[] = [];
  for (let at = page; at < page + pages;) {
    const next = hidden.next(at, page + pages);
    const isHidden = next === at;
    const end = isHidden || next < 0 ? page + pages : next;
    const run = stamps.runAt(at, isHidden ? 1 : end - at);
    const { first, step } = run;
    const isOne = run.count === 1 || step === PAGE_SECTORS || (first === 0 && step === 0);
    const count = isOne ? run.count : 1;
    const stamp = isHidden ? cipherStamp(self.config.number, first) : first;
    append(runs, stamp, count * PAGE_SECTORS);
    at += count;
  }
  return runs;
}

function append(runs: ContentRun[], stamp: number, sectors: number): void {
  const last = runs.at(-1);
  const joins =
    stamp === 0
      ? last?.kind === "zero"
      : last?.kind === "stamp" && last.stamp + last.sectors === stamp;
  if (joins) runs[runs.length - 1] = { ...last!, sectors: last!.sectors + sectors } as ContentRun;
  else runs.push(stamp === 0 ? { kind: "zero", sectors } : { kind: "stamp", sectors, stamp });
}

function readBytes(self: MemoryEntity, page: number, pages: number): ContentRun[] {
  const { backing } = ramOf(self)!;
  const hidden = privatePages(self);
  const bytes = new Uint8Array(pages * MEMORY_PAGE_BYTES);
  for (let i = 0; i < pages; i++) {
    const own = backing.read(page + i);
    const shown = hidden.has(page + i) ? cipherBytes(self.config.number, page + i, own) : own;
    bytes.set(shown, i * MEMORY_PAGE_BYTES);
  }
  if (bytes.every((byte) => byte === 0)) return [{ kind: "zero", sectors: pages * PAGE_SECTORS }];
  return [{ kind: "bytes", sectors: pages * PAGE_SECTORS, bytes }];
}

/**
 * Puts content into pages of a guest that does not run: a restore, the destination of a migration. Of
 * pages marked private the content is ciphertext. It is no access of the guest: traces do not see it.
 */
export function loadPages(self: MemoryEntity, page: number, runs: readonly ContentRun[]): void {
  let at = page;
  for (const run of runs) {
    const pages = run.sectors / PAGE_SECTORS;
    assert(Number.isInteger(pages) && at + pages <= self.config.pages, "runs of whole pages");
    if (self.config.isReal) loadBytes(self, at, pages, run);
    else loadStamps(self, at, pages, run);
    at += pages;
  }
}

function loadStamps(self: MemoryEntity, page: number, pages: number, run: ContentRun): void {
  assert(run.kind !== "bytes", "a modelled guest's memory holds stamps");
  const stamps = stampsOf(self);
  const hidden = privatePages(self);
  const first = run.kind === "zero" ? 0 : run.stamp;
  const end = page + pages;
  stamps.fill(page, pages, first, run.kind === "zero" ? 0 : PAGE_SECTORS);
  for (let at = hidden.next(page, end); at >= 0; at = hidden.next(at + 1, end)) {
    stamps.set(at, plainStamp(self.config.number, stamps.get(at)));
  }
}

const NO_BYTES = new Uint8Array(MEMORY_PAGE_BYTES);

function loadBytes(self: MemoryEntity, page: number, pages: number, run: ContentRun): void {
  assert(run.kind !== "stamp", "a real guest's memory holds bytes");
  const { backing } = ramOf(self)!;
  const hidden = privatePages(self);
  for (let i = 0; i < pages; i++) {
    const from = i * MEMORY_PAGE_BYTES;
    const given =
      run.kind === "zero" ? NO_BYTES : run.bytes.subarray(from, from + MEMORY_PAGE_BYTES);
    const own = hidden.has(page + i) ? cipherBytes(self.config.number, page + i, given) : given;
    backing.write(page + i, own);
  }
}

/** The guest makes pages private, or shared again: what the host sees of them is ciphertext. */
export function setPrivate(
  self: MemoryEntity,
  page: number,
  pages: number,
  isPrivate: boolean,
): void {
  const hidden = privatePages(self);
  if (isPrivate) hidden.addRange(page, pages);
  else {
    const end = page + pages;
    for (let at = hidden.next(page, end); at >= 0; at = hidden.next(at + 1, end)) {
      hidden.delete(at);
    }
  }
}
