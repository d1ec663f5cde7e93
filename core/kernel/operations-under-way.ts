/** Operations as others see them: whether one is under way, its going on, and its end by others. */
import type { DomainId, Entity, EntityId } from "./entity.ts";
import {
  type OperationComponent,
  type OperationEntity,
  type PartEnd,
  startOperation,
} from "./operation.ts";
import { startOf } from "./operation-identity.ts";
import type { Plain, PlainObject } from "./plain.ts";
import type { World } from "./world.ts";

/** One that was cut short goes on under the identity that it had. */
export function resumeOperation(
  world: World,
  kind: OperationComponent,
  host: Entity,
  identity: string,
  params: PlainObject,
): OperationEntity {
  const { id, start } = startOf(identity);
  return startOperation(world, kind, host, id, params, start);
}

/** All that are under way, or those of a domain: wholes before their parts. */
export function* operationsOf(world: World, domain?: DomainId): Generator<OperationEntity> {
  for (const entity of world.entities()) {
    if (domain !== undefined && entity.domain !== domain) continue;
    if (entity.kind.startsWith("operation:")) yield entity as unknown as OperationEntity;
  }
}

/** The operation of an id that is under way, whichever start it is. */
export function operationUnderWay(world: World, id: string): OperationEntity | undefined {
  for (const operation of operationsOf(world)) if (operation.config.id === id) return operation;
  return undefined;
}

/** Whether somebody who is there has yet to answer it. */
export function awaitsAnswer(operation: OperationEntity): boolean {
  const { waiting, asked } = operation.volatile;
  return waiting > 0 && asked.some((to) => operation.world.entityOrNone(to) !== undefined);
}

/** Since when its phase looks again and again; undefined: it has not begun to. */
export const lookingSinceNs = ({ volatile }: OperationEntity): number | undefined =>
  volatile.looking?.sinceNs;

/**
 * Ends all operations of a domain that are about a VM, or those of them that are meant, as a crash
 * would: what they made durable is settled by whoever has the VM now. Their outcome is "abandoned".
 */
export function abandonOperations(
  world: World,
  domain: DomainId,
  vm: string,
  isMeant: (operation: OperationEntity) => boolean = () => true,
): void {
  const gone = new Set<EntityId>();
  const partsOfOthers: NonNullable<OperationEntity["config"]["parent"]>[] = [];
  for (const operation of operationsOf(world, domain)) {
    const { id, params, parent } = operation.config;
    // What was a phase of one that goes has nobody to tell how it ended.
    const isOfVm = params["vm"] === vm && isMeant(operation);
    if (!isOfVm && !gone.has(parent?.operation ?? -1)) continue;
    gone.add(operation.id);
    const whole = parent === null || gone.has(parent.operation) ? undefined : parent;
    if (whole !== undefined) partsOfOthers.push(whole);
    world.activeOperations--;
    const { phase } = operation.volatile;
    const end = { id, phase, outcome: "abandoned", figures: {}, detail: null };
    operation.notice("operation-end", end);
    world.remove(operation as unknown as Entity);
  }
  // One that is about more than this VM hears of it, and goes on with the others.
  for (const { operation, round } of partsOfOthers) {
    const told: PartEnd = { round, outcome: "abandoned", figures: {}, detail: vm };
    world.entityOrNone(operation)?.after(0, "performed", told as unknown as Plain);
  }
}
