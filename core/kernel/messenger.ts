/**
 * Requests, replies and one-way messages between entities. Inside a domain they are events; between
 * domains they go to a carrier. Open requests are state of the asking entity: a crash drops them,
 * and an answer that comes late finds nobody.
 */
import { assert } from "./assert.ts";
import type { AskOptions, Envelope, Request, SendOptions } from "./carrier.ts";
import type { DomainId, Entity, EntityId } from "./entity.ts";
import type { TimerHandle } from "./event-queue.ts";
import { clonePlain, type Plain, type PlainObject } from "./plain.ts";
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
    const world = this.#world;
    if (this.asks.get(from.id) === undefined) this.asks.set(from.id, { next: 1, open: {} });
    const asks = this.asks.edit(from.id) as unknown as Asks;
    const askId = asks.next++;
    const { then, tag = null, timeoutNs } = options;
    assert(from.handlers[then] !== undefined, () => `${from.kind} has no handler ${then}`);
    const timer = timeoutNs === undefined ? 0 : world.schedule(from, timeoutNs, TIMED_OUT, askId);
    asks.open[askId] = { then, tag, timer };
    this.#dispatch(from, to, handler, body, askId, options);
  }

  reply(from: Entity, request: Request, outcome: Outcome, options?: SendOptions): void {
    if (request.askId === 0) return;
    const arg = { askId: request.askId, ...outcome };
    const { delivery, via } = request;
    const back = via >= 0 ? { delivery, via, ...options } : { delivery, ...options };
    this.#transmit(from, request.from, REPLY, arg, back);
  }

  /** Delivers an answer, or a time-out, to the handler that waits for it. */
  settle(asker: Entity, askId: number, outcome: Outcome): void {
    const open = (this.asks.get(asker.id) as Asks | undefined)?.open[askId];
    if (open === undefined) return;
    const asks = this.asks.edit(asker.id) as unknown as Asks;
    delete asks.open[askId];
    if (open.timer !== 0) this.#world.queue.cancel(open.timer);
    this.#world.call(asker, open.then, { ...outcome, tag: open.tag });
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
    world.push(target, delayNs, envelope.handler, envelope.arg, envelope.incarnation);
  }

  #dispatch(
    from: Entity,
    to: EntityId,
    handler: string,
    body: Plain,
    askId: number,
    options: SendOptions = {},
  ): void {
    const via = this.#via(from, to, options.via);
    const delivery = options.delivery ?? "stream";
    const request: Request = { from: from.id, askId, delivery, via, body };
    this.#transmit(from, to, handler, request as unknown as PlainObject, { ...options, via });
  }

  #transmit(from: Entity, to: EntityId, handler: string, arg: Plain, options: SendOptions): void {
    const world = this.#world;
    const target = world.entityOrNone(to);
    if (target === undefined) return;
    const incarnation = world.incarnationOf(target.domain);
    if (target.domain === from.domain || from.component.omniscient) {
      world.push(target, 0, handler, arg, incarnation);
      return;
    }
    const via = this.#via(from, to, options.via);
    if (via < 0) {
      world.notice(from, "unroutable", { to: target.name, handler });
      return;
    }
    const { bytes = DEFAULT_BYTES, delivery = "stream" } = options;
    // A copy: a carrier may keep it, and it is not the sender's to change any more.
    const sent = clonePlain(arg);
    world.carry(via, { from: from.id, to, handler, arg: sent, bytes, delivery, incarnation });
  }

  #via(from: Entity, to: EntityId, wanted: EntityId | undefined): EntityId {
    if (wanted !== undefined && wanted >= 0) return wanted;
    const target = this.#world.entityOrNone(to);
    if (target === undefined || target.domain === from.domain) return -1;
    return this.carriers(from.domain, target.domain)[0] ?? -1;
  }
}
