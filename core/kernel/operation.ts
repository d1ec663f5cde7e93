/**
 * Operations: named phases, each a function that does one step, says what it waits for, and which
 * phase comes next. The phase and its state are plain data, so an operation can be crashed, saved
 * and resumed between any two phases. Operations die with their domain; what survives is what
 * they made durable, and recovery is a phase like any other.
 */
import { assert } from "./assert.ts";
import type { AskOptions, Reply, Request, SendOptions } from "./carrier.ts";
import { type Component, component } from "./component.ts";
import type { Entity, EntityId } from "./entity.ts";
import { identityOf } from "./operation-identity.ts";
import { clonePlain, type Editable, type Plain, type PlainObject } from "./plain.ts";
import type { World } from "./world.ts";

/** What a phase returns. */
export type Step =
  | { readonly step: "go"; readonly next: string }
  | { readonly step: "wait"; readonly delayNs: number; readonly next: string }
  | { readonly step: "look"; readonly firstNs: number; readonly next: string }
  | AskStep
  | {
      readonly step: "together";
      readonly asks: readonly AskStep[];
      readonly next: string;
      readonly otherwise: string;
    }
  | PerformStep
  | { readonly step: "done"; readonly figures: PlainObject }
  | { readonly step: "fail"; readonly code: string; readonly detail: Plain };

/** Why a request or an operation came to nothing; what the phase named `otherwise` is given. */
export interface Refusal {
  readonly code: string;
  readonly detail: Plain;
}

/** Another operation as one phase of this one, at the same host. */
export interface PerformStep {
  readonly step: "perform";
  readonly operation: OperationComponent;
  readonly params: PlainObject;
  readonly next: string;
  readonly otherwise: string;
}

export interface AskStep extends SendOptions {
  readonly step: "ask";
  readonly to: EntityId;
  readonly verb: string;
  readonly body: Plain;
  readonly next: string;
  /** Phase that handles a refusal or a time-out; without it the operation fails with that code. */
  readonly otherwise?: string;
  readonly timeoutNs?: number;
  /** Refusals with these codes count as done, with the value null: what was to go is gone. */
  readonly tolerate?: readonly string[];
}

type AskExtras = Omit<AskStep, "step" | "to" | "verb" | "body" | "next">;

/** Next phase at once, as an event of its own: a crash can come between. */
export const go = (next: string): Step => ({ step: "go", next });

export const wait = (delayNs: number, next: string): Step => ({ step: "wait", delayNs, next });

/**
 * Looks again, in the same phase, whether something has come to pass: after `firstNs`, and the later
 * the longer it has been looking already, so that what takes a second is not looked at ten thousand
 * times. It is late by a sixteenth of the time waited at most.
 */
export const lookAgain = (firstNs: number, next: string): Step => ({ step: "look", firstNs, next });

const PATIENCE = 16;

/** Request to an entity, of this domain or another; the value of the reply goes to `next`. */
export const ask = (
  to: EntityId,
  verb: string,
  body: Plain,
  next: string,
  extras: AskExtras = {},
): AskStep => ({ step: "ask", to, verb, body, next, ...extras });

/**
 * Several requests at once; the values go to `next` in order. The first refusal goes to `otherwise`
 * (or ends the operation) without waiting for the other answers. Their own `next` is not used.
 */
export const together = (asks: readonly AskStep[], next: string, otherwise = ""): Step => ({
  step: "together",
  asks,
  next,
  otherwise,
});

/**
 * Runs another operation at the same host, named `ID.KIND`; its figures go to `next`. When it fails
 * its code and detail go to `otherwise`; without that this operation fails with them.
 */
export const perform = (
  kind: OperationComponent,
  params: PlainObject,
  next: string,
  otherwise = "",
): PerformStep => ({ step: "perform", operation: kind, params, next, otherwise });

export const done = (figures: PlainObject = {}): Step => ({ step: "done", figures });

export const fail = (code: string, detail: Plain = null): Step => ({ step: "fail", code, detail });

/** A running operation as its phases see it. */
export class Operation<P extends PlainObject, S extends PlainObject> {
  readonly entity: OperationEntity;

  constructor(entity: OperationEntity) {
    this.entity = entity;
  }

  /** The id that the document gives, or the generated name. */
  get id(): string {
    return this.entity.config.id;
  }

  /** Of this start of it and no other: what it makes durable in its name is not a later start's. */
  get identity(): string {
    const { id, start } = this.entity.config;
    return identityOf(id, start);
  }

  get params(): P {
    return this.entity.config.params as P;
  }

  get state(): S {
    return this.entity.volatile.state as S;
  }

  edit(): Editable<S> {
    return this.entity.edit().state as Editable<S>;
  }
}

