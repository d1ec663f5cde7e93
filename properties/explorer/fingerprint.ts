/**
 * What the future of a world and the verdicts about it depend on, as one hash: the exhaustive search
 * ends a run where another one had the same. Must hold: whatever no rule is known for is compared as it
 * is, so that a gap in the rules costs merged runs and nothing else. README.md has the argument.
 */
import {
  canonicalHash,
  type Entity,
  hashHex,
  type Plain,
  type PlainObject,
  type World,
} from "../../core/kernel/index.ts";
import { type Context, PENDING, RULES, type Rules } from "./fingerprint-rules.ts";

/**
 * `rest`: what is left to be chosen; it stands for the driver's document and for what has begun or
 * struck. The hash is of times from now on, unless something holds a time that no rule names.
 */
export function fingerprint(world: World, rest: Plain): bigint {
  return canonicalHash(fingerprintParts(world, rest) as Plain).hash;
}

/** The same as data: what the hash is of, by entity; for tests, and to see why two are not one. */
export function fingerprintParts(world: World, rest: Plain): PlainObject {
  const walk = new Walk(world);
  const pending = walk.pending();
  const entities: { [name: string]: Plain } = {};
  const contents = world.contents.digestsByOwner();
  for (const entity of world.entities()) {
    entities[entity.name] = walk.entity(entity, contents.get(entity.name) ?? 0n);
  }
  const { checker, shadowContents, shadowArrays, registry, gate, activeOperations } = world;
  const observers: Plain[] = [];
  for (let id = 0; id < checker.store.used; id++) {
    observers.push(walk.value(checker.store.get(id), id === 0 ? RULES["@checker"] : undefined));
  }
  const digests = [registry.domainRecords, gate, shadowContents, shadowArrays].map((store) =>
    hashHex(store.digest()),
  );
  const nowNs = walk.isShiftable ? null : world.timeNs;
  return { rest, nowNs, activeOperations, pending, digests, observers, entities };
}

class Walk {
  /** Every time that was met has a rule. */
  isShiftable = true;
  readonly #world: World;
  readonly #context: Context;

  constructor(world: World) {
    this.#world = world;
    const { queue, messenger } = world;
    const order = this.#live();
    const timers = new Map(order.map((slot, index) => [queue.handleOf(slot), index]));
    this.#context = {
      nowNs: world.timeNs,
      isIdle: world.activeOperations === 0,
      timers,
      nextAsk: (id) => (messenger.asks.get(id)?.["next"] as number | undefined) ?? 0,
      walk: (value, rules, target) => this.value(value, rules, target),
    };
  }

  /** In the order in which they come; with ones of the same moment in the order of scheduling. */
  pending(): Plain {
    const { queue, registry, timeNs } = this.#world;
    return this.#live().map((slot) => {
      const target = queue.target[slot]!;
      const name = registry.handlers.get(queue.handler[slot]!)!.name;
      const payload = queue.payloads[slot] ?? queue.arg[slot]!;
      const what = PENDING[name]?.(payload, this.#world.entity(target), this.#context);
      const arg = what ?? this.value(payload, undefined, target);
      return [queue.timeNs[slot]! - timeNs, target, name, arg];
    });
  }

  entity(entity: Entity, contents: bigint): Plain {
    const { registry, durable, volatile, messenger, memories, arrays } = this.#world;
    const { id, kind, name } = entity;
    const rules = RULES[kind];
    const isDriver = kind === "driver";
    const asks = messenger.asks.get(id);
    const digests = [
      isDriver ? 0n : registry.entityRecords.digestOf(id),
      registry.counters.digestOf(id),
      contents,
      memories.digestOf(name),
      arrays.digestOf(name),
    ];
    return [
      digests.map(hashHex).join(" "),
      this.value(durable.get(id), rules?.["durable"] as Rules),
      this.value(volatile.get(id), rules?.["volatile"] as Rules),
      asks === undefined ? null : this.#asks(id, asks),
    ];
  }

  /** `target`: who the value is for, where it is a message. */
  value(value: Plain | undefined, rules: Rules | undefined, target = -1, key = ""): Plain {
    if (typeof rules === "function") return rules(value ?? null, this.#context);
    if (value === undefined) return null;
    if (typeof value === "number") {
      if (key.endsWith("Ns")) this.isShiftable = false;
      return value;
    }
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    const rule = (each: string): Rules | undefined => rules?.[each] ?? rules?.["*"];
    if (Array.isArray(value)) {
      return (value as readonly Plain[]).map((each) => this.value(each, rule("*"), target, key));
    }
    const { askId, from, to } = value as PlainObject;
    const asker = typeof from === "number" ? from : target;
    const whose = typeof to === "number" ? to : target;
    const walked: { [key: string]: Plain } = {};
    for (const [each, member] of Object.entries(value as PlainObject)) {
      const isAsk = each === "askId" && typeof askId === "number" && askId > 0 && asker >= 0;
      walked[each] = isAsk
        ? this.#context.nextAsk(asker) - askId
        : this.value(member, rule(each), whose, each);
    }
    return walked;
  }

  /** Numbers of requests only tell them apart: how many ago says the same. */
  #asks(id: number, asks: PlainObject): Plain {
    const next = asks["next"] as number;
    const rules = RULES["@ask"];
    const open = Object.entries(asks["open"] as PlainObject).map(([askId, ask]): Plain => [
      next - Number(askId),
      this.value(ask, rules, id),
    ]);
    return open;
  }

  /** Slots of events that will run: not of such as are for an earlier incarnation, or for nobody. */
  #live(): readonly number[] {
    const { queue, registry } = this.#world;
    return queue.pendingSlots().filter((slot) => {
      const target = registry.handles[queue.target[slot]!];
      return (
        target !== undefined && registry.incarnations[target.domain] === queue.incarnation[slot]
      );
    });
  }
}
