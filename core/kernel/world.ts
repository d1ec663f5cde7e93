/**
 * The world: all stores, the event loop, and what handlers can ask for. Must hold: everything that
 * can influence the future is in the stores, so `restore(capture())` at any event changes nothing,
 * and two runs of the same scenario and seed have the same roots.
 */
import { Advancing } from "./advance.ts";
import { assert } from "./assert.ts";
import type { Envelope } from "./carrier.ts";
import { Checker } from "./checker.ts";
import type { AnyComponent, Component } from "./component.ts";
import type { DomainId, Entity, EntityId } from "./entity.ts";
import { Epochs } from "./epochs.ts";
import { CANCELLED, EventQueue, type TimerHandle } from "./event-queue.ts";
import { crashDomain, removeOrphans, restartDomain } from "./failure.ts";
import { Gate } from "./gate.ts";
import type { Invariant } from "./invariant.ts";
import { Messenger, REPLY, TIMED_OUT } from "./messenger.ts";
import { Metrics } from "./metrics.ts";
import { clonePlain, type Plain, type PlainObject } from "./plain.ts";
import { SamplerCache } from "./random/distributions/distribution.ts";
import { Registry } from "./registry.ts";
import { rootOfRun, stateDigest } from "./root.ts";
import { Arrays } from "./stores/arrays.ts";
import { Contents } from "./stores/contents.ts";
import { Memories } from "./stores/memories.ts";
import { Records } from "./stores/records.ts";
import { MAX_TIME_NS, type TimeNs } from "./time.ts";
import {
  DEFAULT_CONSTANTS,
  type ExecutedEvent,
  type RunLimits,
  type SpawnOptions,
  type StopReason,
  type WorldConstants,
  type WorldHooks,
  type WorldOptions,
  type WorldScalars,
} from "./world-types.ts";

export class World {
  readonly constants: WorldConstants;
  readonly gate: Gate;
  readonly queue = new EventQueue();
  readonly durable = new Records();
  readonly volatile = new Records();
  readonly contents = new Contents();
  /** Memories of real guests. */
  readonly memories = new Memories();
  /** Memory of modelled guests, and bitmaps over pages of any guest. */
  readonly arrays = new Arrays();
  /** Point-in-time shadows and other content that only observers see. */
  readonly shadowContents = new Contents();
  /** The same of arrays. */
  readonly shadowArrays = new Arrays();
  readonly checker = new Checker(this);
  readonly registry = new Registry(this);
  readonly messenger = new Messenger(this);
  readonly metrics = new Metrics(this);
  readonly advancing = new Advancing(this);
  /** Prepared distributions: a pure cache. */
  readonly samplers = new SamplerCache();
  hooks: WorldHooks = {};

  timeNs: TimeNs = 0;
  /** Events run so far; the number of the running event is this, counted from 1. */
  eventCount = 0;
  durableSteps = 0;
  activeOperations = 0;
  /** Work units beyond one an event (see `addWork`), since the start of the world. */
  extraWork = 0;
  /** Time went on since the last event: real guests have run further. */
  isBetween = false;
  /** Samples of metrics are kept. Nothing in the world reads them, so a run is the same without. */
  isMeasuring = true;

  readonly #epochs = new Epochs(this);
  #sequence = 0;
  /** Domain of the running handler; -1 for those who may see everything. */
  #activeDomain: DomainId = -1;
  #stop = false;
  /** Real guests run until `extraWork` is this, then there is a pause. */
  #pauseWork = Infinity;
  /** Who is told of a kind of notice by an event of its own; fixed when the world is built. */
  readonly #subscribers = new Map<string, (readonly [EntityId, string])[]>();
  readonly #reply: number;
  readonly #timedOut: number;

