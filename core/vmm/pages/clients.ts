/**
 * Setting traces, setting them again, taking them off.
 *
 * Must hold: traces count as installed only once every vCPU has flushed its second-stage TLB since
 * they were set; who asked hears of it then, not before.
 */
import {
  assert,
  type Editable,
  exponential,
  type Plain,
  type Request,
} from "../../kernel/index.ts";
import { charge } from "./charges.ts";
import { GRANULARITIES, type Granularity } from "./costs.ts";
import { settleMemory } from "./content.ts";
import { releaseAccess } from "./held.ts";
import {
  clientBitmap,
  clientOf,
  type MemoryEntity,
  type OnMove,
  type TraceClient,
  type TraceMode,
} from "./memory-state.ts";
import { splits } from "./tracer.ts";

export type TraceWish = {
  readonly client: string;
  readonly mode: TraceMode;
  readonly priority: number;
  readonly granularity: Granularity;
  /** vCPUs that install: all of them, which stop meanwhile, or some, while the others run on. */
  readonly by: "all" | readonly number[];
  readonly keeps?: boolean;
  readonly vcpusBy?: TraceClient["vcpusBy"];
  readonly onMove?: OnMove;
  readonly owner?: number;
  /** Pages to trace, as ranges; all when absent. */
  readonly ranges?: readonly { readonly page: number; readonly pages: number }[];
};

/** Notices of a memory; data is {client, generation} and {client}. For invariants. */
export const TRACES_COUNT = "traces-count";
export const TRACES_TAKEN = "traces-taken";

/** Sets a client's first traces; `request` is answered once they count. */
export function setTraces(self: MemoryEntity, wish: TraceWish, request: Request | null): void {
  assert(clientOf(self, wish.client) === undefined, () => `${wish.client} traces already`);
  settleMemory(self);
  const { client: name, mode, priority, granularity, keeps = false, owner = -1 } = wish;
  const { vcpusBy } = wish;
  const made: TraceClient = {
    name,
    mode,
    priority,
    granularity,
    keeps,
    ...(vcpusBy && { vcpusBy }),
    owner,
    pending: null,
    hits: 0,
    ...(wish.onMove === undefined ? {} : { onMove: wish.onMove }),
  };
  insert(self.edit().clients as TraceClient[], made);
  const pending = clientBitmap(self, name, "pending");
  const ranges = wish.ranges ?? [{ page: 0, pages: self.config.pages }];
  for (const { page, pages } of ranges) pending.addRange(page, pages);
  const pages = ranges.reduce((sum, range) => sum + range.pages, 0);
  begin(self, name, Math.ceil(pages / GRANULARITIES[granularity]), wish.by, request);
}

/**
 * Takes over what a client's pages marked dirty since the last time (into its bitmap `taken`), and sets
 * the traces of those pages anew; `request` is answered once they count.
 */
export function takeDirty(
  self: MemoryEntity,
  name: string,
  by: TraceWish["by"],
  request: Request | null,
): number {
  settleMemory(self);
  const client = clientOf(self, name);
  assert(client !== undefined && client.pending === null, () => `${name} has traces that count`);
  const dirty = clientBitmap(self, name, "dirty");
  clientBitmap(self, name, "taken").become(dirty);
  clientBitmap(self, name, "pending").become(dirty);
  const pages = dirty.count();
  self.notice(TRACES_TAKEN, { client: name });
  dirty.clear();
  begin(self, name, pages, by, request);
  return pages;
}

/** The vCPUs that install pay for the entries and flush; the others flush when they take notice. */
function begin(
  self: MemoryEntity,
  name: string,
  entries: number,
  by: TraceWish["by"],
  request: Request | null,
): void {
  const { vcpus, costs } = self.config;
  const state = self.edit();
  const generation = ++state.generation;
  const pending = { generation, request };
  state.clients.find((each) => each.name === name)!.pending = pending as Editable<typeof pending>;
  restoreEntries(self, name);
  const installers = by === "all" ? Array.from({ length: vcpus }, (_, vcpu) => vcpu) : by;
  assert(installers.length > 0, "somebody installs");
  const installNs = Math.ceil((entries * costs.entryNs) / installers.length);
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    const installs = installers.includes(vcpu);
    const noticeNs = installs ? 0 : self.draw("notice", exponential(costs.noticeNs));
    charge(self, vcpu, installs ? installNs + costs.flushNs : 0);
    self.after(installNs + noticeNs, "flush", { vcpu, generation, pays: !installs });
  }
}

