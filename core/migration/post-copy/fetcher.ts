/**
 * Brings the pages of a machine that runs here already from the host that it left (post-copy; Hines
 * and Gopalan, VEE 2009): an access to an absent page waits until that is fetched, with its neighbours;
 * all others are pushed by the source meanwhile, in order.
 *
 * Must hold: a page comes as it was when the machine was stopped, or the guest has written it since;
 * when pages can never come the machine ends, and is lost; while nobody knows, it stands still.
 */
import {
  component,
  type Editable,
  type Entity,
  type EntityId,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import {
  absentPages,
  type AccessHeld,
  fillAbsent,
  loseDisks,
  type MemoryEntity,
  onAbsentAccess,
  type Prefetch,
  type PrefetchFigures,
  prefetchNeighbours,
  releaseAccess,
  removeTraces,
  setPrivate,
  type TraceHit,
  type VmEntity,
} from "../../vmm/index.ts";
import { type PackedPages, unpackPages } from "../packing.ts";
import { MIGRATION_NOTICE } from "../settings.ts";

/** Trace client: armed are the pages that are absent. */
export const ABSENT_CLIENT = "post-copy";

/** Pages that are fetched at once; with `prefetch` one by one, as that says which belong together. */
export const GROUP_PAGES = 8;
/** A fetch without an answer is repeated; the link may be cut for a while. */
const ANSWER_NS = 200_000_000;

type FetcherConfig = {
  /** Id of the VM, and the entity of its run here. */
  readonly name: string;
  readonly vm: EntityId;
  readonly memory: EntityId;
  /** Operation that moves it, and the agent of its host. */
  readonly source: EntityId;
  readonly agent: EntityId;
  readonly patienceNs: number;
  /** What is fetched with a page that the guest waits for; absent: those that lie in its group. */
  readonly prefetch?: Prefetch;
};

export type FetcherFigures = PrefetchFigures & {
  readonly faults: number;
  /** Faults on pages that were being fetched already. */
  readonly coalesced: number;
  readonly fetchedPages: number;
  readonly stallNs: number;
};

type FetcherState = {
  readonly stage: "filling" | "filled" | "lost";
  /** First pages of groups that are being fetched. */
  readonly fetching: readonly number[];
  /** Page that the guest waits for, and since when; -1: none. */
  readonly waitsFor: number;
  readonly waitsSinceNs: number;
  /** When the source was heard of last. */
  readonly heardAtNs: number;
  /** Answered when all is there. */
  readonly waiting: readonly Request[];
  readonly figures: FetcherFigures;
};

export type Fetcher = Entity<FetcherConfig, Record<string, never>, FetcherState>;

export const fetcher = component<FetcherConfig, Record<string, never>, FetcherState>({
  kind: "post-copy-fetcher",
  volatile: () => ({
    stage: "filling",
    fetching: [],
    waitsFor: -1,
    waitsSinceNs: 0,
    heardAtNs: 0,
    waiting: [],
    figures: { faults: 0, coalesced: 0, fetchedPages: 0, stallNs: 0 },
  }),
  handlers: {
    "trace-hit": (self, hit: TraceHit) => onHit(self, hit),
    "access-held": (self, held: AccessHeld) => onHeld(self, held),
    fetched: (self, reply: Reply) => fetched(self, reply),
    "let-go": () => {},
    /** Somebody needs all of it before it can begin. */
    hurry: (self, request: Request) => {
      const { stage } = self.volatile;
      if (stage === "lost") return self.refuse(request, "source-lost");
      if (stage === "filled") return self.reply(request, {});
      self.edit().waiting.push(request as Editable<Request>);
    },
  },
  crashed: (self) => self.world.remove(self as unknown as Entity),
});

/** Undefined: the run is gone, and its memory with it. */
const memoryOf = ({ world, config }: Fetcher): MemoryEntity | undefined =>
  world.entityOrNone(config.memory) as MemoryEntity | undefined;

/** The guest, or a device, is about to touch a page that is not there. */
function onHit(self: Fetcher, hit: TraceHit): void {
  const memory = memoryOf(self);
  if (memory === undefined) return;
  onAbsentAccess(memory, hit);
}

/** It stands before the page now. */
function onHeld(self: Fetcher, { page, isStunned }: AccessHeld): void {
  const group = groupOf(self, page);
  const state = self.edit();
  state.figures.faults++;
  state.waitsFor = page;
  state.waitsSinceNs = self.simulatedNs;
  if (isStunned !== true) self.ask(self.config.vm, "stun", {}, { then: "let-go" });
  if (self.volatile.fetching.includes(group)) state.figures.coalesced++;
  else {
    state.fetching.push(group);
    fetchGroup(self, group);
  }
  fetchAround(self);
}

const groupPages = ({ config }: Fetcher): number =>
  config.prefetch === undefined ? GROUP_PAGES : 1;

const groupOf = (self: Fetcher, page: number): number => page - (page % groupPages(self));

/** The neighbours of the page that is waited for, by the guest's addresses or in memory. */
function fetchAround(self: Fetcher): void {
  const { prefetch } = self.config;
  const memory = memoryOf(self);
  const access = memory?.volatile.held ?? null;
  if (prefetch === undefined || memory === undefined || access === null) return;
  const absent = absentPages(memory, ABSENT_CLIENT);
  const isThere = (page: number): boolean => !absent.has(page);
  const ask = (page: number): boolean => {
    if (isThere(page) || self.volatile.fetching.includes(page)) return false;
    self.edit().fetching.push(page);
    fetchGroup(self, page);
    return true;
  };
  const { figures } = self.volatile;
  const after = prefetchNeighbours(memory, access, prefetch, { isThere, ask }, figures);
  Object.assign(self.edit().figures, after);
}

function fetchGroup(self: Fetcher, group: number): void {
  const { name, source, agent } = self.config;
  const pages = Math.min(groupPages(self), memoryOf(self)!.config.pages - group);
  const body = { vm: name, source, page: group, pages };
  self.ask(agent, "fetch", body, { then: "fetched", tag: group, timeoutNs: ANSWER_NS });
}

function fetched(self: Fetcher, reply: Reply): void {
  const memory = memoryOf(self);
  if (memory === undefined || self.volatile.stage !== "filling") return;
  const group = reply.tag as number;
  if (!reply.ok && reply.code === "timeout") {
    const { waitsFor } = self.volatile;
    const isWanted = waitsFor >= 0 && groupOf(self, waitsFor) === group;
    if (isWanted && isSilentFor(self, self.config.patienceNs)) return lose(self, "source-lost");
    if (isWanted) return fetchGroup(self, group);
  } else if (!reply.ok) return lose(self, "source-lost");
  const state = self.edit();
  state.fetching = state.fetching.filter((each) => each !== group);
  if (!reply.ok) return;
  const { packed } = reply.value as unknown as { packed: PackedPages };
  state.figures.fetchedPages += place(self, packed);
}

/** Since the source was heard of, or somebody began to wait for it. */
export function isSilentFor({ volatile, simulatedNs }: Fetcher, ns: number): boolean {
  const { waitsFor, waitsSinceNs, heardAtNs } = volatile;
  return simulatedNs - Math.max(heardAtNs, waitsFor < 0 ? 0 : waitsSinceNs) >= ns;
}

/** Pages are here, fetched or pushed; how many of them were absent. */
export function place(self: Fetcher, packed: PackedPages): number {
  const memory = memoryOf(self);
  if (memory === undefined || self.volatile.stage !== "filling") return 0;
  self.edit().heardAtNs = self.simulatedNs;
  let placed = 0;
  unpackPages(packed, ({ page, pages, isPrivate, runs }) => {
    const absent = absentPages(memory, ABSENT_CLIENT);
    for (let each = page; each < page + pages; each++) {
      if (absent.has(each)) setPrivate(memory, each, 1, isPrivate);
    }
    tellPages(self, "placing", { page, pages });
    const { filled } = fillAbsent(memory, ABSENT_CLIENT, page, runs);
    for (const span of filled) {
      placed += span.pages;
      tellPages(self, "placed", span);
    }
  });
  self.world.addWork(packed.rows.length >>> 8);
  goOnIfPresent(self, memory);
  finishIfThere(self);
  return placed;
}

/** Nothing may have been missing from the beginning. */
export function finishIfThere(self: Fetcher): void {
  const memory = memoryOf(self);
  if (memory === undefined || self.volatile.stage !== "filling") return;
  if (absentPages(memory, ABSENT_CLIENT).next(0, memory.config.pages) < 0) finish(self, memory);
}

/** For the invariants that look at each page as it comes. */
function tellPages(
  self: Fetcher,
  event: "placing" | "placed",
  span: { readonly page: number; readonly pages: number },
): void {
  if (!self.world.checker.observesNotice(MIGRATION_NOTICE)) return;
  const { name: vm, vm: run } = self.config;
  const instance = self.world.entity(run).name;
  self.notice(MIGRATION_NOTICE, { vm, event, run: 0, instance, ...span });
}

/** The guest waits for a page: once that is there it proceeds. */
function goOnIfPresent(self: Fetcher, memory: MemoryEntity): void {
  const { waitsFor, waitsSinceNs } = self.volatile;
  if (waitsFor < 0 || absentPages(memory, ABSENT_CLIENT).has(waitsFor)) return;
  const state = self.edit();
  state.waitsFor = -1;
  state.figures.stallNs += self.simulatedNs - waitsSinceNs;
  releaseAccess(memory);
  self.ask(self.config.vm, "unstun", {}, { then: "let-go" });
}

function finish(self: Fetcher, memory: MemoryEntity): void {
  removeTraces(memory, ABSENT_CLIENT);
  const state = self.edit();
  const { waiting } = self.volatile;
  state.stage = "filled";
  state.waiting = [];
  for (const each of waiting) self.reply(each as Request, {});
}

/** Its pages can never come: it ends here, and may be started again anywhere. */
export function lose(self: Fetcher, code: string): void {
  if (self.volatile.stage !== "filling") return;
  const { name: vm, vm: id } = self.config;
  const state = self.edit();
  const { waiting } = self.volatile;
  state.stage = "lost";
  state.waiting = [];
  for (const each of waiting) self.refuse(each as Request, code);
  const run = self.world.entityOrNone(id) as VmEntity | undefined;
  if (run === undefined || run.volatile.stage === "ended") return;
  const host = self.world.registry.domain(self.domain).name;
  loseDisks(run);
  self.world.named(host).notice("fenced", { vm, host, file: "", epoch: 0 });
}
