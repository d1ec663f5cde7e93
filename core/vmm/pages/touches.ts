/**
 * What a modelled guest does to its memory. It says every 10 ms how much it touches; that is spread
 * evenly over the time until it says so again, and brought up to the present whenever somebody looks.
 *
 * Must hold: the content of memory is a function of what the guest said, of draws and of when it was
 * looked at by mechanisms of the world, never by observers; each write has a stamp of its own.
 */
import {
  assert,
  diskNumber,
  type Distribution,
  type Editable,
  type Sampler,
  stampBase,
} from "../../kernel/index.ts";
import type { TouchedSet, TouchOutput } from "../../guest/index.ts";
import { guestNs } from "../guest-time.ts";
import { raiseAlerts } from "../integrity/alerts.ts";
import type { VmRecord } from "../vm-record.ts";
import { charge } from "./charges.ts";
import {
  type MemoryEntity,
  ownerOf,
  PAGE_SECTORS,
  stampsOf,
  type TouchBatch,
} from "./memory-state.ts";
import { ModelledPageTable } from "./page-table.ts";
import { type Cursor, mixedPlacer, placer, Scatter, STRETCH_SEED } from "./placing.ts";
import { DEVICE, Tracer } from "./tracer.ts";

/** Of a guest's own time: as often as workloads say what they touch. */
export const TOUCH_PERIOD_NS = 10_000_000;
/** Disks are numbered from the bottom, memories from the top. */
const LAST_ORDINAL = 2 ** 14 - 1;
/** Of a guest's memory, so much is in use once it has booted; the rest is zeros until it is touched. */
const BOOTED = { numerator: 7, denominator: 8 };
/** Devices write into the upper end of memory, round and round. */
const DEVICE_PAGES = 1_024;

export const memoryNumber = (record: number): number => diskNumber(LAST_ORDINAL - record);

/** Stamps for so many writes of pages: each `PAGE_SECTORS` behind the one before. */
export function takeStamps(self: MemoryEntity, pages: number): number {
  const record = self.world.entity(self.config.record) as unknown as VmRecord;
  const durable = record.editDurable();
  const used = durable.pageWrites ?? 0;
  durable.pageWrites = used + pages;
  return stampBase(self.config.number, 1 + used * PAGE_SECTORS, pages * PAGE_SECTORS);
}

/** What loading the guest left in memory. */
export function fillAtBoot(self: MemoryEntity): void {
  const { numerator, denominator } = BOOTED;
  const pages = Math.floor((self.config.pages * numerator) / denominator);
  if (pages > 0) stampsOf(self).fill(0, pages, takeStamps(self, pages), PAGE_SECTORS);
}

/** The guest says what it touches from now on. */
export function beginTouching(self: MemoryEntity, touched: TouchOutput): void {
  catchUpTouches(self);
  const state = self.edit();
  const { batch } = state;
  if (batch !== null) state.figures.lostWrites += batch.writes - batch.doneWrites;
  const { fragmentationPercent } = touched;
  state.batch = {
    ...setsOf(touched, self.config.pages, batch),
    ...(fragmentationPercent !== undefined && { fragmentationPercent }),
    sinceNs: guestNs(ownerOf(self)!),
    overNs: TOUCH_PERIOD_NS,
    doneReads: 0,
    doneWrites: 0,
    stallNs: 0,
  };
}

/** Of all sets together; a further one goes on where it was, if the guest had as many before. */
function setsOf(
  { workingSetPages, distribution, reads, writes, further }: Omit<TouchOutput, "kind">,
  pages: number,
  before: TouchBatch | null,
): Pick<Editable<TouchBatch>, keyof TouchedSet | "further"> {
  const first = { workingSetPages: Math.min(workingSetPages, pages), distribution };
  if (further === undefined) return { ...first, reads, writes };
  let firstPage = workingSetPages;
  const sets = further.map((set, at) => {
    const made = { ...set, firstPage, next: before?.further?.[at]?.next ?? 0 };
    firstPage += set.workingSetPages;
    return made;
  });
  assert(firstPage <= pages, "working sets within memory");
  const sum = (which: "reads" | "writes", own: number): number =>
    further.reduce((total, set) => total + set[which], own);
  return { ...first, reads: sum("reads", reads), writes: sum("writes", writes), further: sets };
}

/** Everything that the guest has touched by now has been touched. */
export function catchUpTouches(self: MemoryEntity): void {
  const vm = ownerOf(self);
  const { batch, held, released } = self.volatile;
  if (vm === undefined || batch === null || vm.volatile.stage === "ended") return;
  if (held !== null) return;
  // What was held is the next that the guest does, once its run goes on; a store that was held is ahead
  // of what it touches (integrity/stores.ts).
  const isStill = vm.volatile.stuns > 0;
  if (released !== null && (isStill || self.volatile.stores !== undefined)) return;
  const due = dueOf(self, batch, guestNs(vm));
  const reads = Math.max(0, due.reads - batch.doneReads);
  const writes = Math.max(0, due.writes - batch.doneWrites);
  if (released === null && reads + writes === 0) return;
  touch(self, batch, reads, writes);
}

