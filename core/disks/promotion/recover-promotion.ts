/**
 * What power-on does about a promotion that a crash cut short. Before the switch the new base is
 * dropped and the clone stays one; after it only what nobody leads to any more has to go. Either
 * way the intent and the pointer that decides are first written back as they are, so that no late base
 * and no late switch can land; what goes, goes as long as the intent is as it was written back.
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
import { asLongAs, removeIntent, removeLayer, removeLayers } from "../chain/array-requests.ts";
import {
  asDescriptor,
  configurationFile,
  intentFile,
  intentGiven,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { fenceFile, fencesIntent } from "../chain/surely-write.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import type { PromotionIntent } from "./intent.ts";

type Params = RecoveryParams<PromotionIntent> & PlainObject;

type State = {
  intentVersion: number;
  /** Disks that are looked at, and those that stand on their new base. */
  looked: string[];
  switched: string[];
};

type Op = Operation<Params, State>;

const fenced = ({ params, state }: Op) => intentGiven(params.vm, state.intentVersion);

type Fenced = { readonly value: PlainObject };

export const recoverPromotion = operation<Params, State>(
  "recover-promotion",
  {
    fenceIntent: (_host, op: Op) => fencesIntent(op, intentFile(op.params.vm), "fence", "report"),

    fence(_host, op: Op, { version }: { readonly version: number }) {
      op.edit().intentVersion = version;
      const { array, vm, intent } = op.params;
      const next = intent.mode === "merge" ? "lookAtConfiguration" : "fenceNext";
      return perform(fenceFile, { array, name: configurationFile(vm) }, next);
    },

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
      return together(asLongAs(fenced(op), gone), "closeIntent");
    },

    closeIntent: (_host, op: Op) => removeIntent(op.params.array, fenced(op), "report"),

    report: () => done(),
  },
  () => ({ intentVersion: 0, looked: [], switched: [] }),
);
