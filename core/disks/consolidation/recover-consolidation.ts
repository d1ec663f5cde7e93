/**
 * What power-on does about a consolidation that a crash cut short. It looks at the configuration
 * and at the descriptors of the intent, and at nothing else. Both intent and configuration are first
 * written back as they are: no late helper and no late switch can land.
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
  asLongAs,
  askArray,
  deleteFile,
  type FileValue,
  readFile,
  removeIntent,
  removeLayer,
} from "../chain/array-requests.ts";
import {
  configurationFile,
  descriptorFile,
  intentFile,
  intentGiven,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { fencesIntent } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { ConsolidationIntent } from "./intent.ts";
import { unlistedLayers } from "./plan.ts";

type Params = RecoveryParams<ConsolidationIntent> & PlainObject;

type State = {
  intentVersion: number;
  /** As of when it was written back. */
  layersMade: number;
  unswitched: boolean;
};

type Op = Operation<Params, State>;

const AGAIN_NS = 200_000_000;

const fenced = ({ params, state }: Op) => intentGiven(params.vm, state.intentVersion);

export const recoverConsolidation = operation<Params, State>(
  "recover-consolidation",
  {
    fenceIntent: (_host, op: Op) =>
      fencesIntent(op, intentFile(op.params.vm), "noteIntent", "report"),

    noteIntent(_host, op: Op, { version }: { readonly version: number }) {
      op.edit().intentVersion = version;
      return go("look");
    },

    look: (_host, op: Op) =>
      readFile(op.params.array, configurationFile(op.params.vm), "decideByPoint"),

    /** Written back as it is: the lost host can strike nothing out of it and run on nothing else. */
    decideByPoint(host, op: Op, { value, version }: FileValue) {
      const { vm, intent, array } = op.params;
      const { pointsInTime, layersMade } = value as VmConfiguration;
      const listed = pointsInTime.some(({ id }) => id === intent.pointInTime);
      host.notice("recovery", { vm, intent: intent.kind, listed });
      op.edit().layersMade = layersMade;
      const body = { name: configurationFile(vm), value, ifVersion: version };
      return askArray(array, "file-write", body, listed ? "closeIntent" : "scanAgain", "look");
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
      const { vm, intent, array } = op.params;
      const left = Object.entries(intent.merges).flatMap(([disk, merge]) => {
        const { child, childVolume, target, targetVolume } = merge;
        // A helper that was made and never became the disk; the next one would bear its name.
        const helper = descriptorFile(vm, disk, op.state.layersMade + 1);
        const helpers = intent.method === "iterative" ? removeLayer(array, helper) : [];
        if (child !== null && files.descriptor(child)?.volume !== targetVolume) return helpers;
        const volume = child === null ? targetVolume : childVolume;
        const drop = askArray(array, "delete-volume", { name: volume }, "");
        return [...helpers, deleteFile(array, target, ""), { ...drop, tolerate: ["gone"] }];
      });
      return together(asLongAs(fenced(op), left), "decide");
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

    closeIntent: (_host, op: Op) => removeIntent(op.params.array, fenced(op), "report"),

    report: () => done(),
  },
  () => ({ intentVersion: 0, layersMade: 0, unswitched: false }),
);
