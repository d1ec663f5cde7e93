/**
 * The state of a world as plain data under JSON pointers: what `inspect`, `why` and `diff` show. The
 * first segments name an entity (whose name may itself hold slashes), or one of `world`, `domains`
 * and `pending`.
 */
import type { Entity } from "./entity.ts";
import { hashHex } from "./hash.ts";
import type { Plain, PlainObject } from "./plain.ts";
import { domainRoots } from "./root.ts";
import type { World } from "./world.ts";

export type Viewed =
  { readonly ok: true; readonly value: Plain } | { readonly ok: false; readonly message: string };

/** Everything that is known of one entity; sector contents as size, allocation and digest. */
export function viewEntity(world: World, entity: Entity): PlainObject {
  world.advancing.settle();
  const contents: { [label: string]: PlainObject } = {};
  for (const name of world.contents.namesOf(entity.name)) {
    const content = world.contents.get(name)!;
    const { sectors, allocatedSectors } = content;
    const label = name.slice(name.lastIndexOf("#") + 1);
    contents[label] = { sectors, allocatedSectors, digest: hashHex(content.digest()) };
  }
  const memories: { [label: string]: PlainObject } = {};
  for (const name of world.memories.namesOf(entity.name)) {
    const memory = world.memories.get(name)!;
    const label = name.slice(name.lastIndexOf("#") + 1);
    memories[label] = { pages: memory.pages, digest: hashHex(memory.digest()) };
  }
  const arrays: { [label: string]: PlainObject } = {};
  for (const name of world.arrays.namesOf(entity.name)) {
    const array = world.arrays.get(name)!;
    const label = name.slice(name.lastIndexOf("#") + 1);
    arrays[label] = { length: array.length, digest: hashHex(array.digest()) };
  }
  return {
    kind: entity.kind,
    domain: world.registry.domain(entity.domain).name,
    config: entity.config,
    durable: world.durable.get(entity.id) ?? {},
    volatile: world.volatile.get(entity.id) ?? {},
    asks: world.messenger.asks.get(entity.id) ?? {},
    contents,
    ...(Object.keys(memories).length > 0 && { memories }),
    ...(Object.keys(arrays).length > 0 && { arrays }),
    pending: pendingEvents(world, entity.id) as Plain,
  };
}

/** Pending events in firing order, of one entity or of all. */
export function pendingEvents(world: World, target?: number): PlainObject[] {
  const { queue, registry } = world;
  const events: PlainObject[] = [];
  for (const slot of queue.pendingSlots()) {
    const id = queue.target[slot]!;
    if (target !== undefined && id !== target) continue;
    events.push({
      atNs: queue.timeNs[slot]!,
      sequence: queue.sequence[slot]!,
      target: world.entityOrNone(id)?.name ?? null,
      handler: registry.handlers.get(queue.handler[slot]!)!.name,
      arg: queue.payloads[slot] ?? queue.arg[slot]!,
      cause: queue.cause[slot]!,
    });
  }
  return events;
}

export function viewDomains(world: World): PlainObject {
  const roots = domainRoots(world);
  const domains: { [name: string]: PlainObject } = {};
  for (let id = 0; id < world.registry.domainRecords.used; id++) {
    const { name, incarnation, up } = world.registry.domain(id);
    domains[name] = { up, incarnation, root: roots[name]! };
  }
  return domains;
}

/** The value at a JSON pointer; the empty pointer gives an overview. */
export function viewPath(world: World, pointer: string): Viewed {
  const segments = splitPointer(pointer);
  if (segments.length === 0) return { ok: true, value: overview(world) };
  const [first, ...rest] = segments as [string, ...string[]];
  if (first === "world") return descend(world.scalars() as never, rest, "/world");
  if (first === "domains") return descend(viewDomains(world), rest, "/domains");
  if (first === "pending") return descend(pendingEvents(world) as Plain, rest, "/pending");
  for (let taken = segments.length; taken > 0; taken--) {
    const name = segments.slice(0, taken).join("/");
    const id = world.registry.idOf(name);
    if (id === undefined) continue;
    const entity = world.entity(id);
    const below = segments.slice(taken);
    const own = below.length > 0 ? entity.component.view?.(entity as never, below) : undefined;
    return own ?? descend(viewEntity(world, entity), below, `/${name}`);
  }
  return { ok: false, message: `no entity at ${pointer}; the empty path lists them` };
}

function overview(world: World): PlainObject {
  const entities: { [name: string]: string } = {};
  for (const entity of world.entities()) entities[entity.name] = entity.kind;
  return {
    world: world.scalars() as unknown as PlainObject,
    domains: viewDomains(world),
    entities,
    pending: world.queue.size,
  };
}

export function splitPointer(pointer: string): string[] {
  const segments = pointer.split("/").filter((segment) => segment !== "");
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function descend(from: Plain, segments: readonly string[], at: string): Viewed {
  let value: Plain | undefined = from;
  let path = at;
  for (const segment of segments) {
    const isContainer = typeof value === "object" && value !== null;
    const known = isContainer && Object.hasOwn(value as object, segment);
    if (!known) return { ok: false, message: `${path} has no member ${segment}` };
    value = (value as { [key: string]: Plain | undefined })[segment];
    path += `/${segment}`;
  }
  return { ok: true, value: value ?? null };
}
