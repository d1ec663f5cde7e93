/**
 * An entity as its handlers see it: its name, its state, and what it may do. The object itself is
 * a handle that holds no state; everything goes to the world's stores. Reading or changing an entity
 * of another failure domain throws: other domains are reached by message only.
 */
import type { AskOptions, Envelope, Request, SendOptions } from "./carrier.ts";
import type { Component } from "./component.ts";
import type { SectorContent } from "./content/sector-content.ts";
import type { TimerHandle } from "./event-queue.ts";
import type { Stream } from "./gate.ts";
import type { Editable, Plain, PlainObject } from "./plain.ts";
import type { Distribution } from "./random/distributions/distribution.ts";
import type { Sampler } from "./random/distributions/sampler.ts";
import type { TimeNs } from "./time.ts";
import type { World } from "./world.ts";

export type EntityId = number;
export type DomainId = number;

/** Who an entity is, and what it was made with; see {@link Entity}. */
interface EntityIdentity<C> {
  readonly id: EntityId;
  readonly name: string;
  readonly domain: DomainId;
  readonly parent: EntityId;
  readonly config: C;
}

export class Entity<
  C extends PlainObject = PlainObject,
  D extends PlainObject = PlainObject,
  V extends PlainObject = PlainObject,
> {
  readonly id: EntityId;
  readonly kind: string;
  /** Path of the creator plus a kind and a counter, or the id that the document gives. */
  readonly name: string;
  readonly domain: DomainId;
  readonly parent: EntityId;
  readonly config: C;
  readonly component: Component<C, D, V>;
  readonly world: World;
  /** Numbers of its handlers by name. */
  readonly handlers: { readonly [name: string]: number };
  /** Handlers that run in the event of whoever asks or answers. */
  readonly direct: readonly string[] | undefined;
  /** Its handlers may touch every domain. */
  readonly seesAll: boolean;
  /** An invariant reads this kind, so edits are noted. */
  watched = false;
  /** Number of the event that last dirtied it, while watched; only saves repeated notes. */
  dirtiedIn = -1;
  /** Its durable state may have changed since it was last checked. */
  isDurableDirty = true;
  /** Counts what may have changed its durable state: what was made of it before may be out of date. */
  durableEdits = 0;
  #streams: Map<string, Stream> | undefined;
  /** Contents by label, as of a generation of the world's: an index. */
  #contents: Map<string, SectorContent> | undefined;
  #contentsGeneration = 0;
  /** What the last draw looked up: most entities draw the same again and again. */
  #lastPurpose = "";
  #lastFrom: Sampler | Distribution | undefined;
  #lastStream: Stream | undefined;
  #lastSampler: Sampler | undefined;

  constructor(
    world: World,
    { id, name, domain, parent, config }: EntityIdentity<C>,
    component: Component<C, D, V>,
    handlers: { readonly [name: string]: number },
  ) {
    this.world = world;
    this.id = id;
    this.kind = component.kind;
    this.name = name;
    this.domain = domain;
    this.parent = parent;
    this.config = config;
    this.component = component;
    this.direct = component.direct;
    this.seesAll = component.omniscient === true;
    this.handlers = handlers;
  }

  /** The number that events carry for a handler; undefined: it has none of that name. */
  handlerNumber(handler: string): number | undefined {
    return this.handlers[handler];
  }

  get durable(): D {
    this.world.checkAccess(this);
    return this.world.durable.get(this.id) as D;
  }

  get volatile(): V {
    this.world.checkAccess(this);
    return this.world.volatile.get(this.id) as V;
  }

  /** Volatile state, to be changed until this event ends. */
  edit(): Editable<V> {
    this.world.checkAccess(this);
    if (this.watched) this.world.noteDirty(this);
    return this.world.volatile.edit(this.id) as Editable<V>;
  }

  /** Durable state, to be changed until this event ends; what is written here survives crashes. */
  editDurable(): Editable<D> {
    this.world.checkAccess(this);
    this.isDurableDirty = true;
    this.durableEdits++;
    if (this.watched) this.world.noteDirty(this);
    return this.world.durable.edit(this.id) as Editable<D>;
  }

  /** Sector content owned by this entity, made on first use; durable unless dropped. */
  content(label: string, sectors?: number): SectorContent {
    this.world.checkAccess(this);
    if (this.watched) this.world.noteDirty(this);
    const { contents } = this.world;
    if (this.#contentsGeneration !== contents.generation) {
      this.#contents = undefined;
      this.#contentsGeneration = contents.generation;
    }
    const known = this.#contents?.get(label);
    if (known !== undefined) return known;
    const content = contents.open(`${this.name}#${label}`, sectors);
    (this.#contents ??= new Map()).set(label, content);
    return content;
  }

  /**
   * Simulated time. For models of physics and for measurement; software running in the world reads
   * the clock of its host instead.
   */
  get simulatedNs(): TimeNs {
    return this.world.timeNs;
  }

  /** Calls a handler of this entity after `delayNs`; lost if the domain crashes before. */
  after(delayNs: number, handler: string, arg: Plain = 0): TimerHandle {
    return this.world.schedule(this, delayNs, handler, arg);
  }

  cancel(timer: TimerHandle): boolean {
    return this.world.queue.cancel(timer);
  }

  /** One-way message. Inside a domain it arrives at once, as an event of its own. */
  send(to: EntityId, handler: string, body: Plain, options?: SendOptions): void {
    this.world.messenger.send(this, to, handler, body, options);
  }

  /** Request; the `Reply` goes to the handler `options.then` of this entity. */
  ask(to: EntityId, handler: string, body: Plain, options: AskOptions): void {
    this.world.messenger.ask(this, to, handler, body, options);
  }

  reply(request: Request, value: Plain, options?: SendOptions): void {
    this.world.messenger.reply(this, request, { ok: true, value }, options);
  }

  refuse(request: Request, code: string, detail: Plain = null, options?: SendOptions): void {
    this.world.messenger.reply(this, request, { ok: false, code, detail }, options);
  }

  /** The named stream of this entity. */
  stream(purpose: string): Stream {
    const known = this.#streams?.get(purpose);
    if (known !== undefined && known.generation === this.world.gate.generation) return known;
    const stream = this.world.gate.stream(this.name, purpose);
    (this.#streams ??= new Map()).set(purpose, stream);
    return stream;
  }

  /** One draw from the named stream. */
  draw(purpose: string, from: Sampler | Distribution): number {
    if (from !== this.#lastFrom || purpose !== this.#lastPurpose) this.#lookUp(purpose, from);
    else if (this.#lastStream!.generation !== this.world.gate.generation) {
      this.#lookUp(purpose, from);
    }
    return this.#lastStream!.draw(this.#lastSampler!);
  }

  #lookUp(purpose: string, from: Sampler | Distribution): void {
    this.#lastSampler = "draw" in from ? from : this.world.samplers.samplerOf(from);
    this.#lastStream = this.stream(purpose);
    this.#lastFrom = from;
    this.#lastPurpose = purpose;
  }

  /** For carriers: the message reaches its target after `delayNs`. */
  deliver(envelope: Envelope, delayNs: number): void {
    this.world.messenger.arrive(envelope, delayNs);
  }

  /** Creates an entity in this domain; its name is this one's plus label and counter. */
  spawn<C2 extends PlainObject, D2 extends PlainObject, V2 extends PlainObject>(
    component: Component<C2, D2, V2>,
    config: C2,
    label: string = component.kind,
  ): Entity<C2, D2, V2> {
    return this.world.spawn(component, config, { creator: this, label });
  }

  /**
   * Something happened that observers, the trace or a reader may care about. Not state: it is
   * regenerated by replay.
   */
  notice(kind: string, data: PlainObject): void {
    this.world.notice(this, kind, data);
  }

  /** Adds a sample to a metric series of this entity. */
  measure(series: string, value: number): void {
    this.world.measure(this, series, value);
  }

  /** Marks that something became durable in this event: a place where a crash can be put. */
  durableStep(label: string): void {
    this.world.durableStep(this, label);
  }
}

export type { Request };
