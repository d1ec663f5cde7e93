/**
 * What must hold, as values beside the mechanism that must hold it. Each names the kinds of entity
 * it reads: it runs after every event that dirtied one of those, on the dirty ones only, and over
 * all of them at each epoch and at the end. A shadow is the observer's own memory: rewound with the
 * world, unseen by mechanisms, untouched by crashes, and not in the root.
 */
import type { Entity } from "./entity.ts";
import type { Editable, Plain, PlainObject } from "./plain.ts";
import type { World } from "./world.ts";

/** What a check found wrong; undefined when all is well. */
export interface Finding {
  readonly message: string;
  readonly fields?: PlainObject;
}

export type Check = (entity: Entity, world: World, shadow: PlainObject) => Finding | undefined;

/** Told of a notice in the event that gave it. May keep what it learns in its shadow. */
export type Observe = (
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
) => Finding | undefined | void;

interface Common {
  readonly name: string;
  /** Mechanism that it belongs to; findings are grouped by it. */
  readonly mechanism: string;
  /** Initial shadow. */
  readonly shadow?: PlainObject;
  /** Handlers by kind of notice. */
  readonly observes?: { readonly [notice: string]: Observe };
}

export interface Always extends Common {
  readonly type: "always";
  readonly reads: readonly string[];
  /** Of those it reads durable state alone: changes of other state need no check. */
  readonly readsDurable?: boolean;
  readonly check?: Check;
  /** Runs only while no operation is active. */
  readonly quiescent: boolean;
}

export interface Eventually extends Common {
  readonly type: "eventually";
  readonly reads: readonly string[];
  readonly holds: (entity: Entity, world: World) => boolean;
  readonly withinNs: number;
}

export interface Sometimes extends Common {
  readonly type: "sometimes";
  readonly reads: readonly string[];
  readonly reached?: (entity: Entity, world: World) => boolean;
}

export type Invariant = Always | Eventually | Sometimes;

interface Options {
  readonly mechanism: string;
  readonly reads?: readonly string[];
  readonly readsDurable?: boolean;
  readonly shadow?: PlainObject;
  readonly observes?: { readonly [notice: string]: Observe };
}

/** Holds after every event. */
export function always(name: string, options: Options, check?: Check): Always {
  const { reads = [], ...rest } = options;
  return { type: "always", name, reads, quiescent: false, ...rest, ...(check && { check }) };
}

/** Holds after every event during which no operation is active. */
export function quiescent(name: string, options: Options, check: Check): Always {
  return { ...always(name, options, check), quiescent: true };
}

/** Once it does not hold for an entity, it holds again within `withinNs`. */
export function eventually(
  name: string,
  options: Options & { readonly withinNs: number },
  holds: (entity: Entity, world: World) => boolean,
): Eventually {
  const { reads = [], ...rest } = options;
  return { type: "eventually", name, reads, holds, ...rest };
}

/**
 * A state that a search must reach, else it proves nothing. Reached when the predicate is true, or
 * when a notice `sometimes` with this name is given.
 */
export function sometimes(
  name: string,
  options: Options,
  reached?: (entity: Entity, world: World) => boolean,
): Sometimes {
  const { reads = [], ...rest } = options;
  return { type: "sometimes", name, reads, ...rest, ...(reached && { reached }) };
}

/** A broken invariant, a failed expectation, or a handler that threw. */
export type Violation = {
  readonly invariant: string;
  readonly mechanism: string;
  readonly entities: readonly string[];
  readonly event: number;
  readonly atNs: number;
  readonly message: string;
  readonly fields: { readonly [name: string]: Plain | undefined };
};
