/**
 * Asks an operation at the same host to stop. It does so at its next step, in its own way, and may
 * be over before; to ask twice, or when it is over, changes nothing.
 */
import { done, operation, operationUnderWay, type PlainObject } from "../../kernel/index.ts";

export type AbortParams = {
  /** Id of the operation that is to stop. */
  readonly operation: string;
};

export const abort = operation<AbortParams & PlainObject, PlainObject>("abort", {
  ask(host, op) {
    const running = operationUnderWay(host.world, op.params.operation);
    if (running?.domain !== host.domain) return done({ running: false });
    const { state } = running.volatile;
    if (typeof state?.["aborted"] !== "boolean") return done({ running: false });
    (running.edit().state as { aborted: boolean }).aborted = true;
    return done({ running: true });
  },
});
