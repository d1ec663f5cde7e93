/**
 * Brings the memory of a machine back from a checkpoint file, all at once or as it is needed
 * (US 9,053,065): an access to an absent page waits until the storage block that has it is read, and
 * all blocks of that are then placed; faults on one storage block are one read.
 *
 * Requests: `open` ({device, storage}), `ready` (answered when the machine may go on), `end` and
 * `hurry` (answered with figures when every page is there).
 *
 * Must hold: the guest sees each page as it was at the instant, or as it wrote it since.
 */
import {
  component,
  type Editable,
  type Entity,
  type EntityId,
  type Plain,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import {
  absentWish,
  type AccessHeld,
  DEVICE,
  onAbsentAccess,
  type TraceHit,
} from "../../vmm/index.ts";
import { memoryBeside } from "../beside.ts";
import { eachPage, type WorkingSet } from "../saved-state.ts";
import type { Stored } from "./layers.ts";
import { askFor, fail, onRead, place, readOn, storageOfPage } from "./load.ts";
import { beginDeferred, onIndex, readIndexes } from "./deferred-indexes.ts";
import { makeKnown, SHARED_CLIENT, unshare } from "./deferred.ts";
import { goOnRestoring, type MachineMoves, onMachineMoves, onTravelled } from "./moving.ts";
import { prefetchAround } from "./prefetch.ts";
import {
  askedFor,
  noteSources,
  unitsOf,
  type Restorer,
  type RestorerConfig,
  type RestorerState,
} from "./restorer-state.ts";

export const restorer = component<RestorerConfig, Record<string, never>, RestorerState>({
  kind: "checkpoint-restorer",
  volatile: () => ({
    stage: "idle",
    device: -1,
    storage: [],
    reading: [],
    placed: 0,
    first: [],
    firstAsked: 0,
    cursor: 0,
    waitsFor: -1,
    waitsSinceNs: 0,
    startedNs: 0,
    stalls: [],
    failure: "",
    atReady: null,
    waiting: [],
    deferred: null,
    hurry: 0,
    figures: {
      reads: 0,
      readSectors: 0,
      loadedPages: 0,
      keptPages: 0,
      faults: 0,
      coalesced: 0,
      deviceFaults: 0,
      stallNs: 0,
      workingSetPages: 0,
    },
  }),
  handlers: {
    open: (self, request: Request<OpenedFile>) => {
      open(self, request.body);
      self.reply(request, {});
    },
    ready: (self, request: Request) => makeReady(self, request),
    armed: (self, reply: Reply) => {
      const { atReady } = self.volatile;
      if (!reply.ok) return fail(self, "busy");
      const state = self.edit();
      state.stage = "loading";
      const memory = memoryBeside(self);
      if (self.config.method === "deferred" && memory !== undefined) {
        return beginDeferred(self, memory);
      }
      if (self.volatile.first.length === 0) {
        state.atReady = null;
        if (atReady !== null) self.reply(atReady, {});
      }
      readOn(self);
    },
    "shared-traced": (self, reply: Reply) => (reply.ok ? readIndexes(self) : fail(self, "busy")),
    "index-read": (self, reply: Reply) => onIndex(self, reply),
    "trace-hit": (self, hit: TraceHit) => onTraceHit(self, hit),
    "access-held": (self, held: AccessHeld) => onHeld(self, held),
    read: (self, reply: Reply) => onRead(self, reply),
    place: (self, arrived: Parameters<typeof place>[1]) => place(self, arrived),
    "let-go": () => {},
    "machine-moves": (self, moves: MachineMoves) => onMachineMoves(self, moves),
    travelled: (self, _arg: null) => onTravelled(self),
    "go-on": (self, _arg: number) => goOnRestoring(self),
    /** What is on its way finds that out when it comes. */
    "memory-gone": (self, _arg: null) => {
      if (self.volatile.reading.length === 0) fail(self, "vm-off");
    },
    end: (self, request: Request) => awaitEnd(self, request),
    hurry: (self, request: Request) => {
      self.edit().hurry = HURRY;
      awaitEnd(self, request);
      readOn(self);
    },
  },
  crashed: (self) => self.world.remove(self as unknown as Entity),
});

/** Reads at once when somebody waits. */
const HURRY = 4;

type OpenedFile = {
  readonly device: EntityId;
  readonly storage: readonly Stored[];
  readonly workingSet: WorkingSet | null;
};

function open(self: Restorer, { device, storage, workingSet }: OpenedFile): void {
  const state = self.edit();
  state.device = device;
  state.storage = storage as Editable<Stored>[];
  noteSources(self, storage);
  const asked = askedFor(self);
  storage.forEach((_, number) => {
    if (unitsOf(self, number).length > 0) return;
    // All of it was saved again elsewhere.
    asked.set(number, 1);
    state.placed++;
  });
  if (self.config.method !== "working-set" || workingSet === null) return;
  const first = new Set<number>();
  eachPage(workingSet, (page) => {
    first.add(storageOfPage(self, page));
    state.figures.workingSetPages++;
  });
  state.first = [...first];
}

function awaitEnd(self: Restorer, request: Request): void {
  const { stage, failure, figures } = self.volatile;
  if (stage === "failed") return self.refuse(request, failure);
  if (stage === "left") return self.refuse(request, "moved");
  if (stage === "loaded") return self.reply(request, figures as unknown as Plain);
  self.edit().waiting.push(request as Editable<Request>);
}

function makeReady(self: Restorer, request: Request): void {
  const memory = memoryBeside(self);
  if (memory === undefined) return self.refuse(request, "vm-off");
  const state = self.edit();
  state.startedNs = self.simulatedNs;
  state.atReady = request as Editable<Request>;
  if (self.config.method === "eager") {
    state.stage = "loading";
    return readOn(self);
  }
  state.stage = "arming";
  const { client } = self.config;
  const body = absentWish(client, self.id) as unknown as Plain;
  self.ask(memory.id, "trace", body, { then: "armed" });
}

/** The guest is about to touch a page that is not there, or to write one that it shares. */
function onTraceHit(self: Restorer, hit: TraceHit): void {
  const memory = memoryBeside(self);
  if (memory === undefined || self.volatile.stage !== "loading") return;
  if (hit.client === SHARED_CLIENT) return unshare(self, memory, hit);
  if (makeKnown(self, memory, hit)) return;
  const goesOn = self.config.careless === "devicesGoOn";
  if (hit.vcpu === DEVICE) self.edit().figures.deviceFaults++;
  if (hit.vcpu !== DEVICE || !goesOn) onAbsentAccess(memory, hit);
}

/** What a search must reach, else it shows nothing. */
export const WAITS_FOR_PAGE = "a guest waits for a page that is not there yet";

/** It stands there now: the storage block is read, unless that is under way. */
function onHeld(self: Restorer, { page, isStunned }: AccessHeld): void {
  const number = storageOfPage(self, page);
  const isUnderWay = askFor(self, number);
  const state = self.edit();
  state.figures.faults++;
  if (state.figures.faults === 1) self.notice("sometimes", { name: WAITS_FOR_PAGE });
  if (isUnderWay) state.figures.coalesced++;
  state.waitsFor = page;
  state.waitsSinceNs = self.simulatedNs;
  if (isStunned !== true) self.ask(self.config.vm, "stun", {}, { then: "let-go" });
  const memory = memoryBeside(self);
  const held = memory?.volatile.held ?? null;
  if (memory === undefined || held === null || held.vcpu === DEVICE) return;
  prefetchAround(self, memory, held);
}
