/**
 * Runs the invariants over what an event dirtied. Its own memory (shadows, violations, what was
 * reached, since when an obligation is open) is an observer store.
 */
import type { Entity } from "./entity.ts";
import type {
  Always,
  Eventually,
  Finding,
  Invariant,
  Observe,
  Sometimes,
  Violation,
} from "./invariant.ts";
import { clonePlain, type Editable, type PlainObject } from "./plain.ts";
import { Records } from "./stores/records.ts";
import type { World } from "./world.ts";

const MAX_VIOLATIONS = 100;
const STATE = 0;

type CheckerState = {
  violations: Violation[];
  /** Keys (invariant, entity) that are broken, so that each is reported once. */
  broken: { [key: string]: true };
  reached: { [name: string]: number };
  /** Ids that were dirtied while an operation was active, for the `quiescent` ones. */
  deferred: { [entity: string]: true };
  /** Since when an `eventually` does not hold, by (invariant, entity). */
  openSinceNs: { [key: string]: number };
};

/** An invariant and the number of its shadow. */
interface Watch {
  readonly invariant: Invariant;
  readonly shadow: number;
}

interface Observer {
  readonly invariant: Invariant;
  readonly observe: Observe;
  /** Its shadow, to be changed. */
  readonly edit: () => Editable<PlainObject>;
}

export class Checker {
  readonly store = new Records();
  readonly #world: World;
  readonly #invariants: Invariant[] = [];
  readonly #byKind = new Map<string, Watch[]>();
  readonly #observers = new Map<string, Observer[]>();
  /** The first so many: setting the length of an array is a call into the engine. */
  readonly #dirty: Entity[] = [];
  #dirtyCount = 0;
  /** Whether an entity waits in `deferred`: an index, so that the loop need not read the store. */
  #hasDeferred = false;
  /** How many obligations are open: an index. */
  #open = 0;

  constructor(world: World) {
    this.#world = world;
    const nothing = { violations: [], broken: {}, reached: {}, deferred: {}, openSinceNs: {} };
    this.store.set(STATE, nothing satisfies CheckerState);
  }

  get violations(): readonly Violation[] {
    return this.#state.violations;
  }

  /** Names of `sometimes` that were reached, with the event in which each was first. */
  get reached(): { readonly [name: string]: number } {
    return this.#state.reached;
  }

  /** Names of `sometimes` that were not reached. */
  get unreached(): readonly string[] {
    return this.unreachedOf(() => true);
  }

  /** The same, of the mechanisms that are asked for. */
  unreachedOf(isMeant: (mechanism: string) => boolean): readonly string[] {
    const reached = this.#state.reached;
    return this.#invariants
      .filter((each) => each.type === "sometimes" && reached[each.name] === undefined)
      .filter(({ mechanism }) => isMeant(mechanism))
      .map((each) => each.name);
  }

