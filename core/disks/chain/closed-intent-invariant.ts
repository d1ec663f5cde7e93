/**
 * An operation that says it is complete has closed its intent: else whoever takes it at its word and
 * begins the next one is refused, until the VM's next power-on. One about memory may leave its own when
 * the array does not answer any more: the next of its kind settles that first. A clone of a running VM
 * that went off leaves its own and says so (`pointLeft`): the next power-on gives its point up.
 */
import {
  always,
  type Invariant,
  Operation,
  type OperationEntity,
  type PlainObject,
} from "../../kernel/index.ts";
import { arraysOf } from "../../platform/index.ts";
import { fileTableOf } from "./file-table.ts";

const MEMORY = ".memory-intent";

export const closedIntentInvariant: Invariant = always(
  "an operation that is complete leaves no intent",
  {
    mechanism: "disks",
    observes: {
      "operation-end": (entity, { outcome, figures }, world) => {
        if (outcome !== "complete" || (figures as PlainObject)["pointLeft"] !== undefined) {
          return undefined;
        }
        const { identity } = new Operation(entity as unknown as OperationEntity);
        for (const array of arraysOf(world)) {
          for (const [file, intent] of fileTableOf(array).intents) {
            if ((intent as PlainObject | undefined)?.["operation"] !== identity) continue;
            if (file.endsWith(MEMORY)) continue;
            return { message: `${identity} is complete, and ${file} is its own`, fields: { file } };
          }
        }
        return undefined;
      },
    },
  },
);
