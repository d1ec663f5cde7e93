/**
 * Owners of traces that go along when their run is moved, or goes on from what was saved of it: an
 * entity of the same kind is made beside the run, with the state that the owner had.
 *
 * Must hold: what is about the run in its configuration (`vm`, `memory`) is the new run's. An owner
 * whose state depends on the host puts it right in its handler `travelled`, where it has one.
 */
import {
  clonePlain,
  type Entity,
  type EntityId,
  type Plain,
  type PlainObject,
} from "../../kernel/index.ts";
import type { MemoryEntity } from "./memory-state.ts";

export type Traveller = {
  readonly kind: string;
  readonly config: PlainObject;
  readonly volatile: PlainObject;
};

export function packOwner({ world }: MemoryEntity, owner: EntityId): Traveller | null {
  const entity = world.entityOrNone(owner);
  if (entity === undefined) return null;
  const { kind, config, volatile } = entity;
  return clonePlain({ kind, config: config as PlainObject, volatile: volatile as PlainObject });
}

export function unpackOwner(memory: MemoryEntity, { kind, config, volatile }: Traveller): EntityId {
  const { world } = memory;
  const { vm } = memory.config;
  const component = world.registry.componentOf(kind);
  const here = { ...config, vm, memory: memory.id };
  const made: Entity = world.spawn(component, here, { creator: world.entity(vm), label: kind });
  Object.assign(made.edit() as object, volatile);
  if (made.handlers["travelled"] !== undefined) world.call(made, "travelled", null);
  return made.id;
}

/** The run is another host's by now: owners that stay behind hear of it, the others are there. */
export function leaveOwners({ world, volatile }: MemoryEntity): void {
  for (const { name, owner, onMove = "travels" } of volatile.clients) {
    const entity = world.entityOrNone(owner);
    if (entity === undefined) continue;
    if (onMove === "travels") world.remove(entity);
    else if (entity.handlers["run-moved"] !== undefined) {
      world.call(entity, "run-moved", { client: name } as Plain);
    }
  }
}
