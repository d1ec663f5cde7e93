/**
 * Revert of a powered-off VM whose disks are chains of redo logs, the baseline of the copy-on-write
 * revert: a new, empty redo log is put on the point in time, and what was written since goes. No
 * data moves, and nothing is torn at any time; the price is paid by every read of a deeper chain.
 */
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
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { asLongAs, askArray } from "../chain/array-requests.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  configurationFile,
  type DiskDescriptor,
  descriptorFile,
  intentFile,
  redoOn,
  untracked,
  type VmConfiguration,
  volumeOf,
  intentGiven,
  isReserved,
  reserving,
} from "../chain/descriptor.ts";
import { exclusiveLayers, isAdopted } from "../clone/sharers.ts";
import {
  type ArrayView,
  CowView,
  deleteIf,
  lookAtArray,
  removeMade,
  sharersOfAll,
  makeDescriptor,
  writeIf,
} from "../cow/cow-files.ts";
import type { RedoRevertIntent } from "../cow/cow-intents.ts";
import { endings } from "../cow/endings.ts";
import { asSeen, settling, type SettleOp, undoIntent } from "../cow/recovery-loop.ts";

export type RevertRedoParams = {
  readonly vm: string;
  readonly array: EntityId;
  readonly pointInTime: string;
  /** Its disks as of when it was off; absent: whoever asks answers for that it is. */
  readonly closed?: Unopened;
};

type RevertRedoState = {
  configuration: VmConfiguration | null;
  configurationVersion: number;
  made: readonly { readonly name: string; readonly descriptor: DiskDescriptor }[];
  /** The names of what is made are this operation's own. */
  isReserved: boolean;
  intent: RedoRevertIntent | null;
  intentVersion: number;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<RevertRedoParams & PlainObject, RevertRedoState & PlainObject>;

/** The intent, or why there can be none. */
function plan(op: Op, view: CowView): Step | RedoRevertIntent {
  const { vm, pointInTime } = op.params;
  const configuration = view.configuration(vm);
  if (configuration === undefined) return fail("no-configuration", vm);
  const { closed } = op.params;
  if (closed !== undefined && isOpenedSince(view.files, vm, closed)) return fail("vm-starting", vm);
  const point = configuration.pointsInTime.find(({ id }) => id === pointInTime);
  if (point === undefined) return fail("no-point-in-time", pointInTime);
  const { running, layersMade } = configuration;
  const tops = Object.keys(point.disks).map((disk) => running[disk]!);
  const problem = view.problemOf([...Object.values(point.disks), ...tops]);
  if (problem !== undefined) return problem;
  for (const name of tops) {
    const sharers = sharersOfAll(view.files, vm, [name]);
    if (sharers.length > 0) return fail("shared", sharers);
  }
  const to: { [disk: string]: string } = {};
  const state = op.edit();
  for (const [disk, target] of Object.entries(point.disks)) {
    const parent = view.files.descriptor(target)!;
    if (parent.kind === "cow") return fail("not-redo", disk);
    const name = descriptorFile(vm, disk, layersMade + 1);
    to[disk] = name;
    state.made.push({ name, descriptor: redoOn(name, target, parent) });
  }
  state.configuration = configuration as never;
  state.configurationVersion = view.version(configurationFile(vm));
  // More than one of a clone that was promoted beside points in time that others stand on.
  const gone = tops.flatMap((name) => exclusiveLayers(view.files, vm, name));
  const dropped = gone.map(({ descriptor }) => descriptor);
  const volumes = gone.map(({ volume }) => volume);
  const common = { operation: op.identity, vm, stage: "opened" } as const;
  return { kind: "redo-revert", ...common, to, dropped, volumes };
}

export const revertRedo = operation<RevertRedoParams & PlainObject, RevertRedoState & PlainObject>(
  "revert-redo",
  {
    begin: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "openIntent", ""),

    openIntent(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const planned = plan(op, view);
      if ("step" in planned) return planned;
      op.edit().intent = planned as never;
      const { array, vm } = op.params;
      const given = disksAsRead(view.files, vm);
      return opensIntent(array, intentFile(vm), planned, given, "reserveNames");
    },

    reserveNames(_host: Entity, op: Op, { version }: { version: number }): Step {
      op.edit().intentVersion = version;
      const { array, vm } = op.params;
      const { configuration, configurationVersion } = op.state;
      const value = reserving(configuration!);
      const name = configurationFile(vm);
      return writeIf(array, name, value, configurationVersion, "createRedoLogs", "trouble");
    },

    createRedoLogs(_host: Entity, op: Op): Step {
      op.edit().isReserved = true;
      const given = intentGiven(op.params.vm, op.state.intentVersion);
      const asks = op.state.made.map(({ name, descriptor: { sectors } }) =>
        askArray(op.params.array, "create-volume", { name: volumeOf(name), sectors, given }, ""),
      );
      return together(asks, "describe", "trouble");
    },

    describe(_host: Entity, op: Op): Step {
      const given = intentGiven(op.params.vm, op.state.intentVersion);
      const asks = op.state.made.map(({ name, descriptor }) =>
        makeDescriptor(op.params.array, name, descriptor, given),
      );
      return together(asks, "commit", "trouble");
    },

    commit(_host: Entity, op: Op): Step {
      const { array, vm } = op.params;
      const committed = { ...op.state.intent!, stage: "committed" };
      return writeIf(array, intentFile(vm), committed, op.state.intentVersion, "settle", "trouble");
    },

    settle(_host: Entity, op: Op): Step {
      const { vm, array } = op.params;
      return perform(recoverRevertRedo, { vm, array, own: op.identity }, "settled", "unsettled");
    },

    settled(_host: Entity, op: Op, { outcome }: { outcome: string }): Step {
      if (outcome === "forward") return done();
      if (outcome === "back") return go("failed");
      return lookAtArray(op.params.array, "judge", "unsettled");
    },

    judge(_host: Entity, op: Op, answer: ArrayView): Step {
      const { array } = op.params;
      const intent = op.state.intent!;
      const names = Object.values(intent.to);
      // Nothing was made, and by now the names may be somebody else's.
      if (!op.state.isReserved) return go("failed");
      if (isAdopted(new CowView(answer).files, names)) return done();
      return removeMade(array, intent, names, names.map(volumeOf), "failed");
    },

    ...endings,
  },
  () => ({
    configuration: null,
    configurationVersion: 0,
    made: [],
    isReserved: false,
    intent: null,
    intentVersion: 0,
    failure: null,
  }),
);

