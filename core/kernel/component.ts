/**
 * What a kind of entity is: its initial state and its handlers. Behaviour lives here and nowhere
 * else; everything that an entity remembers is plain data in the world's stores.
 */
import type { Advance } from "./advance.ts";
import type { Envelope } from "./carrier.ts";
import type { Entity } from "./entity.ts";
import { hash64 } from "./hash.ts";
import type { PlainObject } from "./plain.ts";
import type { Viewed } from "./view.ts";

/** A method type, so that a component of any types can be kept beside others. */
type Handler<C extends PlainObject, D extends PlainObject, V extends PlainObject> = {
  handle(self: Entity<C, D, V>, arg: never): void;
}["handle"];

/**
 * `C` is the configuration (fixed at spawn), `D` the durable state (survives crashes), `V` the
 * volatile state (made anew at boot and after a crash).
 */
export interface Component<
  C extends PlainObject = PlainObject,
  D extends PlainObject = PlainObject,
  V extends PlainObject = PlainObject,
> {
  readonly kind: string;
  durable?(config: C): D;
  volatile?(config: C): V;
  /** Timers, messages and requests by name. A request handler receives a `Request`. */
  readonly handlers: { readonly [name: string]: Handler<C, D, V> };
  /**
   * Links and buses: takes an envelope from its sender, in the sender's event, and either keeps it
   * in its state or delivers it.
   */
  carry?(self: Entity<C, D, V>, envelope: Envelope): void;
  /**
   * Handlers that are called in the event of whoever asks or answers, not in one of their own, while
   * both are of one domain: layers that only hand on. What they are given is shared with who sent
   * it, so neither side may change it. A request that is refused while it is still being handed down
   * is answered by an event, so an answer never comes before `ask` returns; whoever answers must be
   * done with its own state by then, for the answer may bring the next request.
   */
  readonly direct?: readonly string[];
  /** Runs when the domain crashes, before volatile state is dropped: what the hardware keeps. */
  crashed?(self: Entity<C, D, V>): void;
  /** Runs when the domain restarts, in order of creation. Sees durable state only. */
  restarted?(self: Entity<C, D, V>): void;
  /** Runs by itself as time goes on: a real guest. */
  readonly advance?: Advance;
  /** What `inspect` finds below this entity beyond its records; undefined: nothing of this name. */
  view?(self: never, path: readonly string[]): Viewed | undefined;
  /** Sees and changes the whole world: the scenario's driver, fault injectors. */
  readonly omniscient?: boolean;
  /** Reachable from every domain: what the world outside knows, clients and their journals. */
  readonly shared?: boolean;
  /** Its handlers by number; made by {@link component}. */
  readonly list?: HandlerList;
}

/** The handlers of a component. */
export interface HandlerList {
  readonly all: readonly NumberedHandler[];
  /** Their numbers by name. */
  readonly numbers: { readonly [name: string]: number };
}

export interface NumberedHandler {
  readonly number: number;
  /** `kind.handler`, as traces have it. */
  readonly name: string;
  readonly handle: HandlerFunction;
}

/** A handler of any component, as the world calls it. */
export type HandlerFunction = (self: Entity, arg: never) => void;

/** A component of any configuration and state, as the world keeps it. */
export type AnyComponent = Component<never, never, never>;

const NONE_GIVEN = {
  kind: "",
  durable: undefined,
  volatile: undefined,
  handlers: {},
  carry: undefined,
  direct: undefined,
  crashed: undefined,
  restarted: undefined,
  advance: undefined,
  view: undefined,
  omniscient: false,
  shared: false,
  list: undefined,
} as const;

/**
 * Declares a component. What comes back has all members in one order, given or not: the event loop
 * looks at components of every kind, and is fastest when all look alike.
 */
export function component<C extends PlainObject, D extends PlainObject, V extends PlainObject>(
  definition: Component<C, D, V>,
): Component<C, D, V> {
  const { kind, handlers } = definition;
  const list = listHandlers(kind, handlers as { readonly [name: string]: HandlerFunction });
  return { ...NONE_GIVEN, ...definition, list } as Component<C, D, V>;
}

export function listHandlers(
  kind: string,
  handlers: { readonly [name: string]: HandlerFunction },
): HandlerList {
  const all: NumberedHandler[] = [];
  const numbers: { [name: string]: number } = {};
  for (const [own, handle] of Object.entries(handlers)) {
    const name = `${kind}.${own}`;
    const number = numberOfHandler(name);
    all.push({ number, name, handle });
    numbers[own] = number;
  }
  return { all, numbers };
}

const UTF8 = new TextEncoder();

/**
 * The number that a pending event carries for a handler, 0 <= number < 2^31. By its name alone: roots
 * and snapshots do not depend on which other handlers there are, or on their order.
 */
export function numberOfHandler(name: string): number {
  return Number(BigInt.asUintN(31, hash64(UTF8.encode(name))));
}