  /** Part of building a world: before the first event. */
  register(invariants: readonly Invariant[]): void {
    for (const invariant of invariants) {
      const id = this.#invariants.push(invariant);
      this.store.set(id, clonePlain(invariant.shadow ?? {}));
      for (const kind of invariant.reads) append(this.#byKind, kind, { invariant, shadow: id });
      for (const [notice, observe] of Object.entries(invariant.observes ?? {})) {
        append(this.#observers, notice, { invariant, observe, edit: () => this.#shadow(id) });
      }
    }
  }

  /** Forgets all invariants, to measure what they cost. */
  forget(): void {
    this.#invariants.length = 0;
    this.#byKind.clear();
    this.#observers.clear();
    this.#dirtyCount = 0;
    for (const entity of this.#world.entities()) entity.watched = false;
  }

  get hasDirty(): boolean {
    return this.#dirtyCount > 0 || (this.#hasDeferred && this.#world.activeOperations === 0);
  }

  watches(kind: string): boolean {
    return this.#byKind.has(kind);
  }

  observesNotice(kind: string): boolean {
    return this.#observers.has(kind) || kind === "sometimes";
  }

  noteDirty(entity: Entity): void {
    this.#dirty[this.#dirtyCount++] = entity;
  }

  onNotice(entity: Entity, kind: string, data: PlainObject): void {
    if (kind === "sometimes") this.#reach(data["name"] as string);
    const observers = this.#observers.get(kind);
    if (observers === undefined) return;
    for (const { invariant, observe, edit } of observers) {
      const finding = observe(entity, data, this.#world, edit);
      if (finding) this.report(invariant, entity, finding);
    }
  }

  /** After an event: the dirty entities only. */
  checkDirty(): void {
    const dirty = this.#dirty;
    for (let i = 0; i < this.#dirtyCount; i++) {
      const entity = dirty[i]!;
      if (!this.#exists(entity)) continue;
      this.#checkEntity(entity, entity.isDurableDirty);
      entity.isDurableDirty = false;
    }
    this.#dirtyCount = 0;
    if (this.#hasDeferred && this.#world.activeOperations === 0) this.#checkDeferred();
  }

  /** After the world went to another event: nothing is dirty but what was never checked. */
  afterRestore(): void {
    this.#dirtyCount = 0;
    this.#hasDeferred = Object.keys(this.#state.deferred).length > 0;
    this.#open = Object.keys(this.#state.openSinceNs).length;
    for (const entity of this.#world.entities()) {
      entity.dirtiedIn = -1;
      entity.isDurableDirty = true;
      entity.durableEdits++;
      if (entity.watched && this.#world.eventCount === 0) this.#world.noteDirty(entity);
    }
  }

  /** Everything: at each epoch and at the end. */
  checkAll(atEnd: boolean): void {
    this.#dirtyCount = 0;
    for (const entity of this.#world.entities()) {
      if (entity.watched) this.#checkEntity(entity);
    }
    if (atEnd) this.#checkObligations();
  }

  report(invariant: Pick<Invariant, "name" | "mechanism">, entity: Entity, finding: Finding): void {
    const key = `${invariant.name}\n${entity.name}`;
    if (this.#state.broken[key]) return;
    const state = this.#edit();
    state.broken[key] = true;
    const world = this.#world;
    const violation: Violation = {
      invariant: invariant.name,
      mechanism: invariant.mechanism,
      entities: [entity.name],
      event: world.eventCount,
      atNs: world.timeNs,
      message: finding.message,
      fields: finding.fields ?? {},
    };
    if (state.violations.length < MAX_VIOLATIONS) state.violations.push(violation as never);
    world.notice(entity, "violation", violation);
  }

  #checkEntity(entity: Entity, isDurableDirty = true): void {
    for (const { invariant, shadow } of this.#byKind.get(entity.kind) ?? []) {
      if (invariant.type === "always") {
        if (isDurableDirty || invariant.readsDurable !== true) {
          this.#checkAlways(invariant, shadow, entity);
        }
      } else if (invariant.type === "sometimes") this.#checkSometimes(invariant, entity);
      else this.#checkEventually(invariant, entity);
    }
  }

  #checkAlways(invariant: Always, shadow: number, entity: Entity): void {
    if (invariant.check === undefined) return;
    if (invariant.quiescent && this.#world.activeOperations > 0) return this.#defer(entity);
    const finding = invariant.check(entity, this.#world, this.store.get(shadow)!);
    if (finding) this.report(invariant, entity, finding);
  }

  #defer(entity: Entity): void {
    if (this.#state.deferred[entity.id]) return;
    this.#edit().deferred[entity.id] = true;
    this.#hasDeferred = true;
  }

  #checkDeferred(): void {
    const ids = Object.keys(this.#state.deferred).map(Number);
    this.#edit().deferred = {};
    this.#hasDeferred = false;
    for (const id of ids) {
      const entity = this.#world.entityOrNone(id);
      if (entity !== undefined) this.#checkEntity(entity);
    }
  }

  #exists(entity: Entity): boolean {
    return this.#world.entityOrNone(entity.id) === entity;
  }

  #checkSometimes(invariant: Sometimes, entity: Entity): void {
    if (this.#state.reached[invariant.name] !== undefined) return;
    if (invariant.reached?.(entity, this.#world)) this.#reach(invariant.name);
  }

  #checkEventually(invariant: Eventually, entity: Entity): void {
    const holds = invariant.holds(entity, this.#world);
    if (holds && this.#open === 0) return;
    const key = `${invariant.name}\n${entity.name}`;
    const since = this.#state.openSinceNs[key];
    if (holds) {
      if (since === undefined) return;
      delete this.#edit().openSinceNs[key];
      this.#open--;
      this.#reportLate(invariant, entity, since);
    } else if (since === undefined) {
      this.#edit().openSinceNs[key] = this.#world.timeNs;
      this.#open++;
    } else {
      this.#reportLate(invariant, entity, since);
    }
  }

  #checkObligations(): void {
    if (this.#open === 0) return;
    for (const invariant of this.#invariants) {
      if (invariant.type !== "eventually") continue;
      for (const entity of this.#world.entities()) {
        const since = this.#state.openSinceNs[`${invariant.name}\n${entity.name}`];
        if (since !== undefined) this.#reportLate(invariant, entity, since);
      }
    }
  }

  #reportLate(invariant: Eventually, entity: Entity, sinceNs: number): void {
    const lateNs = this.#world.timeNs - sinceNs - invariant.withinNs;
    if (lateNs <= 0) return;
    const { withinNs } = invariant;
    this.report(invariant, entity, {
      message: `did not hold again within ${withinNs} ns`,
      fields: { sinceNs, withinNs, lateNs },
    });
  }

  #reach(name: string): void {
    if (this.#state.reached[name] !== undefined) return;
    this.#edit().reached[name] = this.#world.eventCount;
  }

  #shadow(id: number): Editable<PlainObject> {
    return this.store.edit(id) as Editable<PlainObject>;
  }

  get #state(): CheckerState {
    return this.store.get(STATE) as unknown as CheckerState;
  }

  #edit(): CheckerState {
    return this.store.edit(STATE) as unknown as CheckerState;
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
