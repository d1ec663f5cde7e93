/**
 * What power-on of a clone does about its making that a crash cut short. Its configuration decides:
 * it names the new layers, then what they replaced goes; or it does not, then it is written back so
 * that no late switch can land, and the new layers go.
 */
import {
  done,
  operation,
  type Operation,
  perform,
  type PlainObject,
  together,
} from "../../kernel/index.ts";
import { deleteFile, removeLayer, removeLayers } from "../chain/array-requests.ts";
import { configurationFile, intentFile, type VmConfiguration } from "../chain/descriptor.ts";
import { fenceFile } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { LinkedCloneIntent } from "./intent.ts";

type Params = RecoveryParams<LinkedCloneIntent> & PlainObject;

type Op = Operation<Params, PlainObject>;

export const recoverClone = operation<Params, PlainObject>("recover-clone", {
  fence(_host, op: Op) {
    const { array, vm } = op.params;
    return perform(fenceFile, { array, name: configurationFile(vm) }, "finishOrUndo");
  },

  finishOrUndo(host, op: Op, file: { readonly value: VmConfiguration }) {
    const { vm, array, intent } = op.params;
    const { running } = file.value;
    const made = Object.entries(intent.descriptors);
    const switchedOver = made.every(([disk, name]) => running[disk] === name);
    host.notice("recovery", { vm, intent: intent.kind, switchedOver });
    if (switchedOver) host.notice("disks-replaced", { vm });
    const gone = switchedOver
      ? removeLayers(array, intent.old)
      : made.flatMap(([, name]) => removeLayer(array, name));
    return together(gone, "closeIntent");
  },

  closeIntent: (_host, op: Op) => deleteFile(op.params.array, intentFile(op.params.vm), "report"),

  report: () => done(),
});
