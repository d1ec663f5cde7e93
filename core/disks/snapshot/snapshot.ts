/**
 * Snapshot of a running VM on redo logs: a new, empty redo log is put on top of each disk, and what
 * was there becomes a point in time that nothing writes to any more.
 *
 * Order is everything. The intent is durable before anything is made; the redo logs and their
 * descriptors are durable before anything points at them; the guest is stunned, its writes drained
 * and flushed, before the one pointer (the VM's configuration file, all disks at once) swings; the
 * intent goes last. Recovery reads configuration and intent, and nothing else: if the
 * configuration names the new descriptors it finishes, else it undoes.
 *
 * Runs in the domain of the VM's host; files and volumes are asked of the array and can be refused,
 * time out, or time out after taking effect.
 */
import {
  ask,
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
  together,
  lookAgain,
  wait,
  type Refusal,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import {
  asLongAs,
  askArray,
  type FileValue,
  readFile,
  removeIntent,
  removeLayer,
} from "../chain/array-requests.ts";
import { configurationAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  asDescriptor,
  configurationFile,
  descriptorFile,
  descriptorFileOf,
  type DiskDescriptor,
  intentFile,
  intentGiven,
  redoOn,
  type SnapshotIntent,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import { openDevice } from "../chain/open-device.ts";
import {
  askInstance,
  DRAIN_POLL_NS,
  flushDisks,
  type OpenDisk,
  whileOpen,
} from "../chain/open-disks.ts";
import { isAdopted } from "../clone/sharers.ts";
import { pushLayer } from "../chain/change-layers.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { isDrained } from "../chain/virtual-disk.ts";

/** Pause before an array that did not answer is asked again. */
const AGAIN_NS = 1_000_000_000;

/** Memory of any size is through by then: nobody answers any more. */
const INSTANT_TIMEOUT_NS = 3_600_000_000_000;

/** Asked once the guest is stunned, its disks drained and flushed, before the pointer swings. */
export type AtInstant = { readonly to: EntityId; readonly verb: string; readonly body: Plain };

export type SnapshotParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  /** Entity of the array that keeps the VM's files and volumes. */
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  /** Id of the point in time. */
  readonly pointInTime: string;
  /** What else is saved at the same instant: the guest's memory. */
  readonly atInstant?: AtInstant;
};

type SnapshotState = {
  configuration: VmConfiguration | null;
  version: number;
  /** Descriptors by name: the running ones, then the new ones. */
  parents: { [disk: string]: DiskDescriptor };
  made: { [disk: string]: string };
  intentVersion: number;
  stunnedAtNs: number;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<SnapshotParams & PlainObject, SnapshotState & PlainObject>;

export const snapshot = operation<SnapshotParams & PlainObject, SnapshotState & PlainObject>(
  "snapshot",
  {
    begin: (_host, op) =>
      readFile(op.params.array, configurationFile(op.params.vm), "readDescriptors"),

    readDescriptors(_host, op, file: FileValue) {
      const configuration = file.value as VmConfiguration;
      if (configuration.pointsInTime.some((each) => each.id === op.params.pointInTime)) {
        return fail("point-in-time-exists", op.params.pointInTime);
      }
      const state = op.edit();
      state.configuration = configuration as never;
      state.version = file.version;
      return together(
        op.params.disks.map(({ disk }) =>
          readFile(op.params.array, configuration.running[disk]!, ""),
        ),
        "openIntent",
      );
    },

    /** From here on recovery knows what may exist. A second snapshot at the same time is refused. */
    openIntent: whileOpen((_host, op: Op, _disks, files: readonly FileValue[]) => {
      const { vm, disks } = op.params;
      const layer = op.state.configuration!.layersMade + 1;
      // They may have become others since this was asked for.
      const cow = disks.find((_, i) => asDescriptor(files[i]!.value).kind === "cow");
      if (cow !== undefined) return fail("not-a-redo-chain", cow.disk);
      const state = op.edit();
      disks.forEach(({ disk }, i) => {
        state.parents[disk] = asDescriptor(files[i]!.value) as never;
        state.made[disk] = descriptorFile(vm, disk, layer);
      });
      const intent: SnapshotIntent = {
        kind: "snapshot",
        operation: op.identity,
        vm,
        descriptors: { ...state.made },
      };
      const { configuration, version } = op.state;
      const parents = disks.map(({ disk }, i) => {
        return { name: configuration!.running[disk]!, version: files[i]!.version };
      });
      const given = [configurationAsRead(vm, version), ...parents];
      return opensIntent(op.params.array, intentFile(vm), intent, given, "createRedoLogs");
    }),

    createRedoLogs(_host, op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      const given = intentGiven(op.params.vm, version);
      const asks = op.params.disks.map(({ disk }) => {
        const { sectors } = op.state.parents[disk]!;
        const name = volumeOf(op.state.made[disk]!);
        return askArray(op.params.array, "create-volume", { name, sectors, given }, "", "undo");
      });
      return together(asks, "writeDescriptors", "undo");
    },

    writeDescriptors(_host, op) {
      const given = intentGiven(op.params.vm, op.state.intentVersion);
      const asks = op.params.disks.map(({ disk }) => {
        const name = op.state.made[disk]!;
        const parentName = op.state.configuration!.running[disk]!;
        const value = descriptorFileOf(redoOn(name, parentName, op.state.parents[disk]!));
        return askArray(op.params.array, "file-write", { name, value, given }, "", "undo");
      });
      return together(asks, "stun", "undo");
    },

    stun(host, op) {
      op.edit().stunnedAtNs = host.simulatedNs;
      return askInstance(op.params.instance, "stun", "drain", "undo");
    },

    /** What the guest sent before the stun is still on its way through the chain. */
    drain: whileOpen((_host, _op: Op, disks) =>
      disks.every(isDrained) ? go("flush") : lookAgain(DRAIN_POLL_NS, "drain"),
    ),

    /** The point in time is on stable storage before anything makes it one. */
    flush(host, op) {
      const next = op.params.atInstant === undefined ? "switchOver" : "shareInstant";
      return flushDisks(host.world, op.params, next, "undoStunned");
    },

    /** Memory and disks are of one moment. */
    shareInstant(_host, op) {
      const { to, verb, body } = op.params.atInstant!;
      const extras = { timeoutNs: INSTANT_TIMEOUT_NS, otherwise: "undoStunned" };
      return ask(to, verb, body, "switchOver", extras);
    },

    /** The linearization point, for all disks at once; the guest stays stunned until it is known. */
    switchOver(_host, op) {
      const params = {
        array: op.params.array,
        name: configurationFile(op.params.vm),
        value: switched(op),
        before: op.state.configuration!,
        version: op.state.version,
      };
      return perform(surelyWrite, params as unknown as PlainObject, "decide", "unsure");
    },

    decide: (_host, _op, { written }: Written & PlainObject) =>
      go(written ? "adopt" : "undoStunned"),

    /** Of a switch that others wrote after it cannot be said whether it was made: it is looked for. */
    unsure(_host, op, why: Refusal) {
      op.edit().failure ??= why as never;
      return go(why.code === "version-conflict" ? "lookForSwitch" : "undoStunned");
    },

    lookForSwitch: (_host, op) =>
      readFile(op.params.array, configurationFile(op.params.vm), "judgeSwitch", "lookLater"),

    lookLater: () => wait(AGAIN_NS, "lookForSwitch"),

    /** They keep what they find; and where it is not there it never will be, of an older version. */
    judgeSwitch(_host, op, { value }: FileValue) {
      const { running } = value as VmConfiguration;
      const isMade = op.params.disks.every(({ disk }) => running[disk] === op.state.made[disk]);
      return go(isMade ? "adopt" : "undoStunned");
    },

    adopt: whileOpen((host, op: Op, open) => {
      const { vm, pointInTime } = op.params;
      const running = op.state.configuration!.running;
      const descriptors: { [disk: string]: string } = {};
      for (const { disk } of op.params.disks) descriptors[disk] = running[disk]!;
      host.notice("point-in-time", { vm, id: pointInTime, descriptors, taken: true });
      open.forEach((disk, i) => {
        const { disk: id, access } = op.params.disks[i]!;
        const descriptor = op.state.made[id]!;
        const volume = volumeOf(descriptor);
        const device = openDevice(disk as unknown as Entity, access, volume, disk.config.sectors);
        pushLayer(disk, { descriptor, volume, kind: "redo", device }, []);
      });
      return askInstance(op.params.instance, "unstun", "closeIntent", "closeIntent");
    }),

    closeIntent: (_host, op) => closeIntent(op, "report", "closeAgain"),

    /** The snapshot stands; but as long as its intent is there no other operation can begin. */
    closeAgain: () => wait(AGAIN_NS, "closeIntent"),

    report: (host, op) => done({ stunNs: host.simulatedNs - op.state.stunnedAtNs }),

    refuse: (_host, _op, why: { code: string; detail: Plain }) => fail(why.code, why.detail),

    undoStunned(host, op, why: Refusal | null) {
      if (isOff(host, op)) return fail("vm-off");
      op.edit().failure ??= (why ?? { code: "not-switched", detail: null }) as never;
      return askInstance(op.params.instance, "unstun", "undo", "undo");
    },

    /**
     * What a disk stands on by now is not ours to remove. Nor is anything once the VM was powered
     * off: its next power-on settles what is durable, and the next snapshot may bear our names.
     */
    undo(host, op, why: Refusal | null) {
      if (isOff(host, op)) return fail("vm-off");
      op.edit().failure ??= (why ?? { code: "failed", detail: null }) as never;
      return scan(op.params.array, "removeMade", "undoAgain");
    },

    undoAgain: () => wait(AGAIN_NS, "undo"),

    removeMade(host, op, found: Scan) {
      if (isOff(host, op)) return fail("vm-off");
      const { array, disks } = op.params;
      const files = new ArrayFiles(found);
      const made = disks.map(({ disk }) => op.state.made[disk]!);
      const own = made.filter((descriptor) => !isAdopted(files, [descriptor]));
      const asks = own.flatMap((descriptor) => removeLayer(array, descriptor));
      return together(asLongAs(opened(op), asks), "undone", "undoAgain");
    },

    undone: (_host, op) => closeIntent(op, "failed", "undoneAgain"),

    undoneAgain: () => wait(AGAIN_NS, "undone"),

    failed(_host, op) {
      const { code, detail } = op.state.failure!;
      return fail(code, detail as Plain);
    },
  },
  () => ({
    configuration: null,
    version: 0,
    parents: {},
    made: {},
    intentVersion: 0,
    stunnedAtNs: 0,
    failure: null,
  }),
);

/** The run that this is a snapshot of has ended. */
const isOff = (host: Entity, op: Op): boolean =>
  host.world.entityOrNone(op.params.instance) === undefined;

const opened = ({ params, state }: Op) => intentGiven(params.vm, state.intentVersion);

const closeIntent = (op: Op, next: string, otherwise: string) =>
  removeIntent(op.params.array, opened(op), next, otherwise);

/** The configuration with the new descriptors running and the old ones kept as a point in time. */
function switched(op: Op): VmConfiguration {
  const before = op.state.configuration!;
  const disks: { [disk: string]: string } = {};
  for (const { disk } of op.params.disks) disks[disk] = before.running[disk]!;
  return {
    ...before,
    running: { ...before.running, ...op.state.made },
    pointsInTime: [...before.pointsInTime, { id: op.params.pointInTime, disks }],
    layersMade: before.layersMade + 1,
  };
}
