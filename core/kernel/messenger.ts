/**
 * Requests, replies and one-way messages between entities. Inside a domain they are events; between
 * domains they go to a carrier. Open requests are state of the asking entity: a crash drops them,
 * and an answer that comes late finds nobody.
 */
import { assert } from "./assert.ts";
import type { AskOptions, Delivery, Envelope, Reply, Request, SendOptions } from "./carrier.ts";
import type { DomainId, Entity, EntityId } from "./entity.ts";
import type { TimerHandle } from "./event-queue.ts";
import { clonePlain, type Plain, type PlainObject } from "./plain.ts";
import { Records } from "./stores/records.ts";
import type { World } from "./world.ts";

/** Handler names that the kernel itself answers. */
export const REPLY = "@reply";
export const TIMED_OUT = "@timed-out";

const DEFAULT_BYTES = 256;

const TIMEOUT = { ok: false, code: "timeout", detail: null } as const;

interface OpenAsk {
  readonly then: string;
  readonly tag: Plain;
  readonly timer: TimerHandle;
  /** Where several carriers lead to the one asked: its domain, and the carrier that was in use. */
  readonly by?: readonly [DomainId, number] | undefined;
}

interface Asks {
  readonly next: number;
  readonly open: { readonly [askId: string]: OpenAsk };
}

/** Open requests of an entity as the messenger works with them. */
interface LiveAsks {
  next: number;
  readonly open: Map<number, OpenAsk>;
  /** The record says something else. */
  isDirty: boolean;
}

type Outcome =
  | { readonly ok: true; readonly value: Plain }
  | { readonly ok: false; readonly code: string; readonly detail: Plain };

/** Copies: what a handler is handed of it becomes its own. */
function recorded(open: ReadonlyMap<number, OpenAsk>): { [askId: string]: PlainObject } {
  const record: { [askId: string]: PlainObject } = {};
  for (const [askId, { then, tag, timer, by }] of open) {
    record[askId] = { then, tag: clonePlain(tag), timer, ...(by && { by }) };
  }
  return record;
}

export class Messenger {
  /** Open requests by asking entity, as of the last look at `asks`. */
  readonly #records = new Records();
  /** What is open now: an index over the records, and ahead of them where it is dirty. */
  #live: (LiveAsks | undefined)[] = [];
  #dirty: number[] = [];
  readonly #world: World;
  /** By the domains that send and receive, in the order they were connected. */
  readonly #carriers: EntityId[][][] = [];
  /** What a carrier is just being handed and has not delivered yet. */
  #carried: Envelope | undefined;
  /** Requests that are being handed down, one in the handler of the other. */
  #descending = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Open requests by asking entity: state. */
  get asks(): Records {
    for (const id of this.#dirty) {
      const live = this.#live[id];
      if (live?.isDirty !== true) continue;
      live.isDirty = false;
      this.#records.set(id, { next: live.next, open: recorded(live.open) });
    }
    this.#dirty = [];
    return this.#records;
  }

  /** After a restore: the records are what is. */
  reindex(): void {
    this.#live = [];
    this.#dirty = [];
  }

  /** Forgets an entity. */
  remove(id: EntityId): void {
    this.#live[id] = undefined;
    this.#records.set(id, undefined);
  }

