/**
 * What is done, once its VM runs again, about a backup that a crash cut short. A manifest that is
 * complete stands; one that is not is written back as it is, so that no late commit can land, and
 * goes with its volumes. The point in time is consolidated away, the intent goes last. To begin
 * again anywhere ends in the same place.
 */
import {
  done,
  type EntityId,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  together,
  wait,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { askArray, deleteFile } from "../chain/array-requests.ts";
import { configurationFile, intentFile, type VmConfiguration } from "../chain/descriptor.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import { fenceFile } from "../chain/surely-write.ts";
import { consolidate } from "../consolidation/consolidate.ts";
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

const AGAIN_NS = 500_000_000;

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
      if (value.complete) return go("look");
      const { repository, pointInTime } = op.params.intent;
      return deleteFile(repository, manifestFile(pointInTime), "dropVolumes");
    },

    dropVolumes(_host, op: Op) {
      const { repository, volumes } = op.params.intent;
      const drops = volumes.map((name) => ({
        ...askArray(repository, "delete-volume", { name }, ""),
        tolerate: ["gone"],
      }));
      return together(drops, "look", "dropAgain");
    },

    dropAgain: () => wait(AGAIN_NS, "dropVolumes"),

    look: (_host, op: Op) => scan(op.params.array, "giveUpPoint", "lookAgain"),

    lookAgain: () => wait(AGAIN_NS, "look"),

    /** Another operation of the VM may be at work: also the consolidation that this one began. */
    giveUpPoint(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { vm, instance, array, disks, intent } = op.params;
      const { pointInTime } = intent;
      const { pointsInTime } = files.get(configurationFile(vm))!.value as VmConfiguration;
      if (files.get(intentFile(vm)) !== undefined) return wait(AGAIN_NS, "look");
      if (!pointsInTime.some(({ id }) => id === pointInTime)) return go("closeIntent");
      const under = [backupIntentFile(vm)];
      const params = { vm, instance, array, disks, pointInTime, under };
      return perform(consolidate, params as unknown as PlainObject, "closeIntent", "keepPoint");
    },

    /** Somebody else needs it by now, or it is being worked on. */
    keepPoint: (_host, _op: Op, { code }: { readonly code: string; readonly detail: Plain }) =>
      code === "version-conflict" ? go("lookAgain") : go("closeIntent"),

    closeIntent: (_host, op: Op) =>
      deleteFile(op.params.array, backupIntentFile(op.params.vm), "report"),

    report: (_host, op: Op) => done({ complete: op.state.complete }),
  },
  () => ({ complete: false }),
);
