/**
 * Revert of a powered-off VM to a point in time, all disks or none (US 9,116,737). The array copies
 * a snapshot over the base, and until that is done the base is torn; so a safety snapshot of what
 * the disks hold now is taken first and kept until the revert is known to stand.
 *
 * Order: what the VM had sent is refused (`closeDisks`); intent; safety snapshots prepared and taken; the intent is guarded: from here on the bases
 * may be torn, and the way back is to the safety snapshots; the array reverts each base; the intent
 * is committed: all disks are at the point in time; running descriptors stand on it; safety
 * snapshots and intent go. Failed or cut short before the commit, all disks go back.
 */
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
} from "../../kernel/index.ts";
import { closesDisks } from "../handoff/close-disks.ts";
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { intentFile, intentGiven } from "../chain/descriptor.ts";
import { arrayTasks, type TaskResults } from "./array-tasks.ts";
import { type ArrayView, CowView, lookAtArray, removeMade, writeIf } from "./cow-files.ts";
import { type CowRevertIntent, intentHolder, type Stage } from "./cow-intents.ts";
import { cowLinkedClone } from "./cow-linked-clone.ts";
import { endings } from "./endings.ts";
import { recoverRevert } from "./recover-revert.ts";

const SNAPSHOT_TIMEOUT_NS = 2_000_000_000;
const PATIENCE_NS = 60_000_000_000;

export type RevertParams = {
  readonly vm: string;
  readonly array: EntityId;
  /** Point in time that the disks go back to. */
  readonly pointInTime: string;
  /** Its disks as of when it was off; absent: whoever asks answers for that it is. */
  readonly closed?: Unopened;
};

type RevertState = {
  intent: CowRevertIntent | null;
  intentVersion: number;
  /** By disk. */
  bases: { [disk: string]: string };
  sources: { [disk: string]: string };
  safety: { [disk: string]: string };
  copiedSectors: number;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<RevertParams & PlainObject, RevertState & PlainObject>;
const tasks = (op: Op, list: readonly { verb: string; body: Plain }[], next: string): Step =>
  perform(
    arrayTasks,
    { array: op.params.array, tasks: [...list], patienceNs: PATIENCE_NS },
    next,
    "trouble",
  );

/** The point in time is of the base that the disk ran on before it became a linked clone. */
function isForeign({ state }: Op, view: CowView, disk: string): boolean {
  return view.baseOf(state.sources[disk]!) !== state.bases[disk];
}

function advance(op: Op, stage: Stage, safety: RevertState["safety"], next: string): Step {
  const { array, vm } = op.params;
  const intent = { ...op.state.intent!, stage, safety: { ...safety } };
  op.edit().intent = intent as never;
  return writeIf(array, intentFile(vm), intent, op.state.intentVersion, next, "trouble");
}

export const REVERT_PHASES = {
  begin: (_host: Entity, op: Op): Step => closesDisks(op.params, "look"),

  look: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "openIntent", ""),

  openIntent(_host: Entity, op: Op, answer: ArrayView): Step {
    const view = new CowView(answer);
    const { vm, array, pointInTime, closed } = op.params;
    const configuration = view.configuration(vm);
    if (configuration === undefined) return fail("no-configuration", vm);
    if (closed !== undefined && isOpenedSince(view.files, vm, closed)) {
      return fail("vm-starting", vm);
    }
    const point = configuration.pointsInTime.find(({ id }) => id === pointInTime);
    if (point === undefined) return fail("no-point-in-time", pointInTime);
    const target = { ...point.disks };
    const running: { [disk: string]: string } = {};
    for (const disk of Object.keys(target)) running[disk] = configuration.running[disk]!;
    const problem = view.problemOf([...Object.values(target), ...Object.values(running)]);
    if (problem !== undefined) return problem;
    const state = op.edit();
    for (const disk of Object.keys(target)) {
      const base = view.files.descriptor(running[disk]!)!;
      if (base.kind !== "cow") return fail("not-copy-on-write", disk);
      state.bases[disk] = base.volume;
      state.sources[disk] = view.files.descriptor(target[disk]!)!.volume;
    }
    if (Object.keys(target).some((disk) => isForeign(op, view, disk))) return go("relink");
    const common = { operation: op.identity, vm, stage: "opened", pointInTime } as const;
    const intent: CowRevertIntent = { kind: "cow-revert", ...common, running, target, safety: {} };
    state.intent = intent as never;
    const given = disksAsRead(view.files, vm);
    return opensIntent(array, intentFile(vm), intent, given, "prepareSafety");
  },

  /** The array reverts a base to snapshots of its own; from another's a new base is made. */
  relink(_host: Entity, op: Op): Step {
    const { vm } = op.params;
    return perform(cowLinkedClone, { ...op.params, clone: vm }, "relinked");
  },

  relinked: (_host: Entity, op: Op): Step => done({ copiedSectors: op.state.copiedSectors }),

  prepareSafety(_host: Entity, op: Op, { version }: { version: number }): Step {
    op.edit().intentVersion = version;
    const holders = [intentHolder(op.state.intent!)];
    const bases = Object.values(op.state.bases).map((base) => ({ base, holders }));
    const given = intentGiven(op.params.vm, version);
    return tasks(op, [{ verb: "vasa-prepare", body: { bases, given } }], "takeSafety");
  },

  takeSafety(_host: Entity, op: Op, { results }: TaskResults): Step {
    const state = op.edit();
    const snapshots = results[0]!.items.map(({ vvol }) => vvol);
    Object.keys(op.state.bases).forEach((disk, i) => (state.safety[disk] = snapshots[i]!));
    const body = { snapshots, timeoutNs: SNAPSHOT_TIMEOUT_NS };
    return tasks(op, [{ verb: "vasa-snapshot", body }], "guard");
  },

  guard: (_host: Entity, op: Op): Step => advance(op, "guarded", op.state.safety, "revert"),

  /** The fence is the intent's version: a revert of an operation that lost its intent is refused. */
  revert(_host: Entity, op: Op, { version }: { version: number }): Step {
    op.edit().intentVersion = version;
    const { bases, sources } = op.state;
    const list = Object.keys(bases).map((disk) => {
      const body = { base: bases[disk]!, snapshot: sources[disk]!, fence: version };
      return { verb: "vasa-revert", body };
    });
    return tasks(op, list, "commit");
  },

  commit(_host: Entity, op: Op, { results }: TaskResults): Step {
    op.edit().copiedSectors = results.reduce((sum, { copiedSectors }) => sum + copiedSectors, 0);
    return advance(op, "committed", op.state.safety, "settle");
  },

  settle(_host: Entity, op: Op): Step {
    const { vm, array } = op.params;
    return perform(recoverRevert, { vm, array, own: op.identity }, "settled", "unsettled");
  },

  settled(_host: Entity, op: Op, { outcome }: { outcome: string }): Step {
    if (outcome === "forward") return done({ copiedSectors: op.state.copiedSectors });
    if (outcome === "back") return go("failed");
    return removeMade(op.params.array, op.state.intent!, [], [], "failed");
  },

  ...endings,
};

export const newRevert = (): RevertState & PlainObject => ({
  intent: null,
  intentVersion: 0,
  bases: {},
  sources: {},
  safety: {},
  copiedSectors: 0,
  failure: null,
});

export const revert = operation<RevertParams & PlainObject, RevertState & PlainObject>(
  "revert",
  REVERT_PHASES,
  newRevert,
);