type Todo = {
  readonly intent: RedoRevertIntent;
  readonly configuration: VmConfiguration;
  readonly configurationVersion: number;
  readonly gone: readonly { readonly name: string; readonly version: number }[];
  readonly volumes: readonly string[];
};

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

function decide(_host: Entity, op: SettleOp, view: CowView): Step {
  const { vm } = op.params;
  const intent = view.intent<RedoRevertIntent>(vm)!;
  const forward = intent.stage === "committed";
  const configuration = view.configuration(vm)!;
  const made = Object.values(intent.to).filter((name) => isReserved(name, configuration));
  const todo: Todo = {
    intent,
    configuration,
    configurationVersion: view.version(configurationFile(vm)),
    gone: (forward ? intent.dropped : made).map((name) => ({ name, version: view.version(name) })),
    volumes: forward ? intent.volumes : made.map(volumeOf),
  };
  op.edit().todo = todo as never;
  op.edit().outcome = forward ? "forward" : "back";
  if (!forward) return intent.stage === "undo" ? go("removeDescriptors") : undoIntent(op, intent);
  const { running } = todo.configuration;
  const stands = Object.entries(intent.to).every(([disk, name]) => running[disk] === name);
  // Told again where the switch was not answered: nobody may have heard of it.
  return go(stands ? "tell" : "switchOver");
}

export const recoverRevertRedo = settling("recover-revert-redo", decide, {
  switchOver(_host, op) {
    const { configuration, configurationVersion, intent } = todoOf(op);
    const { vm, array } = op.params;
    const running = { ...configuration.running, ...intent.to };
    const value = { ...untracked(configuration), running };
    return writeIf(array, configurationFile(vm), value, configurationVersion, "tell", "again");
  },

  tell(host, op) {
    const { operation: by } = todoOf(op).intent;
    host.notice("disks-replaced", { vm: op.params.vm, by, backup: null });
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
    return together(asLongAs(asSeen(op), asks), "close", "again");
  },
});
