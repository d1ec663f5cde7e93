/**
 * A host's end of migrations: makes ready for machines that come, keeps what has come of them, and
 * lets them go on. One a host.
 *
 * Must hold: a machine that is complete here waits until its source has given it away, or is known to
 * have forgotten it; what is told twice is done once.
 */
import {
  type Component,
  component,
  type Entity,
  type EntityId,
  type OperationComponent,
  type Plain,
  type PlainObject,
  type Reply,
  type Request,
  startOperation,
} from "../kernel/index.ts";
import { type HostEntity, releaseMemory, reserveMemory } from "../platform/index.ts";
import {
  dropArrivingRun,
  giveImage,
  loadPages,
  memoryOf,
  setPrivate,
  spawnArrivingRun,
  type VmEntity,
  type Vmm,
  type VmRecord,
} from "../vmm/index.ts";
import { unpackPages } from "./packing.ts";
import type { AboutMove, ImageMessage, PagesMessage, Reservation } from "./settings.ts";

type NoFields = Record<string, never>;

/** A machine that is on its way here. */
type Coming = Reservation & {
  readonly instance: EntityId;
  readonly stage: "copying" | "complete" | "starting";
  readonly heardAtNs: number;
  /** Whoever waits for it to go on. */
  readonly waiting: readonly Request[];
};

type AgentState = { readonly coming: { readonly [vm: string]: Coming } };
export type AgentEntity = Entity<NoFields, NoFields, AgentState>;
export type AgentComponent = Component<NoFields, NoFields, AgentState>;

/** How often it looks whether sources still know of what is on its way, and after what silence. */
const LOOK_NS = 2_000_000_000;
const SILENCE_NS = 5_000_000_000;
const ANSWER_NS = 1_000_000_000;

export function agentComponent(vmm: Vmm, start: OperationComponent): AgentComponent {
  return component<NoFields, NoFields, AgentState>({
    kind: "migration-agent",
    volatile: () => ({ coming: {} }),
    handlers: {
      reserve: (self, request: Request<Reservation & PlainObject>) => reserve(self, vmm, request),
      pages: (self, request: Request<PagesMessage & PlainObject>) => {
        const coming = known(self, request);
        if (coming?.stage !== "copying") return self.refuse(request, "unknown");
        take(self, coming, request.body);
        self.reply(request, {});
      },
      complete: (self, request: Request<ImageMessage & PlainObject>) => {
        const coming = known(self, request);
        if (coming === undefined) return self.refuse(request, "unknown");
        editComing(self, request.body.vm).stage = "complete";
        const vm = self.world.entity(coming.instance) as unknown as VmEntity;
        giveImage(vm, request.body.image);
        self.reply(request, {});
      },
      /** The source has given the machine away: it goes on here. */
      go: (self, request: Request<AboutMove>) => go(self, start, request),
      drop: (self, request: Request<AboutMove>) => {
        const coming = known(self, request);
        if (coming !== undefined && coming.stage !== "starting") drop(self, coming);
        self.reply(request, {});
      },
      /** Whether an operation that moves a machine is there still. */
      "is-moving": (self, request: Request<AboutMove>) => {
        const operation = self.world.entityOrNone(request.body.source);
        self.reply(request, { isMoving: operation?.domain === self.domain });
      },
      look: (self, _arg: number) => look(self),
      looked: (self, reply: Reply) => looked(self, reply),
    },
  });
}

function editComing(self: AgentEntity, vm: string) {
  return (self.edit().coming as { [vm: string]: { -readonly [K in keyof Coming]: Coming[K] } })[
    vm
  ]!;
}

/** What the message is about, if it is about what is coming. */
function known(self: AgentEntity, { body }: Request<AboutMove & PlainObject>): Coming | undefined {
  const coming = self.volatile.coming[body.vm];
  if (coming?.source !== body.source) return undefined;
  editComing(self, body.vm).heardAtNs = self.simulatedNs;
  return coming;
}

const hostOf = (self: AgentEntity): HostEntity =>
  self.world.named(self.world.registry.domain(self.domain).name) as unknown as HostEntity;

