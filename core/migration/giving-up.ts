/**
 * How a move ends that comes to nothing, for which there is time until the machine is given away.
 *
 * Must hold: the machine goes on here, its traces are gone, and the destination hears of it.
 */
import { ask, type Entity, fail, type Plain, type Refusal, type Step } from "../kernel/index.ts";
import { type MemoryEntity, removeTraces, type VmEntity } from "../vmm/index.ts";
import { endMirrors, tellMedia } from "./local-disks/mirrors.ts";
import { type Op, runOf } from "./moving.ts";
import { keepRestore } from "./referring.ts";
import { agentOf, ANSWER_NS, CLIENT, MIGRATION_NOTICE } from "./settings.ts";

type Phase<R> = (host: Entity, op: Op, run: VmEntity, result: R) => Step;

/** A phase before the machine is given away: not without it, and not when somebody wants it to stay. */
export const whileHere =
  <R = never>(phase: Phase<R>) =>
  (host: Entity, op: Op, result: R): Step => {
    const run = runOf(op);
    if (run === undefined) return giveUp(host, op, { code: "vm-off", detail: null });
    const { cancelled } = op.state;
    if (cancelled === true) return giveUp(host, op, { code: "cancelled", detail: null });
    return phase(host, op, run, result);
  };

export function giveUp(host: Entity, op: Op, { code, detail }: Refusal): Step {
  const { memory, isReserved, isStopped } = op.state;
  const { vm, to, instance } = op.params;
  const state = op.edit();
  state.problem = code;
  if (detail !== null) state.detail = detail as never;
  const kept = host.world.entityOrNone(memory);
  if (kept !== undefined) removeTraces(kept as never, CLIENT);
  keepRestore(op, kept as MemoryEntity | undefined);
  endMirrors(host, op);
  const body = { vm, source: op.entity.id };
  if (isReserved) op.entity.send(agentOf(host, to).id, "drop", body);
  if (!isStopped || runOf(op) === undefined) return end(host, op);
  return ask(instance, "unstun", {}, "goOn", { timeoutNs: ANSWER_NS, otherwise: "goOn" });
}

/** The last step: the machine goes on here as if nothing had been. */
export function end(host: Entity, op: Op): Step {
  const { vm } = op.params;
  const { problem, detail = null } = op.state;
  if (op.state.disks !== undefined) tellMedia(host, op);
  host.notice(MIGRATION_NOTICE, { vm, event: "given-up", run: 0, instance: "" });
  return fail(problem, detail as Plain);
}
