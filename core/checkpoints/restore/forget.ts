/**
 * A suspended machine has gone on: its checkpoint goes, for a second time its disks would be others.
 * Must hold: an intent names the file before the catalog does not any more; whoever is making a
 * checkpoint of the VM comes first; what others stand on stays, for them alone, and goes with them.
 */
import {
  done,
  type Entity,
  type EntityId,
  go,
  operation,
  type Operation,
  type OperationEntity,
  type PlainObject,
  perform,
  together,
  wait,
} from "../../kernel/index.ts";
import { type FileValue, readFileIfAny, surelyWrite } from "../../disks/index.ts";
import { isChangingCatalog } from "../merge/merge-state.ts";
import { settleCheckpoints } from "../settle.ts";
import {
  closeIntent,
  dropVolume,
  INTENT_RETRY_NS,
  MOST_INTENT_TRIES,
  openIntent,
} from "../intent.ts";
import { type Catalog, catalogFile, entryOf, withoutCheckpoint } from "../catalog.ts";

export type ForgetParams = {
  readonly vm: string;
  readonly array: EntityId;
  readonly checkpoint: string;
  readonly volume: string;
};

type ForgetState = {
  tries: number;
  intentVersion: number;
  /** Volumes that go; absent: its own. */
  volumes?: string[];
};
type Op = Operation<ForgetParams & PlainObject, ForgetState & PlainObject>;

/** A checkpoint whose VM has left is soon through, or never. */
const SETTLES_EVERY = 100;

export const forgetCheckpoint = operation<ForgetParams & PlainObject, ForgetState & PlainObject>(
  "forget-checkpoint",
  {
    begin(_host, op: Op) {
      const { vm, array, checkpoint, volume } = op.params;
      const { name: operation } = op.entity;
      const intent = { kind: "checkpoint", operation, vm, checkpoint, volume } as const;
      return openIntent(array, intent, "readCatalog", "later");
    },

    /** Whoever has it open may have been lost with the host that the VM was moved from. */
    later(_host, op: Op) {
      const tries = ++op.edit().tries;
      const { vm, array } = op.params;
      if (tries % SETTLES_EVERY === 0) {
        return perform(settleCheckpoints, { vm, array }, "begin", "later");
      }
      return tries < MOST_INTENT_TRIES ? wait(INTENT_RETRY_NS, "begin") : go("report");
    },

    readCatalog(_host, op: Op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      return readFileIfAny(op.params.array, catalogFile(op.params.vm), "enter");
    },

    enter(_host, op: Op, file: FileValue | null) {
      const { vm, array, checkpoint } = op.params;
      const before = file?.value as Catalog | undefined;
      if (before === undefined || entryOf(before, checkpoint) === undefined)
        return go("closeIntent");
      const { catalog: value, dropped } = withoutCheckpoint(before, checkpoint);
      const volumes = dropped.map(({ volume }) => volume);
      if (volumes.join() !== op.params.volume) op.edit().volumes = volumes;
      const params = { array, name: catalogFile(vm), value, before, version: file!.version };
      return perform(surelyWrite, params, "dropFile", "report");
    },

    dropFile(_host, op: Op, { written }: { written: boolean }) {
      const { volume } = op.params;
      const { volumes } = op.state;
      if (!written || volumes?.length === 0) return go("closeIntent");
      const drops = (volumes ?? [volume]).map((name) =>
        dropVolume(op, name, "closeIntent", "report"),
      );
      return drops.length === 1 ? drops[0]! : together(drops, "closeIntent", "report");
    },

    closeIntent: (_host, op: Op) => closeIntent(op, "report", "report"),

    /** The array may not answer: what is left over goes with the next checkpoint, or power-on. */
    report: () => done({}),
  },
  () => ({ tries: 0, intentVersion: 0 }),
);

/** Whether that is going on at this host, or a merge changes the catalog: both are soon through. */
export function isForgetting({ world, domain }: Entity, vm: string): boolean {
  for (const entity of world.entities()) {
    if (entity.domain !== domain) continue;
    if (entity.kind !== forgetCheckpoint.kind && !isChangingCatalog(entity)) continue;
    if ((entity.config as OperationEntity["config"]).params["vm"] === vm) return true;
  }
  return false;
}