export interface OperationDefinition<P extends PlainObject, S extends PlainObject> {
  readonly kind: string;
  readonly state: (params: P) => S;
  /** The first one listed runs first. `result` is what the phase before waited for. */
  readonly phases: {
    readonly [phase: string]: (host: Entity, op: Operation<P, S>, result: never) => Step;
  };
}

type OperationConfig = {
  readonly id: string;
  readonly params: PlainObject;
  /** Entity in whose name and domain it runs: a host, an array controller, a manager. */
  readonly host: EntityId;
  /** The operation of which it is a phase, and that one's round; null for one of its own. */
  readonly parent: { readonly operation: EntityId; readonly round: number } | null;
  /** The how manieth start of this id; absent: the first. Parts have that of the whole. */
  readonly start?: number;
};

type OperationState = {
  readonly state: PlainObject;
  readonly phase: string;
  /** Counts the rounds of requests: an answer to an earlier round is no answer to this one. */
  readonly round: number;
  readonly waiting: number;
  /** Whom the last round of requests went to. */
  readonly asked: readonly EntityId[];
  readonly results: readonly Plain[];
  readonly next: string;
  readonly otherwise: string;
  readonly tolerated: readonly (readonly string[])[];
  /** The phase that looks again and again, and since when. */
  readonly looking?: { readonly phase: string; readonly sinceNs: number };
};

export type OperationEntity = Entity<OperationConfig, PlainObject, OperationState>;

export type OperationComponent = Component<OperationConfig, PlainObject, OperationState>;

/** Declares a kind of operation. */
export function operation<P extends PlainObject, S extends PlainObject>(
  kind: string,
  phases: OperationDefinition<P, S>["phases"],
  state: (params: P) => S = () => ({}) as S,
): OperationComponent {
  const first = Object.keys(phases)[0];
  assert(first !== undefined, "an operation needs a phase");
  const machine = new PhaseMachine({ kind, phases, state } as never);
  return component<OperationConfig, PlainObject, OperationState>({
    kind: `operation:${kind}`,
    volatile: (config) => ({
      state: state(config.params as P),
      phase: first,
      round: 0,
      waiting: 0,
      asked: [],
      results: [],
      next: "",
      otherwise: "",
      tolerated: [],
    }),
    handlers: {
      run: (self, _arg: number) => machine.runPhase(self, self.volatile.phase, null),
      enter: (self, arg: { phase: string; result: Plain }) =>
        machine.runPhase(self, arg.phase, arg.result),
      replied: (self, reply: Reply) => machine.onReply(self, reply),
      performed: (self, end: PartEnd) => machine.onPerformed(self, end),
    },
    crashed: (self) => machine.end(self, "crashed", {}, null),
  });
}

/** How an operation that was a phase of another ended. */
export type PartEnd = {
  readonly round: number;
  readonly outcome: string;
  readonly figures: PlainObject;
  readonly detail: Plain;
};

/**
 * Starts an operation in the domain of `host`; it takes its first phase in an event of its own.
 * `start` counts those of one id, which must differ where they leave something behind.
 */
export function startOperation(
  world: World,
  kind: OperationComponent,
  host: Entity,
  id: string,
  params: PlainObject,
  start = 1,
): OperationEntity {
  return begin(world, kind, host, { id, params, host: host.id, parent: null, ...nth(start) });
}

const nth = (start = 1): Pick<OperationConfig, "start"> => (start === 1 ? {} : { start });

function begin(
  world: World,
  kind: OperationComponent,
  host: Entity,
  config: OperationConfig,
): OperationEntity {
  const { id, start } = config;
  // Its own: what a caller hands over may be part of a record that goes on changing in place.
  const params = clonePlain(config.params);
  const identity = identityOf(id, start);
  const free = world.registry.idOf(identity) === undefined;
  const own = { ...config, params };
  const entity = world.spawn(kind, own, {
    creator: host,
    ...(free ? { name: identity } : { label: identity }),
  });
  world.activeOperations++;
  const name = kind.kind.slice("operation:".length);
  const vm = typeof params["vm"] === "string" ? params["vm"] : null;
  world.notice(entity, "operation", { id, kind: name, vm, host: host.name });
  entity.after(0, "run");
  return entity;
}

class PhaseMachine {
  readonly #definition: OperationDefinition<PlainObject, PlainObject>;

  constructor(definition: OperationDefinition<PlainObject, PlainObject>) {
    this.#definition = definition;
  }

  runPhase(self: OperationEntity, phase: string, result: Plain): void {
    const run = this.#definition.phases[phase];
    assert(run, () => `${this.#definition.kind} has no phase ${phase}`);
    const host = self.world.entity(self.config.host);
    const { looking } = self.volatile;
    if (looking?.phase !== phase) {
      const state = self.edit();
      state.phase = phase;
      if (looking !== undefined) delete state.looking;
      self.notice("phase", { id: self.config.id, phase });
    }
    this.#take(self, run(host, new Operation(self), result as never));
  }