  /** Makes `carrier` the way (or one of the ways) from one domain to another. Part of building. */
  connect(from: DomainId, to: DomainId, carrier: EntityId): void {
    ((this.#carriers[from] ??= [])[to] ??= []).push(carrier);
  }

  /** Carriers from one domain to another, in the order they were connected. */
  carriers(from: DomainId, to: DomainId): readonly EntityId[] {
    return this.#carriers[from]?.[to] ?? [];
  }

  send(from: Entity, to: EntityId, handler: string, body: Plain, options?: SendOptions): void {
    this.#dispatch(from, to, handler, body, 0, options);
  }

  ask(from: Entity, to: EntityId, handler: string, body: Plain, options: AskOptions): void {
    const live = this.#edit(from.id);
    const askId = live.next++;
    const { then, tag = null, timeoutNs } = options;
    if (from.handlers[then] === undefined) assert(false, `${from.kind} has no handler ${then}`);
    const timer = timeoutNs === undefined ? 0 : this.#limit(from, timeoutNs, askId);
    const by = timer === 0 ? undefined : this.#carrierInUse(from, to, options.via);
    live.open.set(askId, by === undefined ? { then, tag, timer } : { then, tag, timer, by });
    this.#dispatch(from, to, handler, body, askId, options);
  }

  reply(from: Entity, request: Request, outcome: Outcome, options?: SendOptions): void {
    const { askId } = request;
    if (askId === 0) return;
    const target = this.#world.entityOrNone(request.from);
    if (target === undefined) return;
    if (this.#isDirect(from, target, this.#openAsk(target.id, askId)?.then)) {
      return this.settle(target, askId, outcome);
    }
    const arg = outcome.ok
      ? { askId, ok: true, value: clonePlain(outcome.value) }
      : { askId, ok: false, code: outcome.code, detail: clonePlain(outcome.detail) };
    const delivery = options?.delivery ?? request.delivery;
    const via = this.#via(from, target, options?.via ?? request.via);
    this.#transmit(from, target, REPLY, arg, delivery, via, options?.bytes);
  }

  /** Delivers an answer, or a time-out, to the handler that waits for it. */
  settle(asker: Entity, askId: number, outcome: Outcome): void {
    const live = this.#live[asker.id] ?? this.#liveOf(asker.id);
    const open = live?.open.get(askId);
    if (live === undefined || open === undefined) return;
    this.#touch(asker.id, live);
    live.open.delete(askId);
    if (open.timer !== 0) this.#world.queue.cancel(open.timer);
    const { tag } = open;
    const reply: Reply = outcome.ok
      ? { ok: true, value: outcome.value, tag }
      : { ok: false, code: outcome.code, detail: outcome.detail, tag };
    this.#world.call(asker, open.then, reply);
  }

  /** No answer in time: what this domain sends there from now on takes the next carrier. */
  expire(asker: Entity, askId: number): void {
    const by = this.#openAsk(asker.id, askId)?.by;
    if (by !== undefined) {
      const [to, carrier] = by;
      const { registry } = this.#world;
      if (registry.carrierInUse(asker.domain, to) === carrier) {
        const next = (carrier + 1) % this.carriers(asker.domain, to).length;
        registry.useCarrier(asker.domain, to, next);
        this.#world.notice(asker, "carrier-failover", { from: carrier, to: next });
      }
    }
    this.settle(asker, askId, TIMEOUT);
  }

  /** A crash forgets what was asked, and keeps the counter so that no late answer fits. */
  dropAsks(entity: Entity): void {
    const live = this.#liveOf(entity.id);
    if (live !== undefined) this.#edit(entity.id).open.clear();
  }

  /** Called by a carrier: the message reaches its target after `delayNs`. */
  arrive(envelope: Envelope, delayNs: number): void {
    const world = this.#world;
    const target = world.entityOrNone(envelope.to);
    if (target === undefined) return;
    const { handler, arg, incarnation } = envelope;
    // On the way at once, and for the first time: nobody else has what it carries.
    if (envelope !== this.#carried) world.push(target, delayNs, handler, arg, incarnation);
    else world.pushOwned(target, delayNs, handler, arg, incarnation);
    this.#carried = undefined;
  }

  #descend(target: Entity, handler: string, request: Request): void {
    this.#descending++;
    try {
      this.#world.call(target, handler, request);
    } finally {
      this.#descending--;
    }
  }

  /** Whether an answer goes to its handler at once. */
  #isDirect(from: Entity, asker: Entity, then: string | undefined): boolean {
    if (this.#descending > 0 || then === undefined || asker.domain !== from.domain) return false;
    return from.direct !== undefined && asker.direct?.includes(then) === true;
  }

  /** Undefined where there is no choice, or it is the asker's. */
  #carrierInUse(from: Entity, to: EntityId, via = -1): OpenAsk["by"] {
    const target = this.#world.entityOrNone(to);
    if (via >= 0 || target === undefined || target.domain === from.domain) return undefined;
    if (this.carriers(from.domain, target.domain).length < 2) return undefined;
    return [target.domain, this.#world.registry.carrierInUse(from.domain, target.domain)];
  }

  #liveOf(id: EntityId): LiveAsks | undefined {
    const known = this.#live[id];
    if (known !== undefined) return known;
    const record = this.#records.get(id) as Asks | undefined;
    if (record === undefined) return undefined;
    const open = new Map<number, OpenAsk>();
    for (const askId in record.open) open.set(Number(askId), clonePlain(record.open[askId]!));
    return (this.#live[id] = { next: record.next, open, isDirty: false });
  }

  #openAsk(id: EntityId, askId: number): OpenAsk | undefined {
    return (this.#live[id] ?? this.#liveOf(id))?.open.get(askId);
  }

  #edit(id: EntityId): LiveAsks {
    const live =
      this.#liveOf(id) ?? (this.#live[id] = { next: 1, open: new Map(), isDirty: false });
    this.#touch(id, live);
    return live;
  }

  #touch(id: EntityId, live: LiveAsks): void {
    if (live.isDirty) return;
    live.isDirty = true;
    this.#dirty.push(id);
  }

  /** The time-out of a request. */
  #limit(from: Entity, timeoutNs: number, askId: number): TimerHandle {
    return this.#world.schedule(from, timeoutNs, TIMED_OUT, askId);
  }

  #dispatch(
    from: Entity,
    to: EntityId,
    handler: string,
    body: Plain,
    askId: number,
    options: SendOptions | undefined,
  ): void {
    const target = this.#world.entityOrNone(to);
    if (target === undefined) return;
    const via = this.#via(from, target, options?.via);
    const delivery = options?.delivery ?? "stream";
    if (target.domain === from.domain && target.direct?.includes(handler)) {
      return this.#descend(target, handler, { from: from.id, askId, delivery, via, body });
    }
    // A copy: what the sender goes on to change is not what it sent.
    const request: Request = { from: from.id, askId, delivery, via, body: clonePlain(body) };
    this.#transmit(from, target, handler, request, delivery, via, options?.bytes);
  }

  /** `arg` is nobody else's. */
  #transmit(
    from: Entity,
    target: Entity,
    handler: string,
    arg: Plain,
    delivery: Delivery,
    via: EntityId,
    bytes = DEFAULT_BYTES,
  ): void {
    const world = this.#world;
    const incarnation = world.incarnationOf(target.domain);
    if (target.domain === from.domain || from.seesAll) {
      world.pushOwned(target, 0, handler, arg, incarnation);
    } else if (via < 0) {
      world.notice(from, "unroutable", { to: target.name, handler });
    } else {
      const to = target.id;
      const envelope = { from: from.id, to, handler, arg, bytes, delivery, incarnation };
      this.#carried = envelope;
      world.carry(via, envelope);
      this.#carried = undefined;
    }
  }

  /** The carrier wanted, else the one in use between the two domains; -1 inside a domain. */
  #via(from: Entity, target: Entity, wanted: EntityId | undefined): EntityId {
    if (wanted !== undefined && wanted >= 0) return wanted;
    if (target.domain === from.domain) return -1;
    const carriers = this.carriers(from.domain, target.domain);
    if (carriers.length < 2) return carriers[0] ?? -1;
    return carriers[this.#world.registry.carrierInUse(from.domain, target.domain)]!;
  }
}
