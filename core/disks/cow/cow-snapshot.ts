/**
 * Snapshot of a running VM whose disks are copy-on-write volumes (US 9,116,737): the array takes
 * read-only points in time of the bases, and descriptors are swizzled so that the redo log's
 * descriptor leads to the base and the old one to the point in time. Guest I/O never leaves the
 * base.
 *
 * Order: intent; prepare; a new descriptor for each disk, tied to the snapshot to come; stun, drain,
 * flush; the array takes all snapshots within a time limit; the intent is committed while the guest
 * still stands. From there on there is only one way, forward, and recovery knows it: new descriptor
 * to the base (A), old descriptor to the snapshot (B), configuration. A before B, so that at every
 * moment some descriptor leads to the base. Before the commit everything is undone: snapshots that
 * were taken without it are no points in time of one moment.
 */
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  type Entity,
  type EntityId,
  fail,
  done,
  go,
  type Operation,
  operation,
  perform,
  type Plain,
  type PlainObject,
  type Step,
  together,
  lookAgain,
  wait,
} from "../../kernel/index.ts";
import {
  askInstance,
  DRAIN_POLL_NS,
  flushDisks,
  openDisks,
  type OpenDisk,
  whileOpen,
} from "../chain/open-disks.ts";
import {
  configurationFile,
  descriptorFile,
  type DiskDescriptor,
  intentFile,
  layerOf,
  type VmConfiguration,
  intentGiven,
  reserving,
} from "../chain/descriptor.ts";
import { isAdopted } from "../clone/sharers.ts";
import { arrayTasks, type TaskResults } from "./array-tasks.ts";
import {
  type ArrayView,
  CowView,
  lookAtArray,
  makeDescriptor,
  removeMade,
  writeIf,
} from "./cow-files.ts";
import {
  type ByDisk,
  type CowSnapshotIntent,
  descriptorHolder,
  intentHolder,
} from "./cow-intents.ts";
import { endings } from "./endings.ts";
import { recoverCowSnapshot } from "./recover-cow-snapshot.ts";

/** Within this the array takes all of a list, or none of what is left. */
const SNAPSHOT_TIMEOUT_NS = 2_000_000_000;
const PATIENCE_NS = 10_000_000_000;

export type CowSnapshotParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  /** Id of the point in time. */
  readonly pointInTime: string;
};

