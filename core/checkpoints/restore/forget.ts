/**
 * A suspended machine has gone on: its checkpoint goes, for a second time its disks would be others.
 * Must hold: an intent names the file before the catalog does not any more; whoever is making a
 * checkpoint of the VM comes first.
 */
import {
  done,
  go,
  operation,
  type Operation,
  type PlainObject,
  type EntityId,
  perform,
  wait,
} from "../../kernel/index.ts";
import { askArray, type FileValue, readFileIfAny, surelyWrite } from "../../disks/index.ts";
import {
  type Catalog,
  catalogFile,
  checkpointIntentFile,
  type CheckpointIntent,
  entryOf,
  withoutCheckpoint,
} from "../catalog.ts";

export type ForgetParams = {
  readonly vm: string;
  readonly array: EntityId;
  readonly checkpoint: string;
  readonly volume: string;
};

type ForgetState = { tries: number };
type Op = Operation<ForgetParams & PlainObject, ForgetState & PlainObject>;

const RETRY_NS = 20_000_000;
const MOST_TRIES = 500;

export const forgetCheckpoint = operation<ForgetParams & PlainObject, ForgetState & PlainObject>(
  "forget-checkpoint",
  {
    begin(_host, op: Op) {
      const { vm, array, checkpoint, volume } = op.params;
      const intent: CheckpointIntent = {
        kind: "checkpoint",
        operation: op.entity.name,
        vm,
        checkpoint,
        volume,
      };
      const body = { name: checkpointIntentFile(vm), value: intent, ifVersion: 0 };
      return askArray(array, "file-write", body, "readCatalog", "later");
    },

    later: (_host, op: Op) =>
      ++op.edit().tries < MOST_TRIES ? wait(RETRY_NS, "begin") : go("report"),

    readCatalog: (_host, op: Op) =>
      readFileIfAny(op.params.array, catalogFile(op.params.vm), "enter"),

    enter(_host, op: Op, file: FileValue | null) {
      const { vm, array, checkpoint } = op.params;
      const before = file?.value as Catalog | undefined;
      if (before === undefined || entryOf(before, checkpoint) === undefined)
        return go("closeIntent");
      const value = withoutCheckpoint(before, checkpoint);
      const params = { array, name: catalogFile(vm), value, before, version: file!.version };
      return perform(surelyWrite, params, "dropFile", "report");
    },

    dropFile(_host, op: Op, { written }: { written: boolean }) {
      if (!written) return go("closeIntent");
      const drop = askArray(
        op.params.array,
        "delete-volume",
        { name: op.params.volume },
        "closeIntent",
        "report",
      );
      return { ...drop, tolerate: ["gone"] };
    },

    closeIntent(_host, op: Op) {
      const { vm, array } = op.params;
      const name = checkpointIntentFile(vm);
      const remove = askArray(array, "file-delete", { name }, "report", "report");
      return { ...remove, tolerate: ["no-file"] };
    },

    /** The array may not answer: what is left over goes with the next checkpoint, or power-on. */
    report: () => done({}),
  },
  () => ({ tries: 0 }),
);
