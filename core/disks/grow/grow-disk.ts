/**
 * Makes a virtual disk larger while its VM runs: the volume at the array, then the descriptor, then,
 * in a short stun, the open disk on the host, and at last the guest is told.
 *
 * Must hold: the descriptor never says more than the volume has, so at no point does a disk lead to
 * sectors that are not there; a crash between leaves a volume that is larger than its descriptor,
 * and recovery goes on from there. A disk with layers or points in time is refused: those below it
 * would have another size than the one above.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  together,
  lookAgain,
  wait,
  type Refusal,
} from "../../kernel/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import type { PowerOnDisk } from "../power/power-on.ts";
import { mapOf } from "../chain/layers.ts";
import { mountAgain } from "../network/network-volume.ts";
import { AGAIN_NS, resizeVolumes } from "./resize-volumes.ts";
import { diskResized } from "../../vmm/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { askArray, type FileValue, readFile, removeIntent } from "../chain/array-requests.ts";
import { backupIntentFile } from "../backup/manifest.ts";
import { isTrackerIdle, moveTracking } from "../chain/change-tracker.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import { opened, pushLayer } from "../chain/change-layers.ts";
import {
  configurationFile,
  descriptorFileOf,
  intentFile,
  intentGiven,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { dropAllMaps } from "../chain/layers.ts";
import { openDevice } from "../chain/open-device.ts";
import {
  askDevice,
  askInstance,
  DRAIN_POLL_NS,
  type OpenDisk,
  whileOpen,
} from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { isDrained, virtualDisk } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { noteOpen } from "../handoff/own-disks.ts";
import type { GrowIntent } from "./intent.ts";

export type GrowDiskParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  /** Entity of the array that keeps the VM's files and volumes. */
  readonly array: EntityId;
  /** The one disk. */
  readonly disks: readonly (OpenDisk & PowerOnDisk)[];
  /** Its place among the disks of the guest. */
  readonly index: number;
  readonly toSectors: number;
};

