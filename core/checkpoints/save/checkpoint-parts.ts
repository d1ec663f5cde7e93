/** What the phases of a checkpoint find at their host. */
import type { Entity } from "../../kernel/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import type { CheckpointOp as Op } from "./checkpoint-params.ts";
import type { Saver } from "./saver-state.ts";

export const saverIn = (host: Entity, op: Op): Saver | undefined =>
  host.world.entityOrNone(op.state.saver) as Saver | undefined;

/** The machine stands still, or stood when something went wrong. */
export const hasBegun = (saved: Saver | undefined): boolean =>
  saved !== undefined && !["idle", "tracing", "background"].includes(saved.volatile.stage);

export const vmIn = (host: Entity, op: Op): VmEntity | undefined =>
  host.world.entityOrNone(op.params.instance) as VmEntity | undefined;

/** Also takes its traces off, and lets a guest go on that it held. */
export function closeSaver(host: Entity, op: Op): void {
  const made = saverIn(host, op);
  if (made === undefined) return;
  host.world.call(made as unknown as Entity, "close", 0);
  host.world.removeTree(made as unknown as Entity);
}
