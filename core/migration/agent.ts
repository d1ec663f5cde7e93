/**
 * A host's end of migrations: makes ready for machines that come, keeps what has come of them, and
 * lets them go on. One a host.
 *
 * Must hold: a machine that is complete here waits until its source has given it away, or is known to
 * have forgotten it; what is told twice is done once.
 */
import {
  component,
  type Entity,
  type OperationComponent,
  type PlainObject,
  type Reply,
  type Request,
  startOperation,
} from "../kernel/index.ts";
import type { MediumIo } from "../disks/index.ts";
import {
  lookAtMedia,
  mediaLooked,
  mediumCleared,
  mediumIo,
  mediumReplied,
  resumeMedia,
  settleMedia,
} from "./local-disks/media.ts";
import type { AgentDurable } from "./local-disks/notes.ts";
import type { HostEntity } from "../platform/index.ts";
import {
  giveImage,
  loadPages,
  memoryOf,
  setPrivate,
  type VmEntity,
  type Vmm,
} from "../vmm/index.ts";
import { admit, probed, reserve } from "./admission.ts";
import {
  type AgentComponent,
  type AgentEntity,
  type AgentState,
  type Coming,
  drop,
  editComing,
  hostOf,
  known,
  LOOK_NS,
} from "./coming.ts";
import { unpackPages } from "./packing.ts";
import { expectPages, forgetFilling, takePushed, tellLacks } from "./post-copy/filling.ts";
import { answerFetch } from "./post-copy/pushing.ts";
import type { AboutMove, ImageMessage, PagesMessage, Reservation } from "./settings.ts";

type NoFields = Record<string, never>;

/** After what silence of a source it is asked. */
const SILENCE_NS = 5_000_000_000;
const ANSWER_NS = 1_000_000_000;

export function agentComponent(vmm: Vmm, start: OperationComponent): AgentComponent {
  return component<NoFields, AgentDurable, AgentState>({
    kind: "migration-agent",
    durable: () => ({}),
    volatile: () => ({ coming: {} }),
    restarted: (self) => resumeMedia(self),
    handlers: {
      reserve: (self, request: Request<Reservation & PlainObject>) => reserve(self, request),
      probed: (self, reply: Reply) => probed(self, vmm, reply),
      admit: (self, vm: string) => admit(self, vmm, vm),
      pages: (self, request: Request<PagesMessage & PlainObject>) => {
        const coming = known(self, request);
        if (coming?.stage === "copying") take(self, coming, request.body);
        else if (coming === undefined || !takePushed(self, coming, request.body.packed)) {
          return self.refuse(request, "unknown");
        }
        self.reply(request, {});
      },
      complete: (self, request: Request<ImageMessage & PlainObject>) => {
        const coming = known(self, request);
        if (coming?.stage !== "copying") return self.refuse(request, "unknown");
        editComing(self, request.body.vm).stage = "complete";
        const vm = self.world.entity(coming.instance) as unknown as VmEntity;
        giveImage(vm, request.body.image);
        if (coming.patienceNs !== undefined) expectPages(self, coming, vm, request.body.image);
        self.reply(request, {});
      },
      /** The source has given the machine away: it goes on here. */
      go: (self, request: Request<AboutMove>) => go(self, start, request),
      /** Of a machine that runs here: which of its pages are not there. */
      lacks: (self, request: Request<AboutMove>) => tellLacks(self, request),
      /** Of a machine that left: pages that it needs at once. */
      fetch: (self, request: Request<never>) => answerFetch(self, request),
      drop: (self, request: Request<AboutMove>) => {
        const coming = known(self, request);
        if (coming?.stage === "filling") forgetFilling(self, coming, "source-lost");
        else if (coming !== undefined && !isHere(coming)) drop(self, coming);
        self.reply(request, {});
      },
      /** Whether an operation that moves a machine is there still. */
      "is-moving": (self, request: Request<AboutMove>) => {
        const operation = self.world.entityOrNone(request.body.source);
        self.reply(request, { isMoving: operation?.domain === self.domain });
      },
      /** Whether that move of a machine to here is known still. */
      "is-coming": (self, { body, ...request }: Request<AboutMove>) => {
        const isComing = self.volatile.coming[body.vm]?.source === body.source;
        self.reply({ ...request, body: null }, { isComing });
      },
      "medium-io": (self, request: Request<MediumIo & PlainObject>) => mediumIo(self, request),
      "medium-replied": (self, reply: Reply) => mediumReplied(self, reply),
      "media-looked": (self, reply: Reply) => mediaLooked(self, reply),
      "medium-cleared": (self, reply: Reply) => mediumCleared(self, reply),
      "look-media": (self, _arg: number) => lookAtMedia(self),
      "settle-media": (self, _arg: number) => settleMedia(self),
      look: (self, _arg: number) => look(self),
      looked: (self, reply: Reply) => looked(self, reply),
    },
  });
}

