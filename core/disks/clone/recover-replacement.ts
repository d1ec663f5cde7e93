/**
 * What power-on does about new disks (of a linked clone, of a restore) that a crash cut short. The
 * configuration decides: it names the new layers, then what they replaced goes; or it does not, then
 * the new layers go. Intent and configuration are written back first, so that neither a layer nor a
 * switch of the lost host can land any more.
 */
import {
  done,
  operation,
  type Operation,
  perform,
  type PlainObject,
  together,
} from "../../kernel/index.ts";
import { deleteFile } from "../chain/array-requests.ts";
import {
  configurationFile,
  intentFile,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import { fenceFile, fencesIntent } from "../chain/surely-write.ts";
import { dropLayers, releaseHolder } from "../cow/cow-files.ts";
import { intentHolder } from "../cow/cow-intents.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { RestoreIntent } from "../backup/restore-intent.ts";
import type { LinkedCloneIntent } from "./intent.ts";

type Params = RecoveryParams<LinkedCloneIntent | RestoreIntent> & PlainObject;

type Op = Operation<Params, PlainObject>;

export const recoverReplacement = operation<Params, PlainObject>("recover-replacement", {
  fenceIntent: (_host, op: Op) => fencesIntent(op, intentFile(op.params.vm), "fence", "report"),

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
    if (switchedOver) {
      const backup = intent.kind === "restore" ? intent.backup : null;
      host.notice("disks-replaced", { vm, by: intent.operation, backup });
    }
    const isCow = intent.kind === "restore" && intent.cow === true;
    const layers = made.map(([, name]) => {
      return { descriptor: name, volume: isCow ? null : volumeOf(name) };
    });
    const gone = dropLayers(array, switchedOver ? intent.old : layers);
    return together(gone, isCow ? "releaseHeld" : "closeIntent");
  },

  /** What the intent held goes before it: the intent is all that still knows of it. */
  releaseHeld: (_host, op: Op) =>
    releaseHolder(op.params.array, intentHolder(op.params.intent), "closeIntent"),

  closeIntent: (_host, op: Op) => deleteFile(op.params.array, intentFile(op.params.vm), "report"),

  report: () => done(),
});