function reserve(self: AgentEntity, vmm: Vmm, request: Request<Reservation & PlainObject>): void {
  const { body } = request;
  const { vm, record: id, run, opening } = body;
  if (self.volatile.coming[vm] !== undefined) return self.refuse(request, "busy");
  if (!reserveMemory(hostOf(self), vm, opening.memoryMiB)) {
    return self.refuse(request, "no-memory", opening.memoryMiB);
  }
  const record = self.world.entity(id) as unknown as VmRecord;
  const place = { domain: self.domain, cpu: opening.cpu };
  const instance = spawnArrivingRun(vmm, record, run, place).id;
  const coming: Coming = {
    ...body,
    instance,
    stage: "copying",
    heardAtNs: self.simulatedNs,
    waiting: [],
  };
  (self.edit().coming as { [vm: string]: Coming })[vm] = coming;
  if (Object.keys(self.volatile.coming).length === 1) self.after(LOOK_NS, "look");
  self.reply(request, { instance });
}

function take(self: AgentEntity, { instance }: Coming, { packed }: PagesMessage): void {
  const memory = memoryOf(self.world.entity(instance) as unknown as VmEntity);
  unpackPages(packed, ({ page, pages, isPrivate, runs }) => {
    setPrivate(memory, page, pages, isPrivate);
    loadPages(memory, page, runs);
  });
  self.world.addWork(packed.rows.length >>> 8);
}

function go(self: AgentEntity, start: OperationComponent, request: Request<AboutMove>): void {
  const coming = known(self, request as Request<AboutMove & PlainObject>);
  if (coming === undefined || coming.stage === "copying") return self.refuse(request, "unknown");
  const { vm } = request.body;
  const state = editComing(self, vm);
  state.waiting = [...coming.waiting, request];
  if (coming.stage === "starting") return;
  state.stage = "starting";
  const { instance, opening, startUpNs } = coming;
  const params = { vm, instance, agent: self.id, opening, startUpNs };
  const id = `${vm}.start-run-${coming.run}`;
  startOperation(self.world, start, hostOf(self) as unknown as Entity, id, params as PlainObject);
}

/** The machine runs here, or cannot: everybody who waits is told. */
export function settleComing(self: AgentEntity, vm: string, problem: string | null): void {
  const coming = self.volatile.coming[vm];
  if (coming === undefined) return;
  for (const request of coming.waiting) {
    if (problem === null) self.reply(request, { resumedNs: self.simulatedNs } as Plain);
    else self.refuse(request, "unknown", problem);
  }
  if (problem !== null) drop(self, coming);
  else delete (self.edit().coming as { [vm: string]: Coming })[vm];
}

function drop(self: AgentEntity, { vm, instance }: Coming): void {
  delete (self.edit().coming as { [vm: string]: Coming })[vm];
  const run = self.world.entityOrNone(instance);
  if (run !== undefined) dropArrivingRun(run as unknown as VmEntity);
  releaseMemory(hostOf(self), vm);
}

/** A source that is silent may have forgotten: it crashed, or it gave up and nobody heard of it. */
function look(self: AgentEntity): void {
  const coming = Object.values(self.volatile.coming);
  if (coming.length === 0) return;
  self.after(LOOK_NS, "look");
  for (const { vm, source, agent, stage, heardAtNs } of coming) {
    if (stage === "starting" || self.simulatedNs - heardAtNs < SILENCE_NS) continue;
    const options = { then: "looked", tag: { vm, source }, timeoutNs: ANSWER_NS };
    self.ask(agent, "is-moving", { vm, source }, options);
  }
}

/** Without an answer only what is complete is kept: the source may have given it away. */
function looked(self: AgentEntity, reply: Reply): void {
  const { vm, source } = reply.tag as AboutMove;
  const coming = self.volatile.coming[vm];
  if (coming?.source !== source || coming.stage === "starting") return;
  const isForgotten = reply.ok
    ? !(reply.value as { isMoving: boolean }).isMoving
    : coming.stage === "copying";
  if (isForgotten) drop(self, coming);
}

/** Of a host. Part of building. */
export function spawnAgent(component: AgentComponent, host: HostEntity, name: string): void {
  host.world.spawn(component, {}, { creator: host as unknown as Entity, name });
}
