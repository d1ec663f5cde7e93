/**
 * What power-on does about a snapshot that a crash cut short. The configuration decides: it names
 * the new layers, then the snapshot stands and only the intent has to go; or it does not, then the
 * layers never became the disk and are removed. Intent and configuration are written back first, so
 * that neither a layer nor a switch of the lost host can land any more. Running it twice ends in the
 * same place. What it removes goes under the intent as it wrote it back: if this host is lost as well,
 * and another one settles it, the next snapshot bears the same names.
 */
import {
  done,
  go,
  operation,
  type Operation,
  perform,
  type PlainObject,
  together,
} from "../../kernel/index.ts";
import { asLongAs, removeIntent, removeLayer } from "../chain/array-requests.ts";
import {
  configurationFile,
  intentFile,
  intentGiven,
  type SnapshotIntent,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { fenceFile, fencesIntent } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";

type Params = RecoveryParams<SnapshotIntent> & PlainObject;

type State = { intentVersion: number };

const fenced = ({ params, state }: Operation<Params, State>) =>
  intentGiven(params.vm, state.intentVersion);

export const recoverSnapshot = operation<Params, State>(
  "recover-snapshot",
  {
    fenceIntent: (_host, op) => fencesIntent(op, intentFile(op.params.vm), "fence", "report"),

    fence(_host, op, { version }: { readonly version: number }) {
      op.edit().intentVersion = version;
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
        const removals = made.flatMap(([, descriptor]) => removeLayer(array, descriptor));
        return together(asLongAs(fenced(op), removals), "closeIntent");
      }
      const last = pointsInTime.at(-1)!;
      host.notice("point-in-time", { vm, id: last.id, descriptors: last.disks, taken: true });
      return go("closeIntent");
    },

    closeIntent: (_host, op) => removeIntent(op.params.array, fenced(op), "report"),

    report: () => done(),
  },
  () => ({ intentVersion: 0 }),
);
