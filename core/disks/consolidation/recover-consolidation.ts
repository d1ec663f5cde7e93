/**
 * What power-on does about a consolidation that a crash cut short. It looks at the configuration
 * and at the descriptors of the intent, and at nothing else.
 *
 * The point in time is still listed: nothing was touched, the intent goes. It is not: the merge is
 * carried through. What leads to the target already is tidied up here; the rest is left to a new
 * pass, which begins when the VM runs (`resume`), for writes made while no mirror stood are in the
 * delta only. The descriptors that still lead to a delta are written once more, unchanged: a switch
 * that the lost host sent, and that is still on its way, was made for the version before.
 */
import {
  done,
  go,
  operation,
  type Operation,
  type PlainObject,
  together,
  wait,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import {
  askArray,
  deleteFile,
  type FileValue,
  readFile,
  removeLayer,
} from "../chain/array-requests.ts";
import {
  configurationFile,
  descriptorFile,
  intentFile,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { ConsolidationIntent } from "./intent.ts";
import { unlistedLayers } from "./plan.ts";

type Params = RecoveryParams<ConsolidationIntent> & PlainObject;

type State = { unswitched: boolean };

type Op = Operation<Params, State>;

const AGAIN_NS = 200_000_000;

export const recoverConsolidation = operation<Params, State>(
  "recover-consolidation",
  {
    look: (_host, op: Op) =>
      readFile(op.params.array, configurationFile(op.params.vm), "decideByPoint"),

    /** Still listed: written back as it is, so that the lost host can no longer strike it out. */
    decideByPoint(host, op: Op, { value, version }: FileValue) {
      const { vm, intent, array } = op.params;
      const { pointsInTime } = value as VmConfiguration;
      const listed = pointsInTime.some(({ id }) => id === intent.pointInTime);
      host.notice("recovery", { vm, intent: intent.kind, listed });
      if (!listed) return scan(array, "fence");
      const body = { name: configurationFile(vm), value, ifVersion: version };
      return askArray(array, "file-write", body, "closeIntent", "look");
    },

    fence(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const waiting = Object.values(op.params.intent.merges).filter(
        ({ child, targetVolume }) =>
          child !== null && files.descriptor(child)?.volume !== targetVolume,
      );
      op.edit().unswitched = waiting.length > 0;
      const asks = waiting.map(({ child }) => {
        const { name, value, version } = files.get(child!)!;
        return askArray(op.params.array, "file-write", { name, value, ifVersion: version }, "");
      });
      return together(asks, "tidy", "lookAgain");
    },

    /** It was switched between the look and the fence, or the array does not answer. */
    lookAgain: () => wait(AGAIN_NS, "scanAgain"),

    scanAgain: (_host, op: Op) => scan(op.params.array, "fence", "lookAgain"),

    tidy: (_host, op: Op) => scan(op.params.array, "removeLeft"),

    removeLeft(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { vm, intent, array, configuration } = op.params;
      const left = Object.entries(intent.merges).flatMap(([disk, merge]) => {
        const { child, childVolume, target, targetVolume } = merge;
        // A helper that was made and never became the disk; the next one would bear its name.
        const helper = descriptorFile(vm, disk, configuration.layersMade + 1);
        const helpers = intent.method === "iterative" ? removeLayer(array, helper) : [];
        if (child !== null && files.descriptor(child)?.volume !== targetVolume) return helpers;
        const volume = child === null ? targetVolume : childVolume;
        const drop = askArray(array, "delete-volume", { name: volume }, "");
        return [...helpers, deleteFile(array, target, ""), { ...drop, tolerate: ["gone"] }];
      });
      return together(left, "decide");
    },

    /** Methods that make layers of their own leave them: these are merged as well. */
    decide(_host, op: Op) {
      if (op.state.unswitched) return done({ resume: true });
      if (op.params.intent.method === "mirror") return go("closeIntent");
      return scan(op.params.array, "lookForMore");
    },

    lookForMore(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const configuration = files.get(configurationFile(op.params.vm))!.value as VmConfiguration;
      const left = Object.keys(unlistedLayers(files, configuration));
      return left.length > 0 ? done({ resume: true }) : go("closeIntent");
    },

    closeIntent: (_host, op: Op) => deleteFile(op.params.array, intentFile(op.params.vm), "report"),

    report: () => done(),
  },
  () => ({ unswitched: false }),
);
