/**
 * How an operation with a stage in its intent ends when something went wrong: the first failure is
 * remembered, its recovery settles what is durable, and the operation tells what the failure was.
 */
import {
  type Entity,
  fail,
  go,
  type Operation,
  type PlainObject,
  type Refusal,
  type Step,
  wait,
} from "../../kernel/index.ts";

type FailingOp = Pick<Operation<PlainObject, PlainObject>, "entity" | "id"> & {
  readonly state: { readonly failure: Refusal | null };
  edit(): { failure: unknown };
};

/** Pause before a settling that came to no end is begun again. */
const UNSETTLED_NS = 5_000_000_000;

export function noteFailure(op: FailingOp, why: Refusal | null): void {
  op.edit().failure ??= why ?? { code: "failed", detail: null };
}

/** Beside `settle`, which performs the recovery. To be spread last: the first phase begins. */
export const endings = {
  unsettled: (): Step => wait(UNSETTLED_NS, "settle"),

  /** "superseded": somebody else settled it while this operation was not looking. */
  failed(_host: Entity, op: FailingOp): Step {
    const { failure } = op.state;
    return fail(failure?.code ?? "superseded", failure?.detail ?? null);
  },

  trouble(_host: Entity, op: FailingOp, why: Refusal | null): Step {
    noteFailure(op, why);
    return go("settle");
  },

  /** The write of an intent that was not answered may have taken effect. */
  refuse(_host: Entity, op: FailingOp, why: Refusal): Step {
    if (why.code !== "timeout") return fail(why.code, why.detail);
    noteFailure(op, why);
    return go("settle");
  },
};
