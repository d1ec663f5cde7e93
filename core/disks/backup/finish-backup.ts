/**
 * What is done, once its VM runs again, about a backup that a crash cut short. A manifest that is
 * complete stands; one that is not is written back as it is, so that no late commit can land, and
 * goes with its volumes. The point in time is consolidated away, the intent goes last. To begin
 * again anywhere ends in the same place.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type PlainObject,
  together,
  wait,
} from "../../kernel/index.ts";
import { AGAIN_NS, askArray, deleteFile } from "../chain/array-requests.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import { fenceFile } from "../chain/surely-write.ts";
import { giveUpPoint } from "../consolidation/give-up-point.ts";
import { type BackupIntent, backupIntentFile, type Manifest, manifestFile } from "./manifest.ts";

export type FinishParams = {
  readonly vm: string;
  readonly instance: EntityId;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly intent: BackupIntent;
};

type State = { complete: boolean };

type Op = Operation<FinishParams & PlainObject, State>;

export const finishBackup = operation<FinishParams & PlainObject, State>(
  "finish-backup",
  {
    fence(_host, op: Op) {
      const { repository: array, pointInTime } = op.params.intent;
      return perform(fenceFile, { array, name: manifestFile(pointInTime) }, "judge", "noManifest");
    },

    noManifest: () => go("dropVolumes"),

    judge(_host, op: Op, { value }: { readonly value: Manifest }) {
      op.edit().complete = value.complete;
      if (value.complete) return go("giveUpPoint");
      const { repository, pointInTime } = op.params.intent;
      return deleteFile(repository, manifestFile(pointInTime), "dropVolumes");
    },

    dropVolumes(_host, op: Op) {
      const { repository, volumes } = op.params.intent;
      const drops = volumes.map((name) => ({
        ...askArray(repository, "delete-volume", { name }, ""),
        tolerate: ["gone"],
      }));
      return together(drops, "giveUpPoint", "dropAgain");
    },

    dropAgain: () => wait(AGAIN_NS, "dropVolumes"),

    giveUpPoint(_host, op: Op) {
      const { vm, instance, array, disks, intent } = op.params;
      const { pointInTime } = intent;
      const params = { vm, instance, array, disks, pointInTime, under: [backupIntentFile(vm)] };
      return perform(giveUpPoint, params as unknown as PlainObject, "closeUnlessOff");
    },

    closeUnlessOff: (_host, _op: Op, { kept = "" }: { readonly kept?: string }) =>
      kept === "vm-off" ? fail(kept) : go("closeIntent"),

    closeIntent: (_host, op: Op) =>
      deleteFile(op.params.array, backupIntentFile(op.params.vm), "report"),

    report: (_host, op: Op) => done({ complete: op.state.complete }),
  },
  () => ({ complete: false }),
);
