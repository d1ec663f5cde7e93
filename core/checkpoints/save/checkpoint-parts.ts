/** What the phases of a checkpoint find at their host, and how they write its file. */
import type { ContentRun, Entity, Step } from "../../kernel/index.ts";
import { askDevice } from "../../disks/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import { giveUp } from "../give-up.ts";
import type { CheckpointOp as Op } from "./checkpoint-params.ts";
import type { Saver } from "./saver-state.ts";

export const saverIn = (host: Entity, op: Op): Saver | undefined =>
  host.world.entityOrNone(op.state.saver) as Saver | undefined;

export const vmIn = (host: Entity, op: Op): VmEntity | undefined =>
  host.world.entityOrNone(op.params.instance) as VmEntity | undefined;

/** Also takes its traces off, and lets a guest go on that it held. */
export function closeSaver(host: Entity, op: Op): void {
  const made = saverIn(host, op);
  if (made === undefined) return;
  host.world.call(made as unknown as Entity, "close", 0);
  host.world.removeTree(made as unknown as Entity);
}

export function write(
  host: Entity,
  op: Op,
  sector: number,
  runs: readonly ContentRun[],
  next: string,
): Step {
  const made = saverIn(host, op);
  if (made === undefined) return giveUp("vm-off")(op);
  const sectors = runs.reduce((sum, run) => sum + run.sectors, 0);
  const request = { op: "write", sector, sectors, runs };
  return { ...askDevice(made.volatile.device, request, "giveUp"), next };
}

export function flush(host: Entity, op: Op, next: string): Step {
  const made = saverIn(host, op);
  if (made === undefined) return giveUp("vm-off")(op);
  return { ...askDevice(made.volatile.device, { op: "flush" }, "giveUp"), next };
}
