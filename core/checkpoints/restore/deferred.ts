/**
 * Deferred page contents (US 9,529,728 and 10,691,341): before a machine goes on only the indexes of
 * storage blocks are read, which say of each page whether it is zeros, one word again and again, or what
 * only the file has. A page whose class is known is never waited for: it is made when it is touched.
 * That its contents are not there yet is what the trace of an absent page says ("needs update").
 *
 * Pages of a class that are only read share one canonical page. Zeros are there from the beginning, so
 * those pages never need an update; a word's canonical page is made at the first load. The first store
 * to a shared page gives it one of its own, made anew and not copied.
 *
 * Must hold: whoever looks sees what an eager load would have put there; contents first, then the flag;
 * a class has as many references as pages that share its page, and none when it has no page.
 */
import type { Bitmap } from "../../kernel/index.ts";
import {
  absentPages,
  clientBitmap,
  DEVICE,
  loadPages,
  type MemoryEntity,
  removeTraces,
  type TraceHit,
} from "../../vmm/index.ts";
import { contentOf } from "../file/page-runs.ts";
import type { KnownRun } from "../file/storage-block.ts";
import type { Restorer } from "./restorer-state.ts";

/** Trace client: stores to pages that share a canonical page. */
export const SHARED_CLIENT = "restore-shared";

/** Notice after a page was made; data is {vm, checkpoint, memory, page}. For invariants. */
export const MADE_NOTICE = "page-made";
/** Notice when canonical pages are given up; data is {vm, references, shared}. */
export const SHARING_NOTICE = "page-sharing";

/** What a search must reach, else it shows nothing. */
export const MAKES_PAGE = "a page whose class is known is made when it is touched";

/** Class of each page: 0: only the file has it, else one more than its number. */
const classOf = (self: Restorer) =>
  self.world.arrays.open(`${self.name}#class`, "u32", self.config.pages);

const shared = (memory: MemoryEntity): Bitmap => clientBitmap(memory, SHARED_CLIENT, "armed");

/** What an index says of pages that this storage block is the source of. */
export function learn(
  self: Restorer,
  memory: MemoryEntity,
  { first, pages, word }: KnownRun,
  isOwn: (page: number) => boolean,
): void {
  const classes = classOf(self);
  const absent = absentPages(memory, self.config.client);
  const isZero = word.every((byte) => byte === 0);
  const number = classNumber(self, word);
  let known = 0;
  for (let page = first; page < first + pages; page++) {
    if (!isOwn(page) || !absent.has(page)) continue;
    classes.set(page, number + 1);
    known++;
    if (isZero) share(self, memory, page, number);
  }
  const { figures } = self.edit();
  figures.knownPages = (figures.knownPages ?? 0) + known;
}

function classNumber(self: Restorer, word: Uint8Array): number {
  const bytes = [...word];
  const { classes } = self.volatile.deferred!;
  const at = classes.findIndex((each) => each.word.every((byte, i) => byte === bytes[i]));
  if (at >= 0) return at;
  return self.edit().deferred!.classes.push({ word: bytes, references: 0 }) - 1;
}

/** The page is there, as one with others of its class, until it is written. */
function share(self: Restorer, memory: MemoryEntity, page: number, number: number): void {
  put(self, memory, page, number);
  shared(memory).add(page);
  self.edit().deferred!.classes[number]!.references++;
}

const patternOf = (word: Uint8Array) => ({ class: "pattern", pages: 1, word }) as const;

/** Contents first, then the flag. */
function put(self: Restorer, memory: MemoryEntity, page: number, number: number): void {
  const word = Uint8Array.from(self.volatile.deferred!.classes[number]!.word);
  if (self.config.careless !== "clearsFlagFirst") {
    const isZero = word.every((byte) => byte === 0);
    const run = isZero ? ({ class: "zero", pages: 1 } as const) : patternOf(word);
    loadPages(memory, page, [contentOf(run)]);
  }
  absentPages(memory, self.config.client).delete(page);
  const { figures } = self.edit();
  figures.loadedPages++;
}

/** An access to a page that needs an update, and can have it at once: true. */
export function makeKnown(self: Restorer, memory: MemoryEntity, hit: TraceHit): boolean {
  const { deferred } = self.volatile;
  if (deferred === null) return false;
  const number = classOf(self).get(hit.page) - 1;
  if (number < 0) return false;
  const { costs, name: vm, checkpoint } = self.config;
  const { references } = deferred.classes[number]!;
  const { figures } = self.edit();
  // What a device or a vCPU is about to write is its own from the start.
  const isOwn = hit.writes || hit.vcpu === DEVICE;
  if (isOwn) put(self, memory, hit.page, number);
  else share(self, memory, hit.page, number);
  figures.madePages = (figures.madePages ?? 0) + 1;
  if (figures.madePages === 1) self.notice("sometimes", { name: MAKES_PAGE });
  const isMade = isOwn || references === 0;
  if (hit.vcpu !== DEVICE) memory.edit().hitNs += isMade ? costs.makeNs : costs.mapNs;
  self.notice(MADE_NOTICE, { vm, checkpoint, memory: memory.id, page: hit.page });
  return true;
}

/** A store to a shared page: it gets one of its own, and what that holds is known. */
export function unshare(self: Restorer, memory: MemoryEntity, hit: TraceHit): void {
  const { deferred } = self.volatile;
  if (deferred === null) return;
  const number = classOf(self).get(hit.page) - 1;
  if (self.config.careless !== "keepsReference") {
    self.edit().deferred!.classes[number]!.references--;
  }
  const { figures } = self.edit();
  figures.unsharedPages = (figures.unsharedPages ?? 0) + 1;
  if (hit.vcpu !== DEVICE) memory.edit().hitNs += self.config.costs.makeNs;
}

/** Sharing ends with the restore: what is shared still gets pages of its own. */
export function endSharing(self: Restorer, memory: MemoryEntity): void {
  const { deferred } = self.volatile;
  if (deferred === null) return;
  const references = deferred.classes.reduce((sum, each) => sum + each.references, 0);
  const pages = shared(memory).count();
  self.edit().figures.sharedPages = pages;
  self.notice(SHARING_NOTICE, { vm: self.config.name, references, shared: pages });
  removeTraces(memory, SHARED_CLIENT);
  self.edit().deferred = null;
}