type CowSnapshotState = {
  configuration: VmConfiguration | null;
  running: { [disk: string]: DiskDescriptor };
  intent: CowSnapshotIntent | null;
  configurationVersion: number;
  intentVersion: number;
  /** The names of what is made are this operation's own. */
  isReserved: boolean;
  snapshots: { [disk: string]: string };
  /** -1 while the guest runs. */
  stunnedAtNs: number;
  stunNs: number;
  outcome: string;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<CowSnapshotParams & PlainObject, CowSnapshotState & PlainObject>;
const diskIds = (op: Op): string[] => op.params.disks.map(({ disk }) => disk);

export const COW_SNAPSHOT_PHASES = {
  begin: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "openIntent", ""),

  openIntent: whileOpen((_host: Entity, op: Op, _disks, answer: ArrayView): Step => {
    const view = new CowView(answer);
    const { vm, array, pointInTime } = op.params;
    const configuration = view.configuration(vm);
    if (configuration === undefined) return fail("no-configuration", vm);
    if (configuration.pointsInTime.some(({ id }) => id === pointInTime)) {
      return fail("point-in-time-exists", pointInTime);
    }
    const from = pick(configuration.running, diskIds(op));
    const problem = view.problemOf(Object.values(from));
    if (problem !== undefined) return problem;
    const state = op.edit();
    const to: { [disk: string]: string } = {};
    for (const disk of diskIds(op)) {
      const running = view.files.descriptor(from[disk]!)!;
      if (running.kind !== "cow") return fail("not-copy-on-write", disk);
      state.running[disk] = running as never;
      to[disk] = descriptorFile(vm, disk, configuration.layersMade + 1);
    }
    const stage = "opened";
    const operationId = op.identity;
    const common = { operation: operationId, vm, stage, pointInTime } as const;
    const intent: CowSnapshotIntent = { kind: "cow-snapshot", ...common, from, to, snapshots: {} };
    state.configuration = configuration as never;
    state.intent = intent as never;
    state.configurationVersion = view.version(configurationFile(vm));
    const given = disksAsRead(view.files, vm);
    return opensIntent(array, intentFile(vm), intent, given, "reserveNames");
  }),

  /** The names of what is made are nobody's ever after, whatever becomes of this. */
  reserveNames(_host: Entity, op: Op, { version }: { version: number }): Step {
    op.edit().intentVersion = version;
    const { array, vm } = op.params;
    const { configuration, configurationVersion } = op.state;
    const value = reserving(configuration!);
    const name = configurationFile(vm);
    return writeIf(array, name, value, configurationVersion, "prepare", "trouble");
  },

  prepare(_host: Entity, op: Op): Step {
    op.edit().isReserved = true;
    const { array } = op.params;
    const { to } = op.state.intent!;
    const bases = diskIds(op).map((disk) => ({
      base: op.state.running[disk]!.volume,
      holders: [intentHolder(op.state.intent!), descriptorHolder(to[disk]!)],
    }));
    const given = intentGiven(op.params.vm, op.state.intentVersion);
    const tasks = [{ verb: "vasa-prepare", body: { bases, given } }];
    return perform(arrayTasks, { array, tasks, patienceNs: PATIENCE_NS }, "describe", "trouble");
  },

  /** Each new descriptor is tied to the snapshot to come, and stands on the running one. */
  describe(_host: Entity, op: Op, { results }: TaskResults): Step {
    const { array } = op.params;
    const { from, to } = op.state.intent!;
    const { layersMade } = op.state.configuration!;
    const given = intentGiven(op.params.vm, op.state.intentVersion);
    const state = op.edit();
    diskIds(op).forEach((disk, i) => (state.snapshots[disk] = results[0]!.items[i]!.vvol));
    const asks = diskIds(op).map((disk) => {
      const parent = op.state.running[disk]!;
      const descriptor: DiskDescriptor = {
        ...parent,
        cid: nextContentId(parent, layersMade),
        parentCid: parent.cid,
        parent: from[disk]!,
        volume: op.state.snapshots[disk]!,
      };
      return makeDescriptor(array, to[disk]!, descriptor, given);
    });
    return together(asks, "stun", "trouble");
  },

  stun(host: Entity, op: Op): Step {
    op.edit().stunnedAtNs = host.simulatedNs;
    return askInstance(op.params.instance, "stun", "drain", "trouble");
  },

  drain: whileOpen<Op>((_host, _op, disks) =>
    disks.every(({ volatile }) => volatile.inFlight === 0)
      ? go("flush")
      : lookAgain(DRAIN_POLL_NS, "drain"),
  ),

  flush: (host: Entity, op: Op): Step => {
    host.notice("guest-at-point", { vm: op.params.vm, id: op.params.pointInTime });
    return flushDisks(host.world, op.params, "takeSnapshots", "trouble");
  },

  takeSnapshots(_host: Entity, op: Op): Step {
    const snapshots = diskIds(op).map((disk) => op.state.snapshots[disk]!);
    const body = { snapshots, timeoutNs: SNAPSHOT_TIMEOUT_NS };
    const tasks = [{ verb: "vasa-snapshot", body }];
    const { array } = op.params;
    return perform(arrayTasks, { array, tasks, patienceNs: PATIENCE_NS }, "commit", "trouble");
  },

  /** All snapshots are of this moment, in which the guest stands still. */
  commit(_host: Entity, op: Op): Step {
    const { array, vm } = op.params;
    const { intent, intentVersion, snapshots } = op.state;
    const committed = { ...intent!, stage: "committed", snapshots: { ...snapshots } };
    return writeIf(array, intentFile(vm), committed, intentVersion, "settle", "trouble");
  },

  /** Swizzles and configuration, or the way back: what recovery does, and nothing else. */
  settle(_host: Entity, op: Op): Step {
    const { vm, array } = op.params;
    return perform(recoverCowSnapshot, { vm, array, own: op.identity }, "settled", "unsettled");
  },

  /** Somebody else may have settled it: then the configuration says how. */
  settled(_host: Entity, op: Op, { outcome }: { outcome: string }): Step {
    op.edit().outcome = outcome;
    if (outcome !== "nothing") return go("resume");
    return lookAtArray(op.params.array, "judge", "unsettled");
  },

  judge(_host: Entity, op: Op, answer: ArrayView): Step {
    const { intent } = op.state;
    const made = Object.values(intent!.to);
    // Nothing was made, and by now the names may be somebody else's.
    if (!op.state.isReserved) return go("resume");
    if (!isAdopted(new CowView(answer).files, made)) {
      return removeMade(op.params.array, intent!, made, [], "resume");
    }
    op.edit().outcome = "forward";
    return go("resume");
  },

  resume(host: Entity, op: Op): Step {
    const { stunnedAtNs, outcome } = op.state;
    const state = op.edit();
    if (outcome === "forward") nameLayers(host, op);
    if (stunnedAtNs < 0) return go("report");
    state.stunNs = host.simulatedNs - stunnedAtNs;
    return askInstance(op.params.instance, "unstun", "report", "report");
  },

  report(host: Entity, op: Op): Step {
    const { outcome, stunNs } = op.state;
    return outcome === "forward" ? done({ stunNs }) : endings.failed(host, op);
  },

  ...endings,

  unsettled: (): Step => wait(PATIENCE_NS, "settle"),
};

export const newCowSnapshot = (): CowSnapshotState & PlainObject => ({
  configuration: null,
  running: {},
  intent: null,
  configurationVersion: 0,
  intentVersion: 0,
  isReserved: false,
  snapshots: {},
  stunnedAtNs: -1,
  stunNs: 0,
  outcome: "",
  failure: null,
});

export const cowSnapshot = operation<
  CowSnapshotParams & PlainObject,
  CowSnapshotState & PlainObject
>("cow-snapshot", COW_SNAPSHOT_PHASES, newCowSnapshot);

/**
 * The open disks know the names of their descriptors; what they lead to is as before. Where the answer
 * to the settling was late the next snapshot may have named them.
 */
function nameLayers(host: Entity, op: Op): void {
  for (const open of openDisks(host.world, op.params) ?? []) {
    const name = op.state.intent!.to[open.config.disk]!;
    const layer = open.edit().layers.at(-1);
    if (layer !== undefined && layerOf(layer.descriptor) < layerOf(name)) layer.descriptor = name;
  }
}

function pick(all: ByDisk, disks: readonly string[]): ByDisk {
  return Object.fromEntries(disks.map((disk) => [disk, all[disk]!]));
}

/** Never the one of another descriptor of the disk: these count by layers made. */
export function nextContentId(parent: DiskDescriptor, layersMade: number): number {
  const millions = parent.cid - (parent.cid % 1_000_000);
  return millions + layersMade + 1;
}
