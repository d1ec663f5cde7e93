/**
 * What power-on does about a disk that was growing when a crash came: it is grown, the volume first
 * and then the descriptor, as often as it takes; an array that refuses leaves the disk as it was. The
 * intent is written back first, and closed as it was written: not one that is opened later.
 */
import {
  done,
  go,
  operation,
  type Operation,
  perform,
  type PlainObject,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { removeIntent } from "../chain/array-requests.ts";
import { descriptorFileOf, intentFile, intentGiven } from "../chain/descriptor.ts";
import { fencesIntent, surelyWrite, type Written } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { GrowIntent } from "./intent.ts";
import { resizeVolumes } from "./resize-volumes.ts";

type Params = RecoveryParams<GrowIntent> & PlainObject;

type State = { intentVersion: number };

type Op = Operation<Params, State>;

export const recoverGrow = operation<Params, State>(
  "recover-grow",
  {
    fenceIntent: (_host, op: Op) => fencesIntent(op, intentFile(op.params.vm), "resize", "report"),

    resize(host, op: Op, { version }: { readonly version: number }) {
      op.edit().intentVersion = version;
      const { array, intent, vm } = op.params;
      host.notice("recovery", { vm, intent: intent.kind, toSectors: intent.toSectors });
      const { volumes, toSectors } = intent;
      return perform(resizeVolumes, { array, volumes, toSectors }, "look", "closeIntent");
    },

    look: (_host, op: Op) => scan(op.params.array, "writeDescriptor"),

    writeDescriptor(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { descriptor: name, toSectors } = op.params.intent;
      const descriptor = files.descriptor(name)!;
      const { value: before, version } = files.get(name)!;
      // Also when it says so already: what the lost host sent was made for the version before.
      const value = descriptorFileOf({ ...descriptor, sectors: toSectors });
      const params = { array: op.params.array, name, value, before, version };
      return perform(surelyWrite, params as unknown as PlainObject, "written", "look");
    },

    written: (_host, _op: Op, { written }: Written & PlainObject) =>
      go(written ? "closeIntent" : "look"),

    closeIntent(_host, op: Op) {
      const fenced = intentGiven(op.params.vm, op.state.intentVersion);
      return removeIntent(op.params.array, fenced, "report");
    },

    report: () => done(),
  },
  () => ({ intentVersion: 0 }),
);