/** The vCPUs together stood still for `stallNs` of the batch. */
function dueOf(self: MemoryEntity, batch: TouchBatch, nowNs: number) {
  const { sinceNs, overNs, stallNs } = batch;
  const lostNs = Math.floor(stallNs / self.config.vcpus);
  const elapsedNs = Math.min(overNs, Math.max(0, nowNs - sinceNs - lostNs));
  const part = (count: number): number => Math.floor((count * elapsedNs) / overNs);
  return { reads: part(batch.reads), writes: part(batch.writes) };
}

/** So many accesses, as far as none of them is held. */
function touch(self: MemoryEntity, batch: TouchBatch, reads: number, writes: number): void {
  const state = self.edit();
  const { vcpus } = self.config;
  const tracer = new Tracer(self);
  const stamps = stampsOf(self);
  const cursor = { next: state.cursor };
  const source = new Scatter(self.draw("touched pages", STRETCH_SEED));
  const cursors = batch.further?.map(({ next }) => ({ next })) ?? [];
  const place = placerOf(self, batch, source, [cursor, ...cursors]);
  const owed = new Array<number>(vcpus).fill(0);
  const seesLoads = self.volatile.clients.some(({ mode }) => mode === "accesses");
  let stamp = takeStamps(self, Math.max(1, writes + 1));
  const access = (page: number, vcpu: number, isWrite: boolean): boolean => {
    if (tracer.isNeeded) owed[vcpu]! += tracer.access(page, vcpu, isWrite);
    if (tracer.isHeld) return false;
    if (isWrite) stamps.set(page, stamp);
    stamp += isWrite ? PAGE_SECTORS : 0;
    return true;
  };
  const { fragmentationPercent } = batch;
  const table =
    fragmentationPercent === undefined
      ? undefined
      : new ModelledPageTable(self.config.pages, self.config.number, fragmentationPercent);
  /** What a vCPU does: its processor looks into the table first. */
  const reach = (page: number, vcpu: number, isWrite: boolean): boolean => {
    if (table === undefined) return access(page, vcpu, isWrite);
    const virtual = Math.min(page, table.pages - 1);
    if (seesLoads && !access(table.tableOf(virtual), vcpu, false)) return false;
    return access(table.physicalOf(virtual), vcpu, isWrite);
  };
  const first = state.released;
  state.released = null;
  const goesOn = first === null || access(first.page, first.vcpu, first.writes);
  let read = goesOn && first?.writes === false ? Math.min(1, reads) : 0;
  let written = goesOn && first?.writes === true ? Math.min(1, writes) : 0;
  if (!seesLoads && goesOn) read = reads;
  while (read < reads && !tracer.isHeld)
    if (reach(place(false), state.turn++ % vcpus, false)) read++;
  while (written < writes && !tracer.isHeld) {
    if (reach(place(true), state.turn++ % vcpus, true)) written++;
  }
  state.batch!.doneReads += read;
  state.batch!.doneWrites += written;
  state.cursor = cursor.next;
  cursors.forEach(({ next }, at) => (state.batch!.further![at]!.next = next));
  owed.forEach((ns, vcpu) => charge(self, vcpu, ns));
  if (tracer.confirm()) raiseAlerts(self);
  self.world.addWork(Math.ceil((read + written) / 16));
}

/** Page of the next access. `cursors`: of the first working set, and of those behind it. */
function placerOf(
  self: MemoryEntity,
  batch: TouchBatch,
  source: Scatter,
  cursors: readonly Cursor[],
): (isWrite: boolean) => number {
  const samplerOf = (each: Distribution): Sampler => self.world.samplers.samplerOf(each);
  const first = placer(batch, source, cursors[0]!, samplerOf);
  const { further } = batch;
  if (further === undefined) return first;
  const placed = further.map((set, at) => ({
    ...set,
    place: placer(set, source, cursors[at + 1]!, samplerOf),
  }));
  const own = (which: "reads" | "writes"): number =>
    further.reduce((left, set) => left - set[which], batch[which]);
  const head = { firstPage: 0, reads: own("reads"), writes: own("writes"), place: first };
  return mixedPlacer([head, ...placed], source);
}

/** A vCPU writes pages one after the other; what a guest that knows its addresses would do. */
export function writePages(self: MemoryEntity, vcpu: number, page: number, pages: number): void {
  catchUpTouches(self);
  const tracer = new Tracer(self);
  const stamps = stampsOf(self);
  let stamp = takeStamps(self, pages);
  for (let each = page; each < page + pages; each++, stamp += PAGE_SECTORS) {
    const ns = tracer.access(each, vcpu, true);
    if (vcpu !== DEVICE) charge(self, vcpu, ns);
    stamps.set(each, stamp);
  }
  if (tracer.confirm()) raiseAlerts(self);
}

/** A device has written so much into the guest's memory: what was read from a disk, a message. */
export function deviceWrote(self: MemoryEntity, bytes: number): void {
  const ring = Math.min(DEVICE_PAGES, self.config.pages);
  const first = self.config.pages - ring;
  const pages = Math.min(ring, Math.ceil(bytes / 4_096));
  let at = self.volatile.deviceCursor;
  for (let left = pages; left > 0;) {
    const now = Math.min(left, ring - at);
    writePages(self, DEVICE, first + at, now);
    left -= now;
    at = (at + now) % ring;
  }
  self.edit().deviceCursor = at;
}
