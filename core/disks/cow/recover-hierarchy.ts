/**
 * Settles a copy of a hierarchy. Committed: the configuration is made to lead to the copy, then what
 * it replaces goes. Before that: nothing leads to the copy, and all that was made of it goes.
 */
import { type Entity, go, type Step, together } from "../../kernel/index.ts";
import { askArray } from "../chain/array-requests.ts";
import { configurationFile, volumeOf } from "../chain/descriptor.ts";
import { type CowView, deleteIf, releaseHolder, writeIf } from "./cow-files.ts";
import { descriptorHolder, intentHolder, type HierarchyIntent } from "./cow-intents.ts";
import { settling, type SettleOp, undoIntent } from "./recovery-loop.ts";

type Todo = {
  readonly intent: HierarchyIntent;
  /** Descriptors to be deleted, with their versions. */
  readonly gone: readonly { readonly name: string; readonly version: number }[];
  /** Plain volumes to be deleted. */
  readonly volumes: readonly string[];
  readonly configurationVersion: number;
};

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

function decide(_host: Entity, op: SettleOp, view: CowView): Step {
  const { vm } = op.params;
  const intent = view.intent<HierarchyIntent>(vm)!;
  const forward = intent.stage === "committed";
  const names = forward ? intent.replaced.map(({ descriptor }) => descriptor) : intent.made;
  const todo: Todo = {
    intent,
    gone: names.map((name) => ({ name, version: view.version(name) })),
    volumes: forward
      ? intent.replaced.flatMap(({ volume }) => volume ?? [])
      : intent.made.map(volumeOf),
    configurationVersion: view.version(configurationFile(intent.target)),
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
  return undoIntent(op, intent);
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
    const { target, configuration, source } = todoOf(op).intent;
    if (source !== undefined) host.notice("disks-replaced", { vm: target, backup: null });
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
    return together(asks, "releaseIntent", "again");
  },

  /** From here on an operation that goes on regardless can hold nothing for a descriptor any more. */
  releaseIntent: (_host, op) => ({
    ...releaseHolder(op.params.array, intentHolder(todoOf(op).intent), "releaseVvols", "again"),
    tolerate: ["not-supported"],
  }),

  releaseVvols(_host, op) {
    const asks = todoOf(op).gone.map(({ name }) => ({
      ...releaseHolder(op.params.array, descriptorHolder(name)),
      tolerate: ["not-supported"],
    }));
    return together(asks, "close", "again");
  },
});
