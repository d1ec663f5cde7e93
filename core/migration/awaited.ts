/** Who traces pages of a machine and has to be through before that can be moved. */
import { memoryOf, type OnMove, type VmEntity } from "../vmm/index.ts";
import type { Op } from "./moving.ts";
import { isReferred } from "./referring.ts";

/** Pause before looking again. */
export const AWAIT_NS = 2_000_000;

/** Whether there is one; it is told once that somebody waits. */
export function isAwaited(op: Op, run: VmEntity, rule: OnMove): boolean {
  const { clients } = memoryOf(run).volatile;
  const awaited = clients.filter((client) => client.onMove === rule && !isReferred(op, client));
  for (const { name, owner } of awaited) {
    const entity = run.world.entityOrNone(owner);
    const { hurried = [] } = op.state;
    if (entity?.handlers["hurry"] === undefined || hurried.includes(name)) continue;
    op.edit().hurried = [...hurried, name];
    op.entity.send(owner, "hurry", {});
  }
  return awaited.length > 0;
}
