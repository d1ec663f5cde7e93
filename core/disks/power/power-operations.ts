/** Power-off, stun, unstun and unpause as operations, so that timelines, traces and reports see them. */
import {
  ask,
  done,
  type Entity,
  type EntityId,
  fail,
  type Operation,
  operation,
  type OperationComponent,
  type PlainObject,
  type Refusal,
} from "../../kernel/index.ts";

export type InstanceParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
};

/** A reason not to that the machine itself gives. */
const REASONS = new Set(["not-paused", "not-stunned", "moved", "busy"]);

/** The VM is in this domain: no answer means that it is gone. */
const ANSWER_NS = 60_000_000_000;

type Op = Operation<InstanceParams & PlainObject, PlainObject>;

/** The plug is pulled: nothing is flushed, the guest hears nothing. */
export const powerOff = asked("power-off");
export const stun = asked("stun", "stun-by-hand");
/** What an operation holds for an instant stays held. */
export const unstun = asked("unstun", "unstun-by-hand");
/** Of a machine that its host has stopped at an alert of its integrity driver. */
export const unpause = asked("unpause");

function asked(name: string, verb = name): OperationComponent {
  return operation<InstanceParams & PlainObject, PlainObject>(name, {
    [name]: (_host: Entity, op: Op) =>
      ask(op.params.instance, verb, {}, "report", {
        timeoutNs: ANSWER_NS,
        otherwise: "unanswered",
      }),
    /** It was powered off meanwhile, or has a reason not to. */
    unanswered: (_host: Entity, _op: Op, { code, detail }: Refusal) =>
      REASONS.has(code) ? fail(code, detail) : fail("vm-off"),
    report: (_host: Entity, _op: Op, value: PlainObject) => done(value),
  });
}
