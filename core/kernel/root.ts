/**
 * The hash tree of a world: world -> failure domain -> entity -> its records and contents. Each
 * store keeps the hashes of what did not change; only the upper levels are built anew.
 */
import { canonicalBytes } from "./canonical.ts";
import type { Entity } from "./entity.ts";
import { hash64, hashHex } from "./hash.ts";
import type { World } from "./world.ts";

/** Hash of the whole state at this event. Observers, streams and metrics are not in it. */
export function stateDigest(world: World): bigint {
  const scalars = canonicalBytes({
    timeNs: world.timeNs,
    events: world.eventCount,
    durableSteps: world.durableSteps,
    activeOperations: world.activeOperations,
  });
  const parts = [hash64(scalars), world.queue.digest(), world.registry.domainRecords.digest()];
  parts.push(...domainDigests(world));
  return hash64(wordBytes(parts));
}

/** Root of each failure domain, by name, as 16 hex digits. */
export function domainRoots(world: World): { [name: string]: string } {
  const roots: { [name: string]: string } = {};
  domainDigests(world).forEach((digest, domain) => {
    roots[world.registry.domain(domain).name] = hashHex(digest);
  });
  return roots;
}

/** Digest of what each entity holds and has outstanding, its fixed configuration left out. */
export function entityDigests(world: World): ReadonlyMap<string, bigint> {
  world.advancing.settle();
  const contentDigests = world.contents.digestsByOwner();
  const digests = new Map<string, bigint>();
  for (const entity of world.registry.handles) {
    if (entity === undefined) continue;
    const [, ...state] = entityWords(world, entity, contentDigests);
    digests.set(entity.name, hash64(wordBytes(state)));
  }
  return digests;
}

/** Combines the last state root, the chain of epoch roots and the hash of the draw log. */
export function rootOfRun(stateRoot: bigint, epochChain: bigint, drawHash: bigint): bigint {
  return hash64(wordBytes([stateRoot, epochChain, drawHash]));
}

function domainDigests(world: World): bigint[] {
  const { registry, contents } = world;
  world.advancing.settle();
  const domains: bigint[][] = [];
  for (let i = 0; i < registry.domainRecords.used; i++) domains.push([]);
  const contentDigests = contents.digestsByOwner();
  for (const entity of registry.handles) {
    if (entity === undefined) continue;
    domains[entity.domain]!.push(...entityWords(world, entity, contentDigests));
  }
  return domains.map((words) => hash64(wordBytes(words)));
}

function entityWords(
  { registry, durable, volatile, messenger, memories, arrays }: World,
  { id, name }: Entity,
  contentDigests: ReadonlyMap<string, bigint>,
): bigint[] {
  const words = [
    registry.entityRecords.digestOf(id),
    durable.digestOf(id),
    volatile.digestOf(id),
    messenger.asks.digestOf(id),
    registry.counters.digestOf(id),
    contentDigests.get(name) ?? 0n,
  ];
  if (memories.size > 0) {
    const memory = memories.digestOf(name);
    if (memory !== 0n) words.push(memory);
  }
  if (arrays.size > 0) {
    const array = arrays.digestOf(name);
    if (array !== 0n) words.push(array);
  }
  return words;
}

function wordBytes(words: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(words).buffer);
}
