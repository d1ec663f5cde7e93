/** The source's side of local disks that move: what begins and ends with the move. */
import type { Entity } from "../../kernel/index.ts";
import { endMirror, type VirtualDiskEntity } from "../../disks/index.ts";
import type { AgentEntity } from "../coming.ts";
import type { MovedDisk, Op } from "../moving.ts";
import { agentOf, MIGRATION_NOTICE } from "../settings.ts";
import { noteMedia } from "./media.ts";

const ownAgent = (host: Entity): AgentEntity => agentOf(host) as unknown as AgentEntity;

/** Before anything of it can be elsewhere. */
export function noteLeaving(host: Entity, op: Op): void {
  const { vm, to, opening } = op.params;
  const move = { vm, record: opening.record, source: op.entity.id };
  noteMedia(ownAgent(host), move, agentOf(host, to).id, "leaving", opening.local);
  op.edit().disks = [];
}

/** The open disk, as long as the machine is there. */
export const openOf = ({ world }: Entity, { entity }: MovedDisk): VirtualDiskEntity | undefined =>
  world.entityOrNone(entity) as unknown as VirtualDiskEntity | undefined;

export function endMirrors(host: Entity, op: Op): void {
  for (const each of op.state.disks ?? []) endMirror(host.world, openOf(host, each), each.target);
}

/** The move is over in this event: the agent looks at what is left of it. */
export function tellMedia(host: Entity, op: Op): void {
  if (op.state.disks !== undefined) op.entity.send(agentOf(host).id, "settle-media", 0);
}

/** In the event in which the machine is given away. */
export function tellMoved(host: Entity, op: Op): void {
  const { vm } = op.params;
  for (const { disk, entity, device } of op.state.disks ?? []) {
    const open = host.world.entity(entity).name;
    const medium = host.world.entity(device).name;
    host.notice(MIGRATION_NOTICE, {
      vm,
      event: "disk-given",
      run: 0,
      instance: "",
      disk,
      open,
      medium,
    });
  }
}
