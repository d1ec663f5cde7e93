/**
 * Deletes a point in time of copy-on-write disks, of a VM that runs or not. What stands on its
 * descriptors is put on what they stand on; the descriptors go, and with the last who holds it each
 * snapshot goes too. The array moves no data: what only this snapshot kept becomes the one's before.
 *
 * Once the intent is committed there is one way only, forward: the point in time is given up.
 */
import { asLongAs } from "../chain/array-requests.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type Plain,
  type PlainObject,
  type Step,
  together,
} from "../../kernel/index.ts";
import {
  configurationFile,
  type DiskDescriptor,
  intentFile,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import {
  type ArrayView,
  CowView,
  deleteIf,
  lookAtArray,
  releaseHolder,
  sharersOfAll,
  writeDescriptor,
  writeIf,
} from "./cow-files.ts";
import { type CowDeleteIntent, descriptorHolder } from "./cow-intents.ts";
import { endings, noteFailure } from "./endings.ts";
import { asSeen, settling, type SettleOp, undoIntent } from "./recovery-loop.ts";

export type DeletePointParams = {
  readonly vm: string;
  readonly array: EntityId;
  readonly pointInTime: string;
  /** Intent files under which this is a part of a larger operation. */
  readonly under?: readonly string[];
};

type DeleteState = {
  intent: CowDeleteIntent | null;
  intentVersion: number;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<DeletePointParams & PlainObject, DeleteState & PlainObject>;

export const deletePoint = operation<DeletePointParams & PlainObject, DeleteState & PlainObject>(
  "delete-point",
  {
    begin: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "openIntent", ""),

    openIntent(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const { vm, array, pointInTime } = op.params;
      const configuration = view.configuration(vm);
      if (configuration === undefined) return fail("no-configuration", vm);
      const point = configuration.pointsInTime.find(({ id }) => id === pointInTime);
      if (point === undefined) return fail("no-point-in-time", pointInTime);
      const names = Object.values(point.disks);
      const problem = view.problemOf([...names, ...Object.values(configuration.running)]);
      if (problem !== undefined) return problem;
      const other = names.find((name) => view.files.descriptor(name)!.kind !== "cow");
      if (other !== undefined) return fail("not-copy-on-write", other);
      const common = { operation: op.identity, vm, stage: "opened", pointInTime } as const;
      const descriptors = { ...point.disks };
      const intent: CowDeleteIntent = { kind: "cow-delete", ...common, descriptors };
      op.edit().intent = intent as never;
      const given = disksAsRead(view.files, vm);
      return opensIntent(array, intentFile(vm), intent, given, "lookForOthers");
    },

    lookForOthers(_host: Entity, op: Op, { version }: { version: number }): Step {
      op.edit().intentVersion = version;
      return lookAtArray(op.params.array, "commit", "trouble");
    },

    /** Checked under the intent: a linked clone that begins now sees it and gives way. */
    commit(_host: Entity, op: Op, answer: ArrayView): Step {
      const { vm, array, under } = op.params;
      const { intent, intentVersion } = op.state;
      const { files } = new CowView(answer);
      const sharers = sharersOfAll(files, vm, Object.values(intent!.descriptors), under);
      if (sharers.length > 0) {
        noteFailure(op, { code: "shared", detail: sharers });
        return go("settle");
      }
      const committed = { ...intent!, stage: "committed" };
      return writeIf(array, intentFile(vm), committed, intentVersion, "settle", "trouble");
    },

    settle(_host: Entity, op: Op): Step {
      const { vm, array } = op.params;
      return perform(recoverDelete, { vm, array, own: op.identity }, "report", "unsettled");
    },

    report(host: Entity, op: Op, { outcome }: { outcome: string }): Step {
      return outcome === "forward" ? done() : endings.failed(host, op);
    },

    ...endings,
  },
  () => ({ intent: null, intentVersion: 0, failure: null }),
);

type Todo = {
  readonly intent: CowDeleteIntent;
  readonly configuration: VmConfiguration;
  readonly configurationVersion: number;
  readonly children: readonly Child[];
  readonly gone: readonly { readonly name: string; readonly version: number }[];
};

type Child = {
  readonly name: string;
  readonly version: number;
  readonly descriptor: DiskDescriptor;
};

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

/** Descriptors that stand on one that goes, as they will stand on what that one stands on. */
function childrenOf(view: CowView, names: readonly string[]): Child[] {
  return names.flatMap((name) => {
    const { parent, parentCid } = view.files.descriptor(name) ?? { parent: null, parentCid: 0 };
    return view.files.childrenOf(name).map((child) => ({
      name: child,
      version: view.version(child),
      descriptor: { ...view.files.descriptor(child)!, parent, parentCid },
    }));
  });
}

function decide(_host: Entity, op: SettleOp, view: CowView): Step {
  const { vm } = op.params;
  const intent = view.intent<CowDeleteIntent>(vm)!;
  const names = Object.values(intent.descriptors);
  const todo: Todo = {
    intent,
    configuration: view.configuration(vm)!,
    configurationVersion: view.version(configurationFile(vm)),
    children: childrenOf(view, names),
    gone: names
      .map((name) => ({ name, version: view.version(name) }))
      .filter(({ version }) => version > 0),
  };
  op.edit().todo = todo as never;
  if (intent.stage !== "committed") {
    op.edit().outcome = "back";
    return intent.stage === "undo" ? go("close") : undoIntent(op, intent);
  }
  op.edit().outcome = "forward";
  const listed = todo.configuration.pointsInTime.some(({ id }) => id === intent.pointInTime);
  return go(listed ? "giveUpPoint" : "reparent");
}

/** The point in time goes from the configuration first: nobody may go back to it any more. */
export const recoverDelete = settling("recover-delete", decide, {
  giveUpPoint(_host, op) {
    const { configuration, configurationVersion, intent } = todoOf(op);
    const pointsInTime = configuration.pointsInTime.filter(({ id }) => id !== intent.pointInTime);
    const name = configurationFile(op.params.vm);
    const value = { ...configuration, pointsInTime };
    return writeIf(op.params.array, name, value, configurationVersion, "reparent", "again");
  },

  reparent(_host, op) {
    const asks = todoOf(op).children.map(({ name, descriptor, version }) =>
      writeDescriptor(op.params.array, name, descriptor, version),
    );
    return together(asks, "removeDescriptors", "again");
  },

  removeDescriptors(_host, op) {
    const asks = todoOf(op).gone.map(({ name, version }) =>
      deleteIf(op.params.array, name, version),
    );
    return together(asks, "releaseSnapshots", "again");
  },

  releaseSnapshots(_host, op) {
    const { intent } = todoOf(op);
    const asks = Object.values(intent.descriptors).map((name) =>
      releaseHolder(op.params.array, descriptorHolder(name)),
    );
    return together(asLongAs(asSeen(op), asks), "close", "again");
  },
});
