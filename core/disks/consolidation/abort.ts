/**
 * Asks an operation at the same host to stop. It does so at its next step, in its own way, and may
 * be over before; to ask twice, or when it is over, changes nothing.
 */
import { done, operation, type OperationEntity, type PlainObject } from "../../kernel/index.ts";

export type AbortParams = {
  /** Id of the operation that is to stop. */
  readonly operation: string;
};

export const abort = operation<AbortParams & PlainObject, PlainObject>("abort", {
  ask(host, op) {
    const { world } = host;
    const id = world.registry.idOf(op.params.operation);
    const found = id === undefined ? undefined : world.entityOrNone(id);
    if (found === undefined || found.domain !== host.domain) return done({ running: false });
    const running = found as unknown as OperationEntity;
    const { state } = running.volatile;
    if (typeof state?.["aborted"] !== "boolean") return done({ running: false });
    (running.edit().state as { aborted: boolean }).aborted = true;
    return done({ running: true });
  },
});
