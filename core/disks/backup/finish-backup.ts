/**
 * What is done, once its VM runs again, about a backup that a crash cut short. A manifest that is
 * complete stands; one that is not is written back as it is, so that no late commit can land, and
 * goes with its volumes. The point in time is given up, or, on copy-on-write disks, those that a
 * complete backup supersedes; the intent goes last. To begin again anywhere ends in the same place.
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
import { giveUpPoint } from "../consolidation/give-up-point.ts";
import { type ArrayView, CowView, lookAtArray } from "../cow/cow-files.ts";
import { closingIntent, takesOverIntent } from "./close-intent.ts";
import { type BackupIntent, backupIntentFile, type Manifest, manifestFile } from "./manifest.ts";
import { fencesManifest } from "./repository-phases.ts";

export type FinishParams = {
  readonly vm: string;
  readonly instance: EntityId;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly intent: BackupIntent;
};

type State = { intentVersion: number; complete: boolean; going: string[] };

type Op = Operation<FinishParams & PlainObject, State>;

export const finishBackup = operation<FinishParams & PlainObject, State>(
  "finish-backup",
  {
    takeOver: (_host, op: Op) => takesOverIntent(op, "fence"),

    superseded: () => fail("superseded"),

    fence(_host, op: Op, { version }: { readonly version: number }) {
      op.edit().intentVersion = version;
      const { repository, pointInTime, vm } = op.params.intent;
      return fencesManifest(repository, pointInTime, vm, "judge");
    },

    judge(_host, op: Op, { value }: { readonly value: Manifest }) {
      const { repository, pointInTime, superseded } = op.params.intent;
      const state = op.edit();
      state.complete = value.complete;
      if (value.complete && superseded !== undefined) state.going = [...superseded];
      if (value.complete) return go(next(op));
      return deleteFile(repository, manifestFile(pointInTime), "dropVolumes");
    },

    dropVolumes(_host, op: Op) {
      const { repository, volumes } = op.params.intent;
      const drops = volumes.map((name) => ({
        ...askArray(repository, "delete-volume", { name }, ""),
        tolerate: ["gone"],
      }));
      return together(drops, next(op), "dropAgain");
    },

    dropAgain: () => wait(AGAIN_NS, "dropVolumes"),

    lookForBound: (_host, op: Op) => lookAtArray(op.params.array, "unbind", "lookAgain"),

    lookAgain: () => wait(AGAIN_NS, "lookForBound"),

    /** The lost host had the snapshots bound. */
    unbind(_host, op: Op, answer: ArrayView) {
      const { vm, array, intent } = op.params;
      const view = new CowView(answer);
      const points = view.configuration(vm)?.pointsInTime ?? [];
      const disks = points.find(({ id }) => id === intent.pointInTime)?.disks ?? {};
      const asks = Object.values(disks).map((name) => {
        const { volume: vvol } = view.files.descriptor(name)!;
        return askArray(array, "vasa-unbind", { vvol }, "");
      });
      return together(asks, "giveUpPoint", "lookAgain");
    },

    giveUpPoint(_host, op: Op) {
      const { vm, instance, array, disks } = op.params;
      const [pointInTime] = op.state.going;
      if (pointInTime === undefined) return go("closeIntent");
      const params = { vm, instance, array, disks, pointInTime, under: [backupIntentFile(vm)] };
      return perform(giveUpPoint, params as unknown as PlainObject, "closeUnlessOff");
    },

    closeUnlessOff(_host, op: Op, { kept = "" }: { readonly kept?: string }) {
      if (kept === "vm-off") return fail(kept);
      op.edit().going.shift();
      return go(op.state.going.length === 0 ? "closeIntent" : "giveUpPoint");
    },

    ...closingIntent,

    report: (_host, op: Op) => done({ complete: op.state.complete }),
  },
  ({ intent }) => ({ intentVersion: 0, complete: false, going: [intent.pointInTime] }),
);

/** Only snapshots of copy-on-write disks are bound. */
const next = (op: Op): string =>
  op.params.intent.superseded === undefined ? "giveUpPoint" : "lookForBound";
