/**
 * What a VM's former run at this host has left under way. An operation learns that its VM went off
 * in its next phase; until then it waits for an array, and may ask it for more. Must hold: nobody
 * settles what such an operation has begun before it has ended, because what it still asks for comes
 * from the host that owns the disks again, and no fence stops it.
 */
import {
  abandonOperations,
  awaitsAnswer,
  type Entity,
  type EntityId,
  lookAgain,
  lookingSinceNs,
  type Operation,
  type OperationEntity,
  operationsOf,
  type PlainObject,
  type Step,
} from "../../kernel/index.ts";
import { ARRAY_TIMEOUT_NS } from "../chain/array-requests.ts";

/** Between two looks, to begin with. */
const POLL_NS = 50_000;

/** No request takes longer, but one that was sent at the last moment. */
const MOST_NS = 2 * ARRAY_TIMEOUT_NS;

type WaiterParams = { readonly vm: string; readonly array: EntityId } & PlainObject;
type Waiter = Pick<Operation<WaiterParams, never>, "entity" | "params">;

/**
 * Looks again in the same phase while an array has yet to answer the former run's operations; then
 * they end, as with a crash, and undefined comes back.
 */
export function awaitFormerRun(host: Entity, op: Waiter, phase: string): Step | undefined {
  const { world, domain } = host;
  const { vm } = op.params;
  const former = formerOperations(host, op);
  if (former.size === 0) return undefined;
  const waitedNs = world.timeNs - (lookingSinceNs(op.entity) ?? world.timeNs);
  if ([...former].some(awaitsAnswer) && waitedNs < MOST_NS) return lookAgain(POLL_NS, phase);
  abandonOperations(world, domain, vm, (each) => former.has(each));
  return undefined;
}

/** Operations of runs of this VM that are over, and what these perform; not whose part this one is. */
function formerOperations(
  { world, domain }: Entity,
  { entity: own, params }: Waiter,
): ReadonlySet<OperationEntity> {
  const former = new Set<OperationEntity>();
  const ids = new Set<EntityId>();
  const above = wholesOf(own);
  for (const operation of operationsOf(world, domain)) {
    if (above.has(operation.id)) continue;
    const { parent } = operation.config;
    const isPart = parent !== null && ids.has(parent.operation);
    if (!isPart && !isOfFormerRun(operation, params)) continue;
    former.add(operation);
    ids.add(operation.id);
  }
  return former;
}

/** The operation of which this one is a phase, and whose phase that is, and so on. */
function wholesOf({ world, config }: OperationEntity): ReadonlySet<EntityId> {
  const above = new Set<EntityId>();
  for (let { parent } = config; parent !== null;) {
    above.add(parent.operation);
    ({ parent } = (world.entity(parent.operation) as unknown as OperationEntity).config);
  }
  return above;
}

type OfRun = {
  readonly vm?: string;
  readonly instance?: EntityId;
  readonly array?: EntityId;
  readonly repository?: unknown;
};

/** These settle what they have begun by themselves, and say on the array that they do. */
const SETTLE: ReadonlySet<string> = new Set([
  "operation:checkpoint",
  "operation:merge-checkpoints",
]);

/** A backup is held against its manifest at its repository, however late it asks there. */
function isOfFormerRun(operation: OperationEntity, { vm, array }: WaiterParams): boolean {
  const { kind, world, config } = operation;
  const { instance, ...of } = config.params as OfRun;
  if (SETTLE.has(kind) || of.vm !== vm || of.array !== array) return false;
  if (of.repository !== undefined) return false;
  return instance !== undefined && world.entityOrNone(instance) === undefined;
}
