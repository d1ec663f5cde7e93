/**
 * Takes a VM's disks from the host on which it was, for an operation that needs it to be off: what a
 * run that is over had sent, and what is still on its way, is refused from then on. It would come in
 * over what the operation has put on the disks, or behind what it has copied.
 *
 * Must hold: only of epochs in which no host has them open. A host that has begun to open one since
 * has it in a later epoch, and is left alone: it finds the operation's intent, and settles that.
 */
import {
  done,
  type EntityId,
  go,
  operation,
  type Operation,
  perform,
  type PlainObject,
  type Step,
  together,
  wait,
} from "../../kernel/index.ts";
import type { DiskOwnership } from "../../platform/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { AGAIN_NS, askArray } from "../chain/array-requests.ts";
import type { Unopened } from "./unopened.ts";

type CloseDisksParams = {
  readonly array: EntityId;
  /** As of when the VM was off; absent: whoever asks answers for that nothing is on its way. */
  readonly closed?: Unopened;
};

/** First phase of such an operation. */
export const closesDisks = ({ array, closed }: CloseDisksParams, next: string): Step =>
  closed === undefined ? go(next) : perform(closeDisks, { array, closed }, next);

type Op = Operation<Required<CloseDisksParams> & PlainObject, PlainObject>;

export const closeDisks = operation<Op["params"], PlainObject>("close-disks", {
  look: (_host, op: Op) => scan(op.params.array, "close", "again"),

  close(_host, op: Op, found: Scan) {
    const { array, closed } = op.params;
    const files = new ArrayFiles(found);
    const asks = files.ownerships().flatMap(({ name, ownership }) => {
      if (ownership.owner === null || ownership.epoch !== closed[name]) return [];
      const value: DiskOwnership = { ...ownership, owner: null, request: "", filters: [] };
      const body = { name, value, ifVersion: files.get(name)!.version };
      return [askArray(array, "file-write", body, "")];
    });
    return asks.length === 0 ? done() : together(asks, "closed", "again");
  },

  closed: () => done(),

  /** Its host has given one up, somebody has taken it, or the array did not answer. */
  again: () => wait(AGAIN_NS, "lookAgain"),

  lookAgain: () => go("look"),
});
