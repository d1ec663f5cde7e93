/**
 * An operation that says it is complete has closed its intent: else whoever takes it at its word and
 * begins the next one is refused, until the VM's next power-on. One about memory may leave its own when
 * the array does not answer any more: the next of its kind settles that first. A clone of a running VM
 * that went off leaves its own and says so (`pointLeft`): the next power-on gives its point up. What a
 * recovery has written back meanwhile is that recovery's, and where its host is lost the next one's.
 */
import {
  always,
  type Invariant,
  Operation,
  type OperationEntity,
  type Plain,
  type PlainObject,
} from "../../kernel/index.ts";
import { arraysOf } from "../../platform/index.ts";
import { fileTableOf } from "./file-table.ts";

const MEMORY = ".memory-intent";

/** Kinds of which only a recovery writes a later version than the operation knows of. */
const WRITTEN_BACK = new Set(["linked-clone", "restore", "consolidate", "grow", "promote"]);

function isWrittenBack(intent: PlainObject, written: number, known: Plain | undefined): boolean {
  return WRITTEN_BACK.has(intent["kind"] as string) && known !== undefined && known !== written;
}

export const closedIntentInvariant: Invariant = always(
  "an operation that is complete leaves no intent",
  {
    mechanism: "disks",
    observes: {
      "operation-end": (entity, { outcome, figures }, world) => {
        if (outcome !== "complete" || (figures as PlainObject)["pointLeft"] !== undefined) {
          return undefined;
        }
        const { identity, state } = new Operation(entity as unknown as OperationEntity);
        for (const array of arraysOf(world)) {
          for (const [file, intent] of fileTableOf(array).intents) {
            if (intent?.["operation"] !== identity || file.endsWith(MEMORY)) continue;
            const { version } = array.durable.files[`file:${file}`]!;
            if (isWrittenBack(intent, version, state["intentVersion"])) continue;
            return { message: `${identity} is complete, and ${file} is its own`, fields: { file } };
          }
        }
        return undefined;
      },
    },
  },
);
