/**
 * How a failure domain goes and comes back. Must hold: what an entity remembers afterwards is its
 * durable state; operations and everything else that a lost entity created goes with it; timers and
 * messages for the domain are of an earlier incarnation and find nobody.
 */
import type { DomainId, Entity } from "./entity.ts";
import type { PlainObject } from "./plain.ts";
import type { World } from "./world.ts";

const membersOf = (world: World, domain: DomainId): Entity[] =>
  [...world.entities()].filter((each) => each.domain === domain);

/** Drops the domain's volatile state, operations and timers. */
export function crashDomain(world: World, domain: DomainId, cause: string): void {
  const { name, incarnation, up } = world.registry.domain(domain);
  if (!up) return;
  const members = membersOf(world, domain);
  world.within(domain, () => {
    for (const entity of members) entity.component.crashed?.(entity);
    removeOrphans(world, members);
    for (const entity of members) forgetVolatile(world, entity);
  });
  world.registry.setDomain(domain, false, incarnation + 1);
  const first = members[0];
  if (first) world.notice(first, "crash", { domain: name, cause });
}

function forgetVolatile(world: World, entity: Entity): void {
  world.messenger.dropAsks(entity);
  if (world.entityOrNone(entity.id) === undefined) return;
  const initial = entity.component.volatile?.(entity.config as never);
  world.volatile.set(entity.id, (initial as PlainObject | undefined) ?? {});
  if (entity.watched) world.noteDirty(entity);
}

/** In order of creation: creators come before what they created. */
export function removeOrphans(world: World, entities: readonly Entity[]): void {
  for (const entity of entities) {
    const isOrphan = entity.parent >= 0 && world.entityOrNone(entity.parent) === undefined;
    if (isOrphan && world.entityOrNone(entity.id) === entity) world.remove(entity);
  }
}

/** Brings a crashed domain back; each entity recovers from its durable state. */
export function restartDomain(world: World, domain: DomainId): void {
  const { name, incarnation, up } = world.registry.domain(domain);
  if (up) return;
  world.registry.setDomain(domain, true, incarnation);
  const members = membersOf(world, domain);
  world.within(domain, () => {
    for (const entity of members) entity.component.restarted?.(entity);
  });
  const first = members[0];
  if (first) world.notice(first, "restart", { domain: name });
}
