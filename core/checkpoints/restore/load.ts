/**
 * Storage blocks come from the file and their pages go into memory (US 9,053,065).
 *
 * Must hold: only pages that are absent are loaded, never one that the guest has written since; what
 * cannot be read, or is not what it was, stops the machine: no page is ever made up.
 */
import type { ContentRun, Plain, Reply } from "../../kernel/index.ts";
import {
  absentPages,
  fillAbsent,
  loadPages,
  type MemoryEntity,
  releaseAccess,
  removeTraces,
  settleMemory,
} from "../../vmm/index.ts";
import { memoryBeside, vmBeside } from "../beside.ts";
import { contentOf, PAGE_SECTORS } from "../file/page-runs.ts";
import { type Block, decodeStorageBlock } from "../file/storage-block.ts";
import { sliceRuns } from "../../platform/index.ts";
import { endSharing } from "./deferred.ts";
import { noteStall } from "./responsiveness.ts";
import {
  askedFor,
  blockPagesOf,
  type Restorer,
  storageNumbers,
  unitsOf,
} from "./restorer-state.ts";

/** Notices before and after pages come into memory; data is an `Arrival`. For invariants. */
export const ARRIVING_NOTICE = "pages-arriving";
export const ARRIVED_NOTICE = "pages-arrived";

export type Arrival = {
  readonly vm: string;
  readonly checkpoint: string;
  readonly memory: number;
  readonly blocks: readonly number[];
  readonly blockPages: number;
};

function arrivalOf({ config }: Restorer, blocks: readonly number[]): Arrival {
  const { name: vm, checkpoint, memory, blockPages } = config;
  return { vm, checkpoint, memory, blocks: [...blocks], blockPages };
}

/** Asks for a storage block unless that was done before; whether it was. */
export function askFor(self: Restorer, number: number): boolean {
  const asked = askedFor(self);
  if (asked.get(number) === 1) return true;
  asked.set(number, 1);
  const { sector, sectors, below } = self.volatile.storage[number]!;
  const state = self.edit();
  state.reading.push(number);
  state.figures.reads++;
  state.figures.readSectors += sectors;
  const request = { op: "read", sector, sectors };
  self.ask(below?.device ?? self.volatile.device, "io", request as Plain, {
    then: "read",
    tag: number,
  });
  return false;
}

/** Goes on reading what nobody has asked for: what must be there first, then in the file's order. */
export function readOn(self: Restorer): void {
  const { storage, first, atReady, moving, hurry } = self.volatile;
  if (moving === "standing" || (moving === "begun" && hurry === 0)) return;
  const atOnce = self.config.readsAtOnce + hurry;
  while (self.volatile.reading.length < (atReady === null ? atOnce : Math.max(1, atOnce))) {
    const { cursor, firstAsked } = self.volatile;
    if (firstAsked < first.length) {
      self.edit().firstAsked = firstAsked + 1;
      askFor(self, first[firstAsked]!);
      continue;
    }
    // The machine is about to go on: nothing comes before that.
    if (atReady !== null && first.length > 0) return;
    if (cursor >= storage.length) return;
    self.edit().cursor = cursor + 1;
    askFor(self, cursor);
  }
}

/** What must be there first is: the machine may go on. */
function readyIfFirst(self: Restorer): void {
  const { first, firstAsked, reading, atReady } = self.volatile;
  if (first.length === 0 || atReady === null) return;
  if (firstAsked < first.length || reading.length > 0) return;
  self.edit().atReady = null;
  self.reply(atReady, {});
}

/** A storage block is here; decompressing takes its time. */
export function onRead(self: Restorer, reply: Reply): void {
  const { stage, moving } = self.volatile;
  if (stage === "failed" || stage === "left") return;
  const number = reply.tag as number;
  if (moving === "standing") return putOff(self, number);
  if (!reply.ok) return fail(self, reply.code);
  const { runs } = reply.value as unknown as { runs: readonly ContentRun[] };
  const stored = self.volatile.storage[number]!;
  const ns = stored.blocks.length * blockPagesOf(self, stored) * self.config.costs.decompressNs;
  self.after(ns, "place", { number, runs } as unknown as Plain);
}

/** A storage block that comes while the machine stands still: the destination reads it anew. */
function putOff(self: Restorer, number: number): void {
  askedFor(self).set(number, 0);
  const state = self.edit();
  state.reading = state.reading.filter((each) => each !== number);
}