  constructor(options: WorldOptions) {
    this.constants = { ...DEFAULT_CONSTANTS, ...options.constants };
    this.gate = new Gate(options.gate);
    this.#reply = this.registry.addHandler(REPLY, (self, arg: PlainObject) =>
      this.messenger.settle(self, arg["askId"] as number, arg as never),
    );
    this.#timedOut = this.registry.addHandler(TIMED_OUT, (self, askId: number) =>
      this.messenger.expire(self, askId),
    );
  }

  // --- building -----------------------------------------------------------------------------

  register(...components: readonly AnyComponent[]): void {
    for (const each of components) this.registry.register(each);
  }

  addInvariants(invariants: readonly Invariant[]): void {
    this.checker.register(invariants);
    for (const entity of this.entities()) entity.watched = this.checker.watches(entity.kind);
  }

  addDomain(name: string): DomainId {
    return this.registry.addDomain(name);
  }

  spawn<C extends PlainObject, D extends PlainObject, V extends PlainObject>(
    component: Component<C, D, V>,
    config: C,
    options: SpawnOptions,
  ): Entity<C, D, V> {
    this.registry.register(component as never);
    const { creator } = options;
    const domain = options.domain ?? creator?.domain;
    assert(domain !== undefined, "spawn needs a creator or a domain");
    const name = options.name ?? this.#generatedName(creator, options.label ?? component.kind);
    const parent = creator?.id ?? -1;
    const entity = this.registry.add({ name, kind: component.kind, domain, parent, config });
    this.durable.set(entity.id, component.durable?.(config) ?? ({} as D));
    this.volatile.set(entity.id, component.volatile?.(config) ?? ({} as V));
    if (entity.watched) this.noteDirty(entity);
    return entity as unknown as Entity<C, D, V>;
  }

  /** Forgets an entity, its state and its content. */
  remove(entity: Entity): void {
    this.registry.remove(entity);
    this.durable.set(entity.id, undefined);
    this.volatile.set(entity.id, undefined);
    this.messenger.remove(entity.id);
    this.registry.counters.set(entity.id, undefined);
    this.contents.removeOwned(entity.name);
    this.memories.removeOwned(entity.name);
    this.arrays.removeOwned(entity.name);
  }

  // --- looking ------------------------------------------------------------------------------

  *entities(): Generator<Entity> {
    for (const entity of this.registry.handles) if (entity !== undefined) yield entity;
  }

  entity(id: EntityId): Entity {
    const entity = this.registry.handles[id];
    assert(entity !== undefined, () => `no entity ${id}`);
    return entity;
  }

  entityOrNone(id: EntityId): Entity | undefined {
    return this.registry.handles[id];
  }

  /** The entity of this name; throws when there is none. */
  named(name: string): Entity {
    const id = this.registry.idOf(name);
    assert(id !== undefined, () => `no entity named ${name}`);
    return this.entity(id);
  }

  incarnationOf(domain: DomainId): number {
    return this.registry.incarnations[domain]!;
  }

  isUp(domain: DomainId): boolean {
    return this.registry.domain(domain).up;
  }

  // --- what handlers do ---------------------------------------------------------------------

  checkAccess(entity: Entity): void {
    if (this.#activeDomain < 0 || this.#activeDomain === entity.domain) return;
    if (entity.component.shared) return;
    const active = this.registry.domain(this.#activeDomain).name;
    assert(false, `a handler of domain ${active} touched ${entity.name}, which is elsewhere`);
  }

  noteDirty(entity: Entity): void {
    if (entity.dirtiedIn === this.eventCount) return;
    entity.dirtiedIn = this.eventCount;
    this.checker.noteDirty(entity);
  }

  schedule(target: Entity, delayNs: number, handler: string, arg: Plain): TimerHandle {
    return this.push(target, delayNs, handler, arg, this.registry.incarnations[target.domain]!);
  }

  push(
    target: Entity,
    delayNs: number,
    handler: string,
    arg: Plain,
    incarnation: number,
  ): TimerHandle {
    // A copy: what the sender goes on to change is not what it sent.
    const payload = typeof arg === "object" ? clonePlain(arg) : arg;
    return this.pushOwned(target, delayNs, handler, payload, incarnation);
  }

  /** The same with an argument that nobody else has. */
  pushOwned(
    target: Entity,
    delayNs: number,
    handler: string,
    arg: Plain,
    incarnation: number,
  ): TimerHandle {
    const number = target.handlerNumber(handler) ?? this.#kernelHandler(target, handler);
    const timeNs = this.timeNs + delayNs;
    if (!(delayNs >= 0 && Number.isSafeInteger(timeNs))) this.#badDelay(target, handler, delayNs);
    const isNumber = typeof arg === "number";
    return this.queue.push(
      timeNs,
      this.#sequence++,
      target.id,
      number,
      incarnation,
      isNumber ? arg : 0,
      isNumber ? undefined : arg,
      this.eventCount,
    );
  }

  /** Runs another handler of an entity within the running event. */
  call(target: Entity, handler: string, arg: Plain): void {
    const number = target.handlerNumber(handler) ?? this.#kernelHandler(target, handler);
    this.registry.handlers.get(number)!.handle(target, arg as never);
  }

  /** Hands an envelope to a carrier, which works on its own state in this event. */
  carry(via: EntityId, envelope: Envelope): void {
    const carrier = this.entity(via);
    assert(carrier.component.carry !== undefined, () => `${carrier.name} carries no messages`);
    if (this.registry.running[carrier.domain]! < 0) return;
    const active = this.#activeDomain;
    this.#activeDomain = carrier.domain;
    carrier.component.carry(carrier, envelope);
    this.#activeDomain = active;
  }

  notice(entity: Entity, kind: string, data: PlainObject): void {
    if (this.checker.observesNotice(kind)) {
      const active = this.#activeDomain;
      this.#activeDomain = -1;
      this.checker.onNotice(entity, kind, data);
      this.#activeDomain = active;
    }
    const subscribers = this.#subscribers.get(kind);
    if (subscribers !== undefined) this.#tellSubscribers(subscribers, entity, data);
    const { onNotice, heard } = this.hooks;
    if (onNotice === undefined || heard?.has(kind) === false) return;
    const { eventCount: event, timeNs } = this;
    onNotice({ event, timeNs, entity: entity.name, kind, data });
  }

  /** Whether anybody is told of such notices: what it costs much to make up is made up only then. */
  isHeard(kind: string): boolean {
    const { onNotice, heard } = this.hooks;
    if (onNotice !== undefined && heard?.has(kind) !== false) return true;
    return this.checker.observesNotice(kind) || this.#subscribers.has(kind);
  }

  /** From now on each notice of this kind is also an event of `subscriber`. Part of building. */
  subscribe(kind: string, subscriber: Entity, handler: string): void {
    const subscribers = this.#subscribers.get(kind) ?? [];
    subscribers.push([subscriber.id, handler]);
    this.#subscribers.set(kind, subscribers);
  }

  measure(entity: Entity, series: string, value: number): void {
    if (this.isMeasuring) this.metrics.add(entity, series, value);
  }

  durableStep(entity: Entity, label: string): void {
    this.durableSteps++;
    this.notice(entity, "durable", { step: this.durableSteps, label });
  }

  /** Counts work that an event did beyond the ordinary, in events (bytes moved, instructions). */
  addWork(units: number): void {
    this.extraWork += units;
  }

  // --- failure domains ----------------------------------------------------------------------

  /** Drops the domain's volatile state, operations and timers. */
  crash(domain: DomainId, cause: string): void {
    crashDomain(this, domain, cause);
  }

  /** Brings a crashed domain back; each entity recovers from its durable state. */
  restart(domain: DomainId): void {
    restartDomain(this, domain);
  }

  /** Forgets an entity and everything that it created, and what that created. */
  removeTree(entity: Entity): void {
    const later = [...this.entities()].filter(({ id }) => id > entity.id);
    this.remove(entity);
    removeOrphans(this, later);
  }

  /** Runs what belongs to a domain as its handlers run: only that domain can be touched. */
  within(domain: DomainId, what: () => void): void {
    const active = this.#activeDomain;
    this.#activeDomain = domain;
    what();
    this.#activeDomain = active;
  }

  // --- running ------------------------------------------------------------------------------

  /** Ends `run` after the running event. */
  stop(): void {
    this.#stop = true;
  }

  /** Runs events in order of (time, sequence) until a limit. */
  run(limits: RunLimits = {}): StopReason {
    const { untilNs = MAX_TIME_NS, untilEvent = Number.MAX_SAFE_INTEGER } = limits;
    const { pauseEvery = Infinity, untilWork = Infinity } = limits;
    this.#stop = false;
    this.#epochs.settle();
    let pauseAt = this.eventCount + pauseEvery;
    let pauseWork = this.extraWork + pauseEvery;
    for (;;) {
      const { lastEvent } = this.#epochs;
      this.#pauseWork = Math.min(untilWork, pauseWork);
      const reason = this.#runSegment(untilNs, Math.min(untilEvent, lastEvent, pauseAt));
      // Counted anew: the segment may have ended an epoch by time.
      const isDue = this.eventCount === this.#epochs.lastEvent;
      if (isDue && reason !== "threw") this.#epochs.end();
      if (reason !== "event" && reason !== "work") return reason;
      if (reason === "event" && this.eventCount >= untilEvent) return "event";
      if (this.eventCount >= pauseAt || reason === "work") {
        this.hooks.onPause?.();
        pauseAt = this.eventCount + pauseEvery;
        pauseWork = this.extraWork + pauseEvery;
      }
      if (this.extraWork >= untilWork) return "work";
    }
  }

  /** Ends the run: last interval, last check, last epoch. Once, by whoever owns the run. */
  finish(): void {
    this.#epochs.emitMetrics();
    this.#epochs.finish();
  }

  // --- roots and images ---------------------------------------------------------------------

  stateRoot(): bigint {
    return stateDigest(this);
  }

  /** Root of the run so far: last state root, chain of epoch roots, hash of all draws. */
  root(): bigint {
    return rootOfRun(this.stateRoot(), this.#epochs.chain, this.gate.drawHash());
  }

  scalars(): WorldScalars {
    return {
      timeNs: this.timeNs,
      events: this.eventCount,
      sequence: this.#sequence,
      durableSteps: this.durableSteps,
      activeOperations: this.activeOperations,
      ...this.#epochs.scalars(),
    };
  }

  /** Part of restoring an image; see snapshot.ts. */
  adopt(scalars: WorldScalars): void {
    this.timeNs = scalars.timeNs;
    this.isBetween = false;
    this.eventCount = scalars.events;
    this.#sequence = scalars.sequence;
    this.durableSteps = scalars.durableSteps;
    this.activeOperations = scalars.activeOperations;
    this.#epochs.adopt(scalars);
    this.registry.reindex();
    this.messenger.reindex();
    this.metrics.reindex();
    this.checker.afterRestore();
  }

  // --- the loop -----------------------------------------------------------------------------

  /**
   * The hot loop: up to the next event number at which something other than events happens. The
   * state it leaves is the one right after its last event, however far it looked ahead.
   */
  #runSegment(untilNs: TimeNs, untilEvent: number): StopReason {
    const queue = this.queue;
    const watcher = this.hooks.onEvent;
    const cores = this.registry.advancing;
    let boundaryNs = this.#epochs.nextBoundaryNs();
    while (this.eventCount < untilEvent) {
      const slot = queue.peek();
      if (cores.length > 0) {
        const step = this.#advance(slot < 0 ? Infinity : queue.timeNs[slot]!, boundaryNs, untilNs);
        if (step === "time" || step === "work") return this.#leave(step);
        if (step === "boundary") boundaryNs = this.#epochs.nextBoundaryNs();
        // What a guest did on the way (it hit a trace) may have scheduled something earlier.
        if (step !== "due" || queue.peek() !== slot) continue;
      }
      if (slot < 0) return this.#leave("idle");
      const timeNs = queue.timeNs[slot]!;
      if (timeNs > untilNs) return this.#leave("time");
      const handler = queue.handler[slot]!;
      const target = this.registry.handles[queue.target[slot]!];
      const isDead =
        handler === CANCELLED ||
        target === undefined ||
        this.registry.running[target.domain] !== queue.incarnation[slot];
      if (isDead) {
        queue.passOver(slot);
        continue;
      }
      if (timeNs >= boundaryNs) {
        this.#epochs.cross(timeNs);
        boundaryNs = this.#epochs.nextBoundaryNs();
        continue;
      }
      const sequence = queue.sequence[slot]!;
      const cause = queue.cause[slot]!;
      let arg: Plain | undefined = queue.payloads[slot];
      if (arg === undefined) arg = queue.arg[slot]!;
      else if (queue.isShared(sequence)) arg = clonePlain(arg);
      queue.take(slot);
      this.timeNs = timeNs;
      this.isBetween = false;
      this.eventCount++;
      if (watcher !== undefined) this.#watch(watcher, target, sequence, handler, arg, cause);
      if (!this.#execute(target, handler, arg)) return "threw";
      if (this.#stop) return "stopped";
    }
    return "event";
  }

  /** Brings real guests to the next moment at which something is due, and says what that is. */
  #advance(
    eventNs: TimeNs,
    boundaryNs: TimeNs,
    untilNs: TimeNs,
  ): "due" | "exit" | "boundary" | "time" | "work" {
    const isEndless = eventNs === Infinity && untilNs === MAX_TIME_NS;
    if (isEndless && !this.advancing.look()) return "due";
    const limitNs = Math.min(eventNs, boundaryNs, untilNs);
    const advanced = this.advancing.toward(limitNs, this.#pauseWork);
    if (advanced === "exit") return "exit";
    if (advanced === "reached" && eventNs === limitNs && eventNs < boundaryNs) return "due";
    const nowNs = advanced === "paused" ? this.advancing.nowNs : limitNs;
    if (nowNs > this.timeNs) {
      this.timeNs = nowNs;
      this.isBetween = true;
    }
    if (advanced === "paused") return "work";
    if (boundaryNs !== limitNs) return "time";
    this.#epochs.cross(boundaryNs);
    return "boundary";
  }

  #leave(reason: StopReason): StopReason {
    this.queue.putBack();
    return reason;
  }

  #execute(target: Entity, handler: number, arg: Plain): boolean {
    this.#activeDomain = target.seesAll ? -1 : target.domain;
    try {
      this.registry.handlers.get(handler)!.handle(target, arg as never);
      this.#activeDomain = -1;
      if (this.checker.hasDirty) this.checker.checkDirty();
      return true;
    } catch (error) {
      this.#activeDomain = -1;
      this.#reportThrown(target, this.registry.handlers.get(handler)!.name, error);
      return false;
    }
  }

  #reportThrown(entity: Entity, handler: string, error: unknown): void {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const at = (stack ?? "").split("\n").find((line) => /\/(core|scenarios)\//.test(line)) ?? "";
    const where = /(core|scenarios)\/[^):]+/.exec(at)?.[0] ?? "";
    const seed = this.gate.options.seed;
    this.checker.report({ name: "handlers do not throw", mechanism: entity.kind }, entity, {
      message: `${handler} of ${entity.name} threw in event ${this.eventCount}: ${message}`,
      fields: { handler, error: name, where, seed },
    });
  }

  #watch(
    watcher: (event: ExecutedEvent) => void,
    target: Entity,
    sequence: number,
    handler: number,
    arg: Plain,
    cause: number,
  ): void {
    const { eventCount: event, timeNs } = this;
    const name = this.registry.handlers.get(handler)!.name;
    watcher({ event, timeNs, sequence, target, handler: name, arg, cause });
  }

  #tellSubscribers(
    subscribers: readonly (readonly [EntityId, string])[],
    entity: Entity,
    data: PlainObject,
  ): void {
    for (const [id, handler] of subscribers) {
      const told: { [name: string]: Plain | undefined } = { entity: entity.name };
      for (const name in data) told[name] = clonePlain(data[name]);
      const subscriber = this.entity(id);
      this.pushOwned(subscriber, 0, handler, told, this.incarnationOf(subscriber.domain));
    }
  }

  #generatedName(creator: Entity | undefined, label: string): string {
    assert(creator, "a generated name needs a creator");
    return `${creator.name}/${label}-${this.registry.nextNumber(creator.id, label)}`;
  }

  #kernelHandler(target: Entity, handler: string): number {
    if (handler === REPLY) return this.#reply;
    if (handler === TIMED_OUT) return this.#timedOut;
    assert(false, `${target.kind} has no handler ${handler}`);
  }

  #badDelay(target: Entity, handler: string, delayNs: number): never {
    assert(false, `${handler} of ${target.name} scheduled after ${delayNs} ns`);
  }
}
