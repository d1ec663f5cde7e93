/**
 * What power-on does about a snapshot that a crash cut short. The configuration decides: it names
 * the new layers, then the snapshot stands and only the intent has to go; or it does not, then the
 * layers never became the disk and are removed. Intent and configuration are written back first, so
 * that neither a layer nor a switch of the lost host can land any more. Running it twice ends in the
 * same place.
 */
import { done, go, operation, perform, type PlainObject, together } from "../../kernel/index.ts";
import { deleteFile, removeLayer } from "../chain/array-requests.ts";
import {
  configurationFile,
  intentFile,
  type SnapshotIntent,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { fenceFile, fencesIntent } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";

type Params = RecoveryParams<SnapshotIntent> & PlainObject;

export const recoverSnapshot = operation<Params, PlainObject>("recover-snapshot", {
  fenceIntent: (_host, op) => fencesIntent(op, intentFile(op.params.vm), "fence", "report"),

  fence(_host, op) {
    const { array, vm } = op.params;
    return perform(fenceFile, { array, name: configurationFile(vm) }, "finishOrUndo");
  },

  finishOrUndo(host, op, { value }: { readonly value: VmConfiguration }) {
    const { vm, array, intent } = op.params;
    const { running, pointsInTime } = value;
    const made = Object.entries(intent.descriptors);
    const switchedOver = made.every(([disk, descriptor]) => running[disk] === descriptor);
    host.notice("recovery", { vm, intent: intent.kind, switchedOver });
    if (!switchedOver) {
      return together(
        made.flatMap(([, descriptor]) => removeLayer(array, descriptor)),
        "closeIntent",
      );
    }
    const last = pointsInTime.at(-1)!;
    host.notice("point-in-time", { vm, id: last.id, descriptors: last.disks, taken: true });
    return go("closeIntent");
  },

  closeIntent: (_host, op) => deleteFile(op.params.array, intentFile(op.params.vm), "report"),

  report: () => done(),
});
