/**
 * What power-on does about a promotion that a crash cut short. Before the switch the new base is
 * dropped and the clone stays one; after it only what nobody leads to any more has to go. Either
 * way the intent and the pointer that decides are first written back as they are, so that no late base
 * and no late switch can land.
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
import { deleteFile, removeLayer, removeLayers } from "../chain/array-requests.ts";
import {
  asDescriptor,
  configurationFile,
  intentFile,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { fenceFile, fencesIntent } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { PromotionIntent } from "./intent.ts";

type Params = RecoveryParams<PromotionIntent> & PlainObject;

type State = {
  /** Disks that are looked at, and those that stand on their new base. */
  looked: string[];
  switched: string[];
};

type Op = Operation<Params, State>;

type Fenced = { readonly value: PlainObject };

export const recoverPromotion = operation<Params, State>(
  "recover-promotion",
  {
    fenceIntent: (_host, op: Op) => fencesIntent(op, intentFile(op.params.vm), "fence", "report"),

    fence: (_host, op: Op) =>
      perform(
        fenceFile,
        { array: op.params.array, name: configurationFile(op.params.vm) },
        op.params.intent.mode === "merge" ? "lookAtConfiguration" : "fenceNext",
      ),

    lookAtConfiguration(_host, op: Op, { value }: Fenced) {
      const { running } = value as VmConfiguration;
      const { disks } = op.params.intent;
      op.edit().switched = Object.keys(disks).filter((id) => running[id] === disks[id]!.base);
      return go("tidy");
    },

    /** Carried over: the lowest layer of each disk is what decides. */
    fenceNext(_host, op: Op) {
      const { array, intent } = op.params;
      const next = Object.keys(intent.disks).find((id) => !op.state.looked.includes(id));
      if (next === undefined) return go("tidy");
      op.edit().looked.push(next);
      return perform(fenceFile, { array, name: intent.disks[next]!.lowest }, "lookAtLowest");
    },

    lookAtLowest(_host, op: Op, { value }: Fenced) {
      const id = op.state.looked.at(-1)!;
      const { parent } = asDescriptor(value);
      if (parent === op.params.intent.disks[id]!.base) op.edit().switched.push(id);
      return go("fenceNext");
    },

    tidy(host, op: Op) {
      const { vm, array, intent } = op.params;
      const { switched } = op.state;
      host.notice("recovery", { vm, intent: intent.kind, switched: [...switched] });
      const gone = Object.entries(intent.disks).flatMap(([id, { base, own }]) =>
        switched.includes(id) ? removeLayers(array, own) : removeLayer(array, base),
      );
      return together(gone, "closeIntent");
    },

    closeIntent: (_host, op: Op) => deleteFile(op.params.array, intentFile(op.params.vm), "report"),

    report: () => done(),
  },
  () => ({ looked: [], switched: [] }),
);
