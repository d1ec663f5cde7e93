/**
 * What power-on does about new disks (of a linked clone, of a restore) that a crash cut short. The
 * configuration decides: it names the new layers, then what they replaced goes; or it does not, then
 * the new layers go. Intent and configuration are written back first, so that neither a layer nor a
 * switch of the lost host can land any more; what goes, goes as long as the intent is as written.
 */
import {
  done,
  operation,
  type Operation,
  perform,
  type PlainObject,
  together,
} from "../../kernel/index.ts";
import { asLongAs, removeIntent } from "../chain/array-requests.ts";
import {
  configurationFile,
  intentFile,
  intentGiven,
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

type State = { intentVersion: number };

type Op = Operation<Params, State>;

const fenced = ({ params, state }: Op) => intentGiven(params.vm, state.intentVersion);

export const recoverReplacement = operation<Params, State>(
  "recover-replacement",
  {
    fenceIntent: (_host, op: Op) => fencesIntent(op, intentFile(op.params.vm), "fence", "report"),

    fence(_host, op: Op, { version }: { readonly version: number }) {
      op.edit().intentVersion = version;
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
      return together(asLongAs(fenced(op), gone), isCow ? "releaseHeld" : "closeIntent");
    },

    /** What the intent held goes before it: the intent is all that still knows of it. */
    releaseHeld(_host, op: Op) {
      const held = releaseHolder(op.params.array, intentHolder(op.params.intent));
      return together(asLongAs(fenced(op), [held]), "closeIntent");
    },

    closeIntent: (_host, op: Op) => removeIntent(op.params.array, fenced(op), "report"),

    report: () => done(),
  },
  () => ({ intentVersion: 0 }),
);
