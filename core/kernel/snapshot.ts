/**
 * Images of a whole world: taken at any event, restored into the world they came from or into one
 * built from the same document, and written as differences. What is not in here cannot influence
 * the future.
 */
import { assert } from "./assert.ts";
import type { PlainObject } from "./plain.ts";
import type { MemoriesImage } from "./stores/memories.ts";
import type { PageChunk } from "./stores/paged-memory.ts";
import { recordInImage, type RecordsImage } from "./stores/records.ts";
import type { Store } from "./stores/store.ts";
import type { World } from "./world.ts";
import type { WorldScalars } from "./world-types.ts";

export interface WorldImage {
  readonly scalars: WorldScalars;
  readonly stores: { readonly [name: string]: unknown };
}

/** Snapshots of earlier versions had none. */
const NONE: { readonly [store: string]: PlainObject } = {
  memories: { memories: [], removed: [], contents: new Uint8Array(0) },
  arrays: { arrays: [], removed: [] },
  shadowArrays: { arrays: [], removed: [] },
};

/** Every store of a world by name, those of observers included. */
function storesOf(world: World): { readonly [name: string]: Store<unknown> } {
  const { registry, messenger, checker } = world;
  const stores = {
    domains: registry.domainRecords,
    entities: registry.entityRecords,
    counters: registry.counters,
    durable: world.durable,
    volatile: world.volatile,
    contents: world.contents,
    memories: world.memories,
    arrays: world.arrays,
    asks: messenger.asks,
    queue: world.queue,
    gate: world.gate,
    observers: checker.store,
    shadowContents: world.shadowContents,
    shadowArrays: world.shadowArrays,
    metrics: world.metrics.store,
  };
  return stores as unknown as { readonly [name: string]: Store<unknown> };
}

/** An immutable image of the world between two events. Costs what changed since the last one. */
export function captureWorld(world: World): WorldImage {
  const stores: { [name: string]: unknown } = {};
  world.advancing.settle();
  for (const [name, store] of Object.entries(storesOf(world))) stores[name] = store.capture();
  return { scalars: world.scalars(), stores };
}

/** A snapshot has an event pending for a handler that this world does not have: other code made it. */
export class SnapshotOfOtherCode extends Error {
  override readonly name = "SnapshotOfOtherCode";
}

/**
 * Puts the world back to the image; every index over the stores is built anew. Throws
 * {@link SnapshotOfOtherCode}.
 */
export function restoreWorld(world: World, image: WorldImage): void {
  for (const [name, store] of Object.entries(storesOf(world))) store.restore(image.stores[name]);
  checkHandlers(world);
  world.adopt(image.scalars);
}

function checkHandlers({ queue, registry }: World): void {
  for (let slot = 0; slot < queue.table.used; slot++) {
    const number = queue.handler[slot]!;
    if (number < 0 || registry.handlers.has(number)) continue;
    throw new SnapshotOfOtherCode("a snapshot has an event for a handler that is not known here");
  }
}

/** What `image` holds beyond `base`, as plain data for a trace. */
export function encodeImage(
  world: World,
  image: WorldImage,
  base: WorldImage | undefined,
): PlainObject {
  const stores: { [name: string]: PlainObject } = {};
  for (const [name, store] of Object.entries(storesOf(world))) {
    stores[name] = store.encodeDelta(image.stores[name], base?.stores[name]);
  }
  return { scalars: image.scalars as unknown as PlainObject, stores };
}

/** The image that `encodeImage` wrote against the same base. Throws when it is malformed. */
export function decodeImage(
  world: World,
  delta: PlainObject,
  base: WorldImage | undefined,
): WorldImage {
  const encoded = delta["stores"] as { readonly [name: string]: PlainObject };
  const scalars = delta["scalars"] as unknown as WorldScalars;
  const expected = Object.keys(world.scalars());
  assert(
    expected.every((name) => scalars?.[name as keyof WorldScalars] !== undefined),
    "snapshot without all scalars",
  );
  const stores: { [name: string]: unknown } = {};
  for (const [name, store] of Object.entries(storesOf(world))) {
    const part = encoded?.[name] ?? NONE[name];
    assert(typeof part === "object", () => `snapshot without store ${name}`);
    stores[name] = store.applyDelta(base?.stores[name], part);
  }
  return { scalars, stores };
}

/** What an image holds of an entity. */
export interface EntityInImage {
  readonly name: string;
  readonly durable: PlainObject;
  readonly volatile: PlainObject;
  /** Pages of its memory of this label; undefined when it has none. */
  readonly memory: (label: string) => readonly PageChunk[] | undefined;
}

/**
 * Looks into an image without restoring it, by name or by id; undefined when there is no such entity
 * in it.
 */
export function entityInImage(
  image: WorldImage,
  which: string | number,
): EntityInImage | undefined {
  const store = (each: string): RecordsImage => image.stores[each] as RecordsImage;
  const entities = store("entities");
  const nameOf = (id: number): unknown => recordInImage(entities, id)?.["name"];
  let id = typeof which === "number" ? which : 0;
  if (typeof which === "string") while (id < entities.used && nameOf(id) !== which) id++;
  const name = id >= 0 && id < entities.used ? (nameOf(id) as string | undefined) : undefined;
  if (name === undefined) return undefined;
  const memories = image.stores["memories"] as MemoriesImage;
  return {
    name,
    durable: recordInImage(store("durable"), id) ?? {},
    volatile: recordInImage(store("volatile"), id) ?? {},
    memory: (label) => memories.get(`${name}#${label}`)?.chunks,
  };
}
