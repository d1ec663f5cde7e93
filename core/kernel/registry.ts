/**
 * Who exists: failure domains and entities, their names and their components. The records are state;
 * the arrays of `Entity` handles over them are an index that a restore rebuilds.
 */
import { assert } from "./assert.ts";
import {
  type AnyComponent,
  type Component,
  type HandlerFunction,
  listHandlers,
  type NumberedHandler,
  numberOfHandler,
} from "./component.ts";
import { type DomainId, Entity, type EntityId } from "./entity.ts";
import type { PlainObject } from "./plain.ts";
import { Records } from "./stores/records.ts";
import type { World } from "./world.ts";

type EntityRecord = {
  readonly name: string;
  readonly kind: string;
  readonly domain: DomainId;
  readonly parent: EntityId;
  readonly config: PlainObject;
};

type DomainRecord = {
  name: string;
  incarnation: number;
  up: boolean;
  /** By the domain that is asked: which of several carriers is in use; none: the first. */
  carriers?: { [domain: string]: number };
};

interface Registered {
  readonly component: Component;
  /** Numbers of its handlers by name. */
  readonly handlers: { readonly [name: string]: number };
}

export class Registry {
  readonly entityRecords = new Records();
  readonly domainRecords = new Records();
  /** Next number per (creator, label). */
  readonly counters = new Records();

  /** Handles by id; a hole where the entity is gone. */
  handles: (Entity | undefined)[] = [];
  /** Entities that run by themselves as time goes on, in order of creation; always this array. */
  readonly advancing: Entity[] = [];
  /** Incarnation by domain: an index for the event loop. */
  incarnations = new Int32Array(16);
  /** The same, with -1 for a domain that is down: no event of it runs. */
  running = new Int32Array(16);
  /** All handlers by number. */
  readonly handlers = new Map<number, NumberedHandler>();
  readonly #components = new Map<string, Registered>();
  #ids = new Map<string, EntityId>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether a kind of entity was ever registered. */
  knows(kind: string): boolean {
    return this.#components.has(kind);
  }

  /** A kind of entity that was made known. */
  componentOf(kind: string): Component {
    const known = this.#components.get(kind);
    assert(known !== undefined, () => `unknown component ${kind}`);
    return known.component;
  }

  /** Makes a kind of entity known. Registering the same definition again is harmless. */
  register(definition: AnyComponent): void {
    const component = definition as unknown as Component;
    const known = this.#components.get(component.kind);
    assert(!known || known.component === component, () => `two components: ${component.kind}`);
    if (known) return;
    const { kind, list = listHandlers(kind, component.handlers as never) } = component;
    for (const handler of list.all) this.#addHandler(handler);
    this.#components.set(kind, { component, handlers: list.numbers });
  }

  /** A handler of the kernel's own, which every entity has; gives its number. */
  addHandler(name: string, handle: HandlerFunction): number {
    const number = numberOfHandler(name);
    this.#addHandler({ number, name, handle });
    return number;
  }

  addDomain(name: string): DomainId {
    const id = this.domainRecords.used;
    this.domainRecords.set(id, { name, incarnation: 0, up: true } satisfies DomainRecord);
    this.#indexDomain(id);
    return id;
  }

  domain(id: DomainId): Readonly<DomainRecord> {
    return this.domainRecords.get(id) as DomainRecord;
  }

  domainNamed(name: string): DomainId | undefined {
    for (let id = 0; id < this.domainRecords.used; id++) {
      if (this.domain(id).name === name) return id;
    }
    return undefined;
  }

  setDomain(id: DomainId, up: boolean, incarnation: number): void {
    const record = this.domainRecords.edit(id) as unknown as DomainRecord;
    record.up = up;
    record.incarnation = incarnation;
    // Which way did not answer was known to who is gone.
    delete record.carriers;
    this.#indexDomain(id);
  }

  /** Which of the carriers from one domain to another is in use. */
  carrierInUse(from: DomainId, to: DomainId): number {
    return this.domain(from).carriers?.[to] ?? 0;
  }

  useCarrier(from: DomainId, to: DomainId, carrier: number): void {
    const record = this.domainRecords.edit(from) as unknown as DomainRecord;
    (record.carriers ??= {})[to] = carrier;
  }

  /** The next number of `label` under this creator, from 1: part of a name. */
  nextNumber(creator: EntityId, label: string): number {
    if (this.counters.get(creator) === undefined) this.counters.set(creator, {});
    const counters = this.counters.edit(creator) as { [label: string]: number };
    const next = (counters[label] ?? 0) + 1;
    counters[label] = next;
    return next;
  }

  add(record: EntityRecord): Entity {
    const id = this.entityRecords.used;
    assert(!this.#ids.has(record.name), () => `two entities named ${record.name}`);
    assert(this.#components.has(record.kind), () => `unknown component ${record.kind}`);
    this.entityRecords.set(id, record);
    return this.#index(id);
  }

  remove(entity: Entity): void {
    this.entityRecords.set(entity.id, undefined);
    this.handles[entity.id] = undefined;
    this.#ids.delete(entity.name);
    if (entity.component.advance === undefined) return;
    this.advancing.splice(this.advancing.indexOf(entity), 1);
  }

  idOf(name: string): EntityId | undefined {
    return this.#ids.get(name);
  }

  /** After a restore: handles of entities that stayed are kept, so what holds them stays valid. */
  reindex(): void {
    const before = this.handles;
    this.handles = [];
    this.advancing.length = 0;
    this.#ids = new Map();
    for (let id = 0; id < this.entityRecords.used; id++) {
      const record = this.entityRecords.get(id) as EntityRecord | undefined;
      const old = before[id];
      if (record === undefined) this.handles[id] = undefined;
      else if (old?.name === record.name && old.kind === record.kind) this.#adopt(id, old);
      else this.#index(id);
    }
    for (let id = 0; id < this.domainRecords.used; id++) this.#indexDomain(id);
  }

  #addHandler(handler: NumberedHandler): void {
    const { number, name } = handler;
    const other = this.handlers.get(number);
    assert(!other, () => `${name} and ${other!.name} have one number: rename one of them`);
    this.handlers.set(number, handler);
  }

  #adopt(id: EntityId, handle: Entity): void {
    this.handles[id] = handle;
    this.#ids.set(handle.name, id);
    if (handle.component.advance !== undefined) this.advancing.push(handle);
  }

  #index(id: EntityId): Entity {
    const { name, kind, domain, parent, config } = this.entityRecords.get(id) as EntityRecord;
    const { component, handlers } = this.#components.get(kind)!;
    const of = { id, name, domain, parent, config };
    const entity = new Entity(this.#world, of, component, handlers);
    entity.watched = this.#world.checker.watches(kind);
    this.#adopt(id, entity);
    return entity;
  }

  #indexDomain(id: DomainId): void {
    if (id >= this.incarnations.length) {
      const grown = new Int32Array(this.incarnations.length * 2);
      grown.set(this.incarnations);
      this.incarnations = grown;
      const running = new Int32Array(grown.length);
      running.set(this.running);
      this.running = running;
    }
    const { incarnation, up } = this.domain(id);
    this.incarnations[id] = incarnation;
    this.running[id] = up ? incarnation : -1;
  }
}
