/**
 * Requests, replies and one-way messages between entities. Inside a domain they are events; between
 * domains they go to a carrier. Open requests are state of the asking entity: a crash drops them,
 * and an answer that comes late finds nobody.
 */
import { assert } from "./assert.ts";
import type { AskOptions, Delivery, Envelope, Reply, Request, SendOptions } from "./carrier.ts";
import type { DomainId, Entity, EntityId } from "./entity.ts";
import type { TimerHandle } from "./event-queue.ts";
import { clonePlain, type Plain } from "./plain.ts";
import { Records } from "./stores/records.ts";
import type { World } from "./world.ts";

/** Handler names that the kernel itself answers. */
export const REPLY = "@reply";
export const TIMED_OUT = "@timed-out";

const DEFAULT_BYTES = 256;

interface OpenAsk {
  readonly then: string;
  readonly tag: Plain;
  readonly timer: TimerHandle;
}

interface Asks {
  next: number;
  open: { [askId: string]: OpenAsk };
}

type Outcome =
  | { readonly ok: true; readonly value: Plain }
  | { readonly ok: false; readonly code: string; readonly detail: Plain };

export class Messenger {
  /** Open requests by asking entity. */
  readonly asks = new Records();
  readonly #world: World;
  readonly #carriers = new Map<string, EntityId[]>();
  /** What a carrier is just being handed and has not delivered yet. */
  #carried: Envelope | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Makes `carrier` the way (or one of the ways) from one domain to another. Part of building. */
  connect(from: DomainId, to: DomainId, carrier: EntityId): void {
    const key = `${from}>${to}`;
    const carriers = this.#carriers.get(key) ?? [];
    carriers.push(carrier);
    this.#carriers.set(key, carriers);
  }

  /** Carriers from one domain to another, in the order they were connected. */
  carriers(from: DomainId, to: DomainId): readonly EntityId[] {
    return this.#carriers.get(`${from}>${to}`) ?? [];
  }

  send(from: Entity, to: EntityId, handler: string, body: Plain, options?: SendOptions): void {
    this.#dispatch(from, to, handler, body, 0, options);
  }

  ask(from: Entity, to: EntityId, handler: string, body: Plain, options: AskOptions): void {
    if (this.asks.get(from.id) === undefined) this.asks.set(from.id, { next: 1, open: {} });
    const asks = this.asks.edit(from.id) as unknown as Asks;
    const askId = asks.next++;
    const { then, tag = null, timeoutNs } = options;
    if (from.handlers[then] === undefined) assert(false, `${from.kind} has no handler ${then}`);
    const timer = timeoutNs === undefined ? 0 : this.#limit(from, timeoutNs, askId);
    asks.open[askId] = { then, tag, timer };
    this.#dispatch(from, to, handler, body, askId, options);
  }

  reply(from: Entity, request: Request, outcome: Outcome, options?: SendOptions): void {
    const { askId } = request;
    if (askId === 0) return;
    const target = this.#world.entityOrNone(request.from);
    if (target === undefined) return;
    const arg = outcome.ok
      ? { askId, ok: true, value: clonePlain(outcome.value) }
      : { askId, ok: false, code: outcome.code, detail: clonePlain(outcome.detail) };
    const delivery = options?.delivery ?? request.delivery;
    const via = this.#via(from, target, options?.via ?? request.via);
    this.#transmit(from, target, REPLY, arg, delivery, via, options?.bytes);
  }

  /** Delivers an answer, or a time-out, to the handler that waits for it. */
  settle(asker: Entity, askId: number, outcome: Outcome): void {
    const open = (this.asks.get(asker.id) as Asks | undefined)?.open[askId];
    if (open === undefined) return;
    const asks = this.asks.edit(asker.id) as unknown as Asks;
    delete asks.open[askId];
    if (open.timer !== 0) this.#world.queue.cancel(open.timer);
    const { tag } = open;
    const reply: Reply = outcome.ok
      ? { ok: true, value: outcome.value, tag }
      : { ok: false, code: outcome.code, detail: outcome.detail, tag };
    this.#world.call(asker, open.then, reply);
  }

  /** A crash forgets what was asked, and keeps the counter so that no late answer fits. */
  dropAsks(entity: Entity): void {
    const asks = this.asks.get(entity.id) as Asks | undefined;
    if (asks === undefined) return;
    this.asks.set(entity.id, { next: asks.next, open: {} });
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
    if (target.domain === from.domain || from.component.omniscient) {
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

  /** The carrier wanted, else the first that joins the two domains; -1 inside a domain. */
  #via(from: Entity, target: Entity, wanted: EntityId | undefined): EntityId {
    if (wanted !== undefined && wanted >= 0) return wanted;
    if (target.domain === from.domain) return -1;
    return this.carriers(from.domain, target.domain)[0] ?? -1;
  }
}