type GrowState = {
  intent: GrowIntent | null;
  intentVersion: number;
  stunnedAtNs: number;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<GrowDiskParams & PlainObject, GrowState & PlainObject>;

export const growDisk = operation<GrowDiskParams & PlainObject, GrowState & PlainObject>(
  "grow-disk",
  {
    begin: (_host, op: Op) => scan(op.params.array, "plan"),

    plan(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { vm, array, disks, toSectors } = op.params;
      const { disk } = disks[0]!;
      const configuration = files.get(configurationFile(vm))?.value as VmConfiguration | undefined;
      const name = configuration?.running[disk];
      const descriptor = name === undefined ? undefined : files.descriptor(name);
      if (configuration === undefined || name === undefined || descriptor === undefined) {
        return fail("no-disks", vm);
      }
      // A backup reads through the layers as they are open now.
      if (files.get(backupIntentFile(vm)) !== undefined) return fail("backup-runs", vm);
      const { sectors } = descriptor;
      const volumes = volumesUnder(files, name);
      if (toSectors <= sectors) return fail("not-larger", { sectors, toSectors });
      const of = {
        operation: op.identity,
        vm,
        disk,
        descriptor: name,
        volumes,
        fromSectors: sectors,
      };
      const intent: GrowIntent = { kind: "grow", ...of, toSectors };
      op.edit().intent = intent as never;
      const given = disksAsRead(files, vm);
      return opensIntent(array, intentFile(vm), intent, given, "noteIntent");
    },

    noteIntent(_host, op: Op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      return scan(op.params.array, "giveWay", "giveUp");
    },

    /** To a backup that began before the intent was open; one that begins later is refused by it. */
    giveWay(_host, op: Op, found: Scan) {
      const { vm } = op.params;
      if (new ArrayFiles(found).get(backupIntentFile(vm)) === undefined) return go("resize");
      op.edit().failure = { code: "backup-runs", detail: vm };
      return go("closeIntent");
    },

    refuse: (_host, _op: Op, why: Refusal) => fail(why.code, why.detail),

    /** All that the guest reads through: what it finds beyond the end of an older layer is zeros. */
    resize(_host, op: Op) {
      const { array, toSectors } = op.params;
      const { volumes } = op.state.intent!;
      return perform(resizeVolumes, { array, volumes, toSectors }, "look", "giveUp");
    },

    look: (_host, op: Op) => scan(op.params.array, "writeDescriptor", "lookAgain"),

    lookAgain: () => wait(AGAIN_NS, "look"),

    /** The linearization point: from here on the disk is larger, whatever happens. */
    writeDescriptor(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { descriptor: name, toSectors } = op.state.intent!;
      const [file, described] = [files.get(name), files.descriptor(name)];
      // Another host has taken the VM over, and ended this.
      if (file === undefined || described === undefined) return fail("superseded");
      const { value: before, version } = file;
      const value = descriptorFileOf({ ...described, sectors: toSectors });
      const params = { array: op.params.array, name, value, before, version };
      return perform(surelyWrite, params as unknown as PlainObject, "described", "giveUp");
    },

    described: (_host, _op: Op, { written }: Written & PlainObject) =>
      go(written ? "readConfiguration" : "look"),

    readConfiguration: (_host, op: Op) =>
      readFile(op.params.array, configurationFile(op.params.vm), "outdate", "outdateAgain"),

    /** Written as it is: what was planned for the smaller disk finds another version, and ends. */
    outdate: whileOpen((_host, op: Op, _disks, { value, version }: FileValue) => {
      const { array, vm } = op.params;
      const body = { name: configurationFile(vm), value, ifVersion: version };
      return askArray(array, "file-write", body, "stun", "outdateAgain");
    }),

    outdateAgain: (_host, _op: Op, { code }: Refusal) =>
      code === "not-owner" ? fail(code) : wait(AGAIN_NS, "readConfiguration"),

    stun: (_host, op: Op) => askInstance(op.params.instance, "stun", "drain", "vmGone"),

    drain: whileOpen((host, op: Op, [disk]) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      if (!isDrained(disk!) || !isTrackerIdle(disk!)) return lookAgain(DRAIN_POLL_NS, "drain");
      return together([askDevice(disk!.id, { op: "flush" }, "flush")], "reopen", "goOn");
    }),

    /** The guest's requests go to the larger disk from here on; it hears of it when it goes on. */
    reopen: whileOpen((host, op: Op, [disk]) => {
      const { instance, index, toSectors, disks } = op.params;
      const vm = host.world.entity(instance) as unknown as VmEntity;
      const larger = reopened(vm, disk!, disks[0]!, toSectors);
      diskResized(vm, index, larger.id, toSectors);
      noteOpen(host, larger, vm);
      dropAllMaps(disk!);
      host.world.removeTree(disk as unknown as Entity);
      return go("goOn");
    }),

    goOn: (_host, op: Op) => askInstance(op.params.instance, "unstun", "closeIntent", "vmGone"),

    vmGone: () => fail("vm-off"),

    /** Somebody else wrote the descriptor: the disk stays as it is. */
    giveUp(_host, op: Op, why: Refusal) {
      op.edit().failure = why as never;
      return go("closeIntent");
    },

    closeIntent(_host, op: Op) {
      const opened = intentGiven(op.params.vm, op.state.intentVersion);
      return removeIntent(op.params.array, opened, "report", "closeAgain");
    },

    closeAgain: () => wait(AGAIN_NS, "closeIntent"),

    report(host, op: Op) {
      const { failure, stunnedAtNs, intent } = op.state;
      if (failure !== null) return fail(failure.code, failure.detail);
      const { fromSectors, toSectors } = intent!;
      return done({ fromSectors, toSectors, stunNs: host.simulatedNs - stunnedAtNs });
    },
  },
  () => ({ intent: null, intentVersion: 0, stunnedAtNs: -1, failure: null }),
);

/** The volumes of a chain that reads go through: a copy-on-write or flat one ends it. */
function volumesUnder(files: ArrayFiles, leaf: string): string[] {
  const volumes: string[] = [];
  for (const name of files.chainOf(leaf)) {
    const { volume, kind } = files.descriptor(name)!;
    volumes.push(volume);
    if (kind !== "redo") break;
  }
  return volumes;
}

/** The same layers, opened anew under a disk of the new size. */
function reopened(
  vm: VmEntity,
  disk: VirtualDiskEntity,
  { access, mountedBy }: PowerOnDisk,
  sectors: number,
): VirtualDiskEntity {
  const config = { ...disk.config, sectors };
  const larger = (vm as unknown as Entity).spawn(virtualDisk, config, disk.config.disk);
  disk.volatile.layers.forEach((layer, at) => {
    const { descriptor, volume, kind, device: before } = layer;
    const device =
      mountedBy === "guest"
        ? mountAgain(larger as unknown as Entity, vm, before)
        : openDevice(larger as unknown as Entity, access, volume, sectors);
    const held = at === 0 ? [] : mapOf(disk, at).allocatedRuns();
    pushLayer(larger, { descriptor, volume, kind, device }, held);
  });
  moveTracking(disk, larger);
  opened(larger);
  return larger;
}
