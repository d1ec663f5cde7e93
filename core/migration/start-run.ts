/**
 * The destination's part of a switch-over: first the disks, each in a new epoch of its ownership, then
 * the machine is what came of it, then it takes the start-up time and goes on.
 *
 * Must hold: it ends only when the machine runs here, or can never: its source has given it away.
 */
import {
  ask,
  done,
  type EntityId,
  fail,
  operation,
  type Operation,
  perform,
  type PlainObject,
  wait,
} from "../kernel/index.ts";
import { powerOn, type PowerOnParams } from "../disks/index.ts";
import { clientOf, memoryOf, type VmEntity } from "../vmm/index.ts";
import { type AgentEntity, settleComing } from "./coming.ts";
import { ABSENT_CLIENT } from "./post-copy/fetcher.ts";
import { MIGRATION_NOTICE } from "./settings.ts";

type StartParams = {
  readonly vm: string;
  readonly instance: EntityId;
  readonly agent: EntityId;
  readonly opening: PowerOnParams & PlainObject;
  readonly startUpNs: number;
};

type Op = Operation<StartParams & PlainObject, PlainObject>;

const RETRY_NS = 50_000_000;

export const startRun = operation<StartParams & PlainObject, PlainObject>("start-run", {
  openDisks(_host, op) {
    const { opening, instance } = op.params;
    return perform(powerOn, { ...opening, instance, seizes: false }, "begin", "again");
  },

  /** The former host answers late, or the array is away: there is no way back, only this one. */
  again: (_host, _op, { code }: { readonly code: string }) =>
    code === "vm-off" ? fail(code) : wait(RETRY_NS, "openDisks"),

  begin(host, op) {
    const run = runOf(op);
    if (run.volatile.stage === "ended") {
      settleComing(agentOf(op), op.params.vm, "superseded");
      return fail("superseded");
    }
    const { run: number } = run.config;
    const { vm } = op.params;
    const absent = clientOf(memoryOf(run), ABSENT_CLIENT) !== undefined;
    const told = { vm, event: "arrived", run: number, instance: run.name, absent };
    host.notice(MIGRATION_NOTICE, told);
    return wait(op.params.startUpNs, "goOn");
  },

  /** Its pages may have been lost with its source meanwhile, and it with them. */
  goOn(host, op) {
    const { vm, instance } = op.params;
    if (host.world.entityOrNone(instance) !== undefined) {
      return ask(instance, "unstun", {}, "report");
    }
    settleComing(agentOf(op), vm, "source-lost");
    return fail("source-lost");
  },

  report(_host, op) {
    settleComing(agentOf(op), op.params.vm, null);
    return done({});
  },
});

const runOf = (op: Op): VmEntity =>
  op.entity.world.entity(op.params.instance) as unknown as VmEntity;

const agentOf = (op: Op): AgentEntity =>
  op.entity.world.entity(op.params.agent) as unknown as AgentEntity;