  onReply(self: OperationEntity, reply: Reply): void {
    const { round, waiting, next, otherwise, tolerated } = self.volatile;
    const [askedIn, index] = reply.tag as [number, number];
    if (askedIn !== round || waiting === 0) return;
    const fails = !reply.ok && !tolerated[index]!.includes(reply.code);
    if (fails) return this.#onRefusal(self, reply.code, reply.detail, otherwise);
    const state = self.edit();
    const results = state.results as Plain[];
    results[index] = reply.ok ? reply.value : null;
    state.waiting = waiting - 1;
    if (state.waiting > 0) return;
    const single = next.startsWith("=");
    state.results = [];
    this.runPhase(self, single ? next.slice(1) : next, single ? results[0]! : results);
  }

  onPerformed(self: OperationEntity, { round, outcome, figures, detail }: PartEnd): void {
    if (round !== self.volatile.round) return;
    const { next, otherwise } = self.volatile;
    if (outcome === "complete") return this.runPhase(self, next, figures);
    this.#onRefusal(self, outcome, detail, otherwise);
  }

  end(self: OperationEntity, outcome: string, figures: PlainObject, detail: Plain): void {
    const { world, config } = self;
    if (config.parent !== null && outcome !== "crashed") {
      const { operation: parent, round } = config.parent;
      const told: PartEnd = { round, outcome, figures, detail };
      world.entity(parent).after(0, "performed", told as unknown as Plain);
    }
    world.activeOperations--;
    const { phase } = self.volatile;
    self.notice("operation-end", { id: config.id, phase, outcome, figures, detail });
    world.remove(self as unknown as Entity);
  }

  #lookAgain(self: OperationEntity, firstNs: number, phase: string): void {
    const { timeNs } = self.world;
    const { looking } = self.volatile;
    const sinceNs = looking?.phase === phase ? looking.sinceNs : timeNs;
    if (looking?.phase !== phase) self.edit().looking = { phase, sinceNs };
    const delayNs = Math.max(firstNs, Math.floor((timeNs - sinceNs) / PATIENCE));
    self.after(delayNs, "enter", { phase, result: null });
  }

  #take(self: OperationEntity, step: Step): void {
    switch (step.step) {
      case "go":
        self.after(0, "enter", { phase: step.next, result: null });
        return;
      case "wait":
        self.after(step.delayNs, "enter", { phase: step.next, result: null });
        return;
      case "look":
        return this.#lookAgain(self, step.firstNs, step.next);
      case "ask":
        return this.#askAll(self, [step], `=${step.next}`, step.otherwise ?? "");
      case "together":
        if (step.asks.length > 0) {
          return this.#askAll(self, step.asks, step.next, step.otherwise);
        }
        self.after(0, "enter", { phase: step.next, result: [] });
        return;
      case "perform":
        return this.#perform(self, step);
      case "done":
        return this.end(self, "complete", step.figures, null);
      case "fail":
        return this.end(self, step.code, {}, step.detail);
    }
  }

  #perform(self: OperationEntity, step: PerformStep): void {
    const { world, config } = self;
    const state = self.edit();
    const round = ++state.round;
    state.waiting = 0;
    state.next = step.next;
    state.otherwise = step.otherwise;
    const kind = step.operation.kind.slice("operation:".length);
    begin(world, step.operation, world.entity(config.host), {
      id: `${config.id}.${kind}`,
      params: step.params,
      host: config.host,
      parent: { operation: self.id, round },
      ...nth(config.start),
    });
  }

  #askAll(self: OperationEntity, asks: readonly AskStep[], next: string, otherwise: string): void {
    const state = self.edit();
    const round = ++state.round;
    state.waiting = asks.length;
    state.asked = asks.map(({ to }) => to);
    state.results = asks.map(() => null);
    state.next = next;
    state.otherwise = otherwise;
    state.tolerated = asks.map(({ tolerate = [] }) => [...tolerate]);
    asks.forEach((each, index) => {
      const { to, verb, body, bytes, delivery, via, timeoutNs } = each;
      const tag = [round, index];
      const options = { bytes, delivery, via, timeoutNs, then: "replied", tag };
      self.ask(to, verb, body, options as AskOptions);
    });
  }

  #onRefusal(self: OperationEntity, code: string, detail: Plain, otherwise: string): void {
    const state = self.edit();
    state.waiting = 0;
    state.results = [];
    if (otherwise === "") return this.end(self, code, {}, detail);
    this.runPhase(self, otherwise, { code, detail });
  }
}

export type { Request };
