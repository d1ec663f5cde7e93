/**
 * Settles a merge of layers that nobody runs on, for the operation itself and after a crash. Before
 * the commit nothing led to the new volumes, and they go. After it there is only one way: the point
 * in time is listed no more, each child's descriptor leads to the new volume by one write for the
 * version that was seen, and then the two old volumes go, with the descriptor of the one below.
 */
import { type Entity, go, together } from "../../kernel/index.ts";
import { asLongAs, askArray, deleteFile } from "../chain/array-requests.ts";
import {
  configurationFile,
  type DiskDescriptor,
  type VmConfiguration,
  isReserved,
} from "../chain/descriptor.ts";
import { type CowView, writeDescriptor, writeIf } from "../cow/cow-files.ts";
import type { OfflineMerge, OfflineMergeIntent } from "../cow/cow-intents.ts";
import { asSeen, settling, type SettleOp, undoIntent } from "../cow/recovery-loop.ts";
import { withoutPoint } from "./plan.ts";

type Waiting = {
  readonly name: string;
  readonly version: number;
  readonly descriptor: DiskDescriptor;
};

type Todo = {
  readonly intent: OfflineMergeIntent;
  readonly configuration: VmConfiguration;
  readonly configurationVersion: number;
  /** Descriptors that do not lead to the new volume yet, as they are to be. */
  readonly waiting: readonly Waiting[];
};

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

const mergesOf = (op: SettleOp): OfflineMerge[] => Object.values(todoOf(op).intent.merges);

/** A child as it will be: in the place of the one below, with its own content id. */
function waitingOf(view: CowView, { child, target, volume }: OfflineMerge): Waiting[] {
  const own = child === null ? undefined : view.files.descriptor(child);
  const below = view.files.descriptor(target);
  if (child === null || volume === null || own === undefined || below === undefined) return [];
  if (own.volume === volume) return [];
  const { parent, parentCid, kind } = below;
  const descriptor = { ...own, parent, parentCid, kind, volume };
  return [{ name: child, version: view.version(child), descriptor }];
}

function decide(_host: Entity, op: SettleOp, view: CowView) {
  const { vm } = op.params;
  const intent = view.intent<OfflineMergeIntent>(vm)!;
  const todo: Todo = {
    intent,
    configuration: view.configuration(vm)!,
    configurationVersion: view.version(configurationFile(vm)),
    waiting: Object.values(intent.merges).flatMap((merge) => waitingOf(view, merge)),
  };
  op.edit().todo = todo as never;
  if (intent.stage !== "committed") {
    op.edit().outcome = "back";
    return intent.stage === "undo" ? go("dropMade") : undoIntent(op, intent);
  }
  op.edit().outcome = "forward";
  const listed = todo.configuration.pointsInTime.some(({ id }) => id === intent.pointInTime);
  return go(listed ? "forgetPoint" : "repoint");
}

const drop = (op: SettleOp, name: string) => ({
  ...askArray(op.params.array, "delete-volume", { name }, ""),
  tolerate: ["gone"],
});

export const recoverOfflineMerge = settling("recover-offline-merge", decide, {
  dropMade(_host, op) {
    const { configuration } = todoOf(op);
    const volumes = mergesOf(op).flatMap(({ volume }) => volume ?? []);
    const made = volumes.filter((volume) => isReserved(`${volume}.vmdk`, configuration));
    const asks = made.map((name) => drop(op, name));
    return together(asLongAs(asSeen(op), asks), "close", "again");
  },

  forgetPoint(_host, op) {
    const { configuration, configurationVersion, intent } = todoOf(op);
    const name = configurationFile(op.params.vm);
    const value = withoutPoint(configuration, intent.pointInTime);
    return writeIf(op.params.array, name, value, configurationVersion, "repoint", "again");
  },

  repoint(_host, op) {
    const asks = todoOf(op).waiting.map(({ name, descriptor, version }) =>
      writeDescriptor(op.params.array, name, descriptor, version),
    );
    return together(asks, "removeOld", "again");
  },

  /** Nothing leads there any more. */
  removeOld(_host, op) {
    const { array } = op.params;
    const asks = mergesOf(op).flatMap(({ target, targetVolume, childVolume }) => [
      deleteFile(array, target, ""),
      drop(op, targetVolume),
      ...(childVolume === null ? [] : [drop(op, childVolume)]),
    ]);
    return together(asLongAs(asSeen(op), asks), "close", "again");
  },
});