function take(self: AgentEntity, { instance }: Coming, { packed }: PagesMessage): void {
  const memory = memoryOf(self.world.entity(instance) as unknown as VmEntity);
  unpackPages(packed, ({ page, pages, isPrivate, runs }) => {
    setPrivate(memory, page, pages, isPrivate);
    loadPages(memory, page, runs);
  });
  self.world.addWork(packed.rows.length >>> 8);
}

/** It was given away, and is this host's. */
const isHere = ({ stage }: Coming): boolean => stage === "starting" || stage === "filling";

/** Nobody can have given it away yet. */
const isEarly = ({ stage }: Coming): boolean => stage === "admitting" || stage === "copying";

function go(self: AgentEntity, start: OperationComponent, request: Request<AboutMove>): void {
  const coming = known(self, request as Request<AboutMove & PlainObject>);
  if (coming === undefined || isEarly(coming)) return self.refuse(request, "unknown");
  const { vm } = request.body;
  const state = editComing(self, vm);
  if (coming.stage === "filling") return self.reply(request, { resumedNs: coming.resumedNs! });
  state.waiting = [...coming.waiting, request];
  if (isHere(coming)) return;
  state.stage = "starting";
  const { instance, opening, startUpNs } = coming;
  const params = { vm, instance, agent: self.id, opening, startUpNs };
  const id = `${vm}.start-run-${coming.run}`;
  startOperation(self.world, start, hostOf(self) as unknown as Entity, id, params as PlainObject);
}

/** A source that is silent may have forgotten: it crashed, or it gave up and nobody heard of it. */
function look(self: AgentEntity): void {
  const coming = Object.values(self.volatile.coming);
  if (coming.length === 0) return;
  self.after(LOOK_NS, "look");
  for (const { vm, source, agent, stage, heardAtNs } of coming) {
    if (stage === "starting" || stage === "admitting" || self.simulatedNs - heardAtNs < SILENCE_NS)
      continue;
    const options = { then: "looked", tag: { vm, source }, timeoutNs: ANSWER_NS };
    self.ask(agent, "is-moving", { vm, source }, options);
  }
}

/** Without an answer only what is complete is kept: the source may have given it away. */
function looked(self: AgentEntity, reply: Reply): void {
  const { vm, source } = reply.tag as AboutMove;
  const coming = self.volatile.coming[vm];
  if (coming?.source !== source || coming.stage === "starting") return;
  const isForgotten = reply.ok ? !(reply.value as { isMoving: boolean }).isMoving : isEarly(coming);
  if (!isForgotten) return;
  if (coming.stage === "filling") forgetFilling(self, coming, "source-lost");
  else drop(self, coming);
}

/** Of a host. Part of building. */
export function spawnAgent(component: AgentComponent, host: HostEntity, name: string): void {
  host.world.spawn(component, {}, { creator: host as unknown as Entity, name });
}