/**
 * Traces that stay where they are hit, and that count at once: every vCPU stops while they change and
 * flushes its TLB. `entries`: how many change; the caller has set them in the bitmap `armed`.
 */
export function traceAtOnce(
  self: MemoryEntity,
  { client: name, priority }: Pick<TraceWish, "client" | "priority">,
  entries: number,
): void {
  const state = self.edit();
  if (clientOf(self, name) === undefined) {
    const kept = {
      mode: "stores",
      granularity: "4KiB",
      keeps: true,
      owner: -1,
      onMove: "ends",
    } as const;
    insert(state.clients as TraceClient[], { name, priority, ...kept, pending: null, hits: 0 });
  }
  const { vcpus, costs } = self.config;
  const generation = ++state.generation;
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    charge(self, vcpu, entries * costs.entryNs + costs.flushNs);
    flushTlb(self, { vcpu, generation, pays: false });
  }
}

/** By priority; equal ones in the order in which they came. */
function insert(clients: TraceClient[], made: TraceClient): void {
  const at = clients.findIndex((each) => each.priority < made.priority);
  clients.splice(at < 0 ? clients.length : at, 0, made);
}

/** Traces on large entries put them back: the next write there breaks them down again. */
function restoreEntries(self: MemoryEntity, name: string): void {
  const { granularity } = clientOf(self, name)!;
  const isAll =
    self.volatile.clients.length === 1 && clientBitmap(self, name, "armed").count() === 0;
  if (!isAll) return;
  for (const size of ["2MiB", "1GiB"] as const) {
    const split = splits(self, size);
    split.clear();
    if (GRANULARITIES[granularity] < GRANULARITIES[size]) split.addRange(0, split.bits);
  }
}

/** A vCPU forgets what its second-stage TLB held. */
export function flushTlb(
  self: MemoryEntity,
  { vcpu, generation, pays }: { vcpu: number; generation: number; pays: boolean },
): void {
  settleMemory(self);
  const state = self.edit();
  state.flushed[vcpu] = Math.max(state.flushed[vcpu]!, generation);
  state.figures.flushes++;
  if (pays) charge(self, vcpu, self.config.costs.flushNs);
  for (const { name, pending } of self.volatile.clients) {
    if (pending !== null) settleTraces(self, name, pending.generation);
  }
}

/** If every vCPU has flushed, the client's traces count from now on. */
function settleTraces(self: MemoryEntity, name: string, generation: number): void {
  if (self.volatile.flushed.some((at) => at < generation)) return;
  const pending = clientBitmap(self, name, "pending");
  clientBitmap(self, name, "armed").addAll(pending);
  pending.clear();
  const client = self.edit().clients.find((each) => each.name === name)!;
  const { request } = client.pending!;
  client.pending = null;
  self.notice(TRACES_COUNT, { client: name, generation });
  if (request !== null) self.reply(request as Request, { dirty: clientTaken(self, name) } as Plain);
}

const clientTaken = (self: MemoryEntity, name: string): number =>
  clientBitmap(self, name, "taken").count();

/** All of its content is another: the machine was reset. */
export function memoryReplaced(self: MemoryEntity): void {
  for (const { name, mode, keeps, owner } of self.volatile.clients) {
    clientBitmap(self, name, "dirty").addRange(0, self.config.pages);
    // Pages that were to come from elsewhere (a lazy restore) are not wanted any more.
    if (mode !== "accesses" || !keeps || owner < 0) continue;
    clientBitmap(self, name, "armed").clear();
    clientBitmap(self, name, "pending").clear();
  }
}

/** Takes all traces of a client off; it is fine when there are none. */
export function removeTraces(self: MemoryEntity, name: string): void {
  const client = clientOf(self, name);
  if (client === undefined) return;
  settleMemory(self);
  if (client.pending?.request) self.refuse(client.pending.request, "gone");
  if (self.volatile.held?.client === name) releaseAccess(self);
  const state = self.edit();
  state.clients = state.clients.filter((each) => each.name !== name);
  for (const which of ["armed", "pending", "dirty", "taken"] as const) {
    self.world.arrays.remove(`${self.name}#${name}.${which}`);
  }
}
