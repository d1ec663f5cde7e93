/**
 * Calls a move off (`cancel-migration`): until the machine is given away it goes on here, with nothing
 * left of the move; after that it is the other host's, and the cancel is refused.
 */
import {
  done,
  type Entity,
  fail,
  operation,
  type OperationEntity,
  type PlainObject,
  wait,
  type World,
} from "../kernel/index.ts";
import type { MigrateState } from "./moving.ts";
import { MIGRATE } from "./settings.ts";

export type CancelParams = { readonly vm: string };
type CancelState = { readonly move: number; readonly beganNs: number };

const LOOK_AGAIN_NS = 100_000;
/** A move that waits for a time-out ends late: it is looked for less and less often. */
const PATIENCE = 64;

export const cancelMigration = operation<CancelParams & PlainObject, CancelState & PlainObject>(
  "cancel-migration",
  {
    begin(host, op) {
      const { vm } = op.params;
      const move = moveOf(host, vm);
      if (move === undefined) return fail("not-moving", vm);
      if (stateOf(move).isGiven) return fail("given-away", `${vm} belongs to its destination`);
      (move.edit().state as MigrateState).cancelled = true;
      Object.assign(op.edit(), { move: move.id, beganNs: host.simulatedNs });
      return wait(LOOK_AGAIN_NS, "look");
    },

    look(host, op) {
      const isOver = host.world.entityOrNone(op.state.move) === undefined;
      const soFarNs = host.simulatedNs - op.state.beganNs;
      const againNs = Math.max(LOOK_AGAIN_NS, Math.floor(soFarNs / PATIENCE));
      return isOver ? done({}) : wait(againNs, "look");
    },
  },
  () => ({ move: -1, beganNs: 0 }),
);

const stateOf = (move: OperationEntity): MigrateState =>
  move.volatile.state as unknown as MigrateState;

/** The operation that moves a machine, anywhere; for who sees everything. */
export function moveOfVm(world: World, vm: string): OperationEntity | undefined {
  for (const entity of world.entities()) {
    if (isMoveOf(entity, vm)) return entity as unknown as OperationEntity;
  }
  return undefined;
}

/** The operation that moves a machine away from a host: the first, should there be several. */
export function moveOf({ world, domain }: Entity, vm: string): OperationEntity | undefined {
  for (const entity of world.entities()) {
    if (entity.domain !== domain || !isMoveOf(entity, vm)) continue;
    return entity as unknown as OperationEntity;
  }
  return undefined;
}

const isMoveOf = ({ kind, config }: Entity, vm: string): boolean =>
  kind === `operation:${MIGRATE}` && (config as OperationEntity["config"]).params["vm"] === vm;