export function place(
  self: Restorer,
  { number, runs }: { readonly number: number; readonly runs: readonly ContentRun[] },
): void {
  const memory = memoryBeside(self);
  const { stage, moving } = self.volatile;
  if (stage === "failed" || stage === "left") return;
  if (memory === undefined) return fail(self, "vm-off");
  if (moving === "standing") return putOff(self, number);
  const written = self.volatile.storage[number]!;
  const at = { ...written, checksum: BigInt(written.checksum) };
  const { pages } = self.config;
  const blockPages = blockPagesOf(self, written);
  const found = decodeStorageBlock(at, runs, (block) =>
    Math.max(0, Math.min(blockPages, pages - block * blockPages)),
  );
  if (!found.ok && self.config.careless !== "zeroFills") return fail(self, found.problem.code);
  const isOurs = (i: number): boolean => written.blocks[i] !== Math.ceil(pages / blockPages);
  const blocks = found.ok ? found.value : [];
  if (blocks.some(({ block }, i) => isOurs(i) && block !== written.blocks[i])) {
    return fail(self, "damaged");
  }
  settleMemory(memory);
  const units = unitsOf(self, number);
  const told = arrivalOf(self, units);
  self.notice(ARRIVING_NOTICE, told);
  for (const block of blocks.filter((_, i) => isOurs(i))) {
    for (const part of ownParts(block, blockPages, units, self.config.blockPages)) {
      placeBlock(self, memory, part);
    }
  }
  const state = self.edit();
  state.reading = state.reading.filter((each) => each !== number);
  state.placed++;
  self.notice(ARRIVED_NOTICE, told);
  goOnIfPresent(self, memory);
  readyIfFirst(self);
  if (state.placed === state.storage.length) return end(self, memory);
  readOn(self);
}

/** Pages from `first` on, and what they hold. */
type Part = { readonly first: number; readonly content: readonly ContentRun[] };

/** Of a block that has units which a newer file has as well: only what it is the source of. */
export function ownParts(
  { block, runs }: Block,
  blockPages: number,
  units: readonly number[],
  unitPages: number,
): readonly Part[] {
  const content = runs.map(contentOf);
  const first = block * blockPages;
  const sectors = content.reduce((sum, run) => sum + run.sectors, 0);
  const end = first + sectors / PAGE_SECTORS;
  const own = units.filter((unit) => unit * unitPages >= first && unit * unitPages < end);
  if (own.length * unitPages >= end - first) return [{ first, content }];
  return own.map((unit) => {
    const page = unit * unitPages;
    const pages = Math.min(unitPages, end - page);
    const from = (page - first) * PAGE_SECTORS;
    return { first: page, content: sliceRuns(content, from, pages * PAGE_SECTORS) };
  });
}

/** The pages that are absent, each as it was at the instant of the checkpoint. */
function placeBlock(self: Restorer, memory: MemoryEntity, { first, content }: Part): void {
  const count = content.reduce((sum, { sectors }) => sum + sectors, 0) / PAGE_SECTORS;
  const { figures } = self.edit();
  if (self.config.method === "eager") {
    loadPages(memory, first, content);
    figures.loadedPages += count;
    return;
  }
  const overwrites = self.config.careless === "overwritesDirty";
  const { filled, keptPages } = fillAbsent(memory, self.config.client, first, content, overwrites);
  figures.loadedPages += filled.reduce((sum, { pages }) => sum + pages, 0);
  figures.keptPages += keptPages;
}

/** The guest waits for a page: once that is there it proceeds. */
function goOnIfPresent(self: Restorer, memory: MemoryEntity): void {
  const { waitsFor, waitsSinceNs } = self.volatile;
  if (waitsFor < 0 || absentPages(memory, self.config.client).has(waitsFor)) return;
  const state = self.edit();
  state.waitsFor = -1;
  state.figures.stallNs += self.simulatedNs - waitsSinceNs;
  noteStall(self, waitsSinceNs);
  releaseAccess(memory);
  const vm = vmBeside(self);
  if (vm !== undefined) self.ask(vm.id, "unstun", {}, { then: "let-go" });
}

export function end(self: Restorer, memory: MemoryEntity): void {
  endSharing(self, memory);
  removeTraces(memory, self.config.client);
  const state = self.edit();
  state.stage = "loaded";
  const { atReady, waiting } = self.volatile;
  state.atReady = null;
  state.waiting = [];
  if (atReady !== null) self.reply(atReady, {});
  for (const each of waiting) self.reply(each, self.volatile.figures as unknown as Plain);
}

/** The machine cannot go on without what is missing. */
export function fail(self: Restorer, code: string): void {
  if (["failed", "loaded", "left"].includes(self.volatile.stage)) return;
  const { atReady, waiting } = self.volatile;
  const state = self.edit();
  state.stage = "failed";
  state.failure = code;
  state.atReady = null;
  state.waiting = [];
  const vm = vmBeside(self);
  if (vm !== undefined) self.ask(vm.id, "power-off", {}, { then: "let-go" });
  if (atReady !== null) self.refuse(atReady, code);
  for (const each of waiting) self.refuse(each, code);
}

/** Storage block in which a page lies. */
export const storageOfPage = (self: Restorer, page: number): number =>
  storageNumbers(self).get(Math.floor(page / self.config.blockPages));
