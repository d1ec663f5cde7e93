/**
 * Settles a copy of a hierarchy. Committed: the configuration is made to lead to the copy, then what
 * it replaces goes. Before that: nothing leads to the copy, and all that was made of it goes. Of a new
 * VM nothing was made before its name was guarded; the claim to that goes right before the intent.
 */
import {
  done,
  type Entity,
  go,
  type Operation,
  operation,
  perform,
  type PlainObject,
  type Step,
  together,
} from "../../kernel/index.ts";
import { asLongAs, askArray } from "../chain/array-requests.ts";
import { configurationFile, intentFile, isReserved, volumeOf } from "../chain/descriptor.ts";
import { type CowView, deleteIf, releaseHolder, writeIf } from "./cow-files.ts";
import {
  type CloneNameIntent,
  descriptorHolder,
  type HierarchyIntent,
  intentHolder,
  isOfNewVm,
} from "./cow-intents.ts";
import type { RecoveryParams } from "../power/recovery.ts";
import { asSeen, settling, type SettleOp, undoIntent } from "./recovery-loop.ts";

type Todo = {
  readonly intent: HierarchyIntent;
  /** Descriptors to be deleted, with their versions. */
  readonly gone: readonly { readonly name: string; readonly version: number }[];
  /** Plain volumes to be deleted. */
  readonly volumes: readonly string[];
  readonly configurationVersion: number;
  /** Version of the claim to the name; 0: there is none. */
  readonly claimVersion: number;
};

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

/** What may have been made. The names of a new VM are claimed, those of one that there is reserved. */
function madeBy(view: CowView, intent: HierarchyIntent): readonly string[] {
  if (isOfNewVm(intent)) return intent.made;
  const configuration = view.configuration(intent.vm)!;
  return intent.made.filter((name) => isReserved(name, configuration));
}

function decide(_host: Entity, op: SettleOp, view: CowView): Step {
  const { vm } = op.params;
  const intent = view.intent<HierarchyIntent>(vm)!;
  const forward = intent.stage === "committed";
  const made = madeBy(view, intent);
  const names = forward ? intent.replaced.map(({ descriptor }) => descriptor) : made;
  const todo: Todo = {
    intent,
    gone: names.map((name) => ({ name, version: view.version(name) })),
    volumes: forward ? intent.replaced.flatMap(({ volume }) => volume ?? []) : made.map(volumeOf),
    configurationVersion: view.version(configurationFile(intent.target)),
    claimVersion: claimVersion(view, intent),
  };
  op.edit().todo = todo as never;
  op.edit().outcome = forward ? "forward" : "back";
  if (forward) {
    const known = view.configuration(intent.target);
    const runs = Object.entries(intent.configuration.running);
    const switched = runs.every(([disk, name]) => known?.running[disk] === name);
    if (!switched) return go("switchOver");
    return go(intent.source === undefined ? "removeDescriptors" : "tell");
  }
  if (intent.stage === "undo") return go("removeDescriptors");
  const madeNothing = isOfNewVm(intent) && intent.stage === "opened";
  return undoIntent(op, madeNothing ? { ...intent, made: [] } : intent);
}

function claimVersion(view: CowView, { target, operation, vm }: HierarchyIntent): number {
  const claim = view.intent<CloneNameIntent>(target);
  return target !== vm && claim?.operation === operation ? view.version(intentFile(target)) : 0;
}

export const recoverHierarchy = settling("recover-hierarchy", decide, {
  switchOver(_host, op) {
    const { intent, configurationVersion } = todoOf(op);
    const { target, configuration } = intent;
    const value = { vm: target, ...configuration };
    const name = configurationFile(target);
    return writeIf(op.params.array, name, value, configurationVersion, "tell", "again");
  },

  tell(host, op) {
    const { target, configuration, source, operation: by } = todoOf(op).intent;
    if (source !== undefined) host.notice("disks-replaced", { vm: target, by, backup: null });
    for (const { id, disks } of configuration.pointsInTime) {
      host.notice("point-in-time", { vm: target, id, descriptors: disks });
    }
    return go("removeDescriptors");
  },

  removeDescriptors(_host, op) {
    const asks = todoOf(op)
      .gone.filter(({ version }) => version > 0)
      .map(({ name, version }) => deleteIf(op.params.array, name, version));
    return together(asks, "removeVolumes", "again");
  },

  removeVolumes(_host, op) {
    const asks = todoOf(op).volumes.map((name) => ({
      ...askArray(op.params.array, "delete-volume", { name }, ""),
      tolerate: ["gone"],
    }));
    return together(asLongAs(asSeen(op), asks), "releaseIntent", "again");
  },

  /** From here on an operation that goes on regardless can hold nothing for a descriptor any more. */
  releaseIntent(_host, op) {
    const held = releaseHolder(op.params.array, intentHolder(todoOf(op).intent));
    const asks = [{ ...held, tolerate: ["not-supported"] }];
    return together(asLongAs(asSeen(op), asks), "releaseVvols", "again");
  },

  releaseVvols(_host, op) {
    const asks = todoOf(op).gone.map(({ name }) => ({
      ...releaseHolder(op.params.array, descriptorHolder(name)),
      tolerate: ["not-supported"],
    }));
    return together(asLongAs(asSeen(op), asks), "dropClaim", "again");
  },

  dropClaim(_host, op) {
    const { claimVersion: version, intent } = todoOf(op);
    if (version === 0) return go("close");
    return together(
      [deleteIf(op.params.array, intentFile(intent.target), version)],
      "close",
      "again",
    );
  },
});

type Claimed = RecoveryParams<CloneNameIntent>;

/** A VM of a name that is claimed is powered on: the copy to it has ended, or ends with nothing. */
export const recoverCloneName = operation<Claimed & PlainObject, PlainObject>(
  "recover-clone-name",
  {
    begin(_host, op: Operation<Claimed & PlainObject, PlainObject>) {
      const { array, intent } = op.params;
      const params = { vm: intent.source, array, own: intent.operation };
      return perform(recoverHierarchy, params, "report");
    },

    report: () => done(),
  },
);
