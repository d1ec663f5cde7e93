/**
 * Backup of a running VM whose disks are copy-on-write volumes (VASA: allocated bitmap, unshared
 * bitmap and chunks). The array takes the point in time and tells what it holds, or what differs
 * from the point in time of the backup before; that much is read from the array's own snapshot,
 * bound to this host, and written to the repository. The guest's requests pass no copier.
 *
 * So that there is something to differ from, the point in time of the newest backup stays, and those
 * of earlier backups at this repository are given up for it. Which they are is never guessed: a
 * complete manifest names the descriptors of its point in time, and a descriptor's name is never
 * given twice. Order and promise are those of backup.ts, `finishBackup` settles both.
 */
import {
  type ContentRun,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type PlainObject,
  type Refusal,
  type SectorRange,
  together,
  wait,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { AGAIN_NS, askArray } from "../chain/array-requests.ts";
import { configurationFile, type VmConfiguration } from "../chain/descriptor.ts";
import { closeDevice, openDevice } from "../chain/open-device.ts";
import { askDevice } from "../chain/open-disks.ts";
import { configurationAsRead, opensIntent } from "../chain/open-intent.ts";
import type { Written } from "../chain/surely-write.ts";
import { COPY_SECTORS } from "../consolidation/copy-plan.ts";
import { giveUpPoint } from "../consolidation/give-up-point.ts";
import { type ArrayView, CowView, lookAtArray } from "../cow/cow-files.ts";
import type { ByDisk } from "../cow/cow-intents.ts";
import { cowSnapshot } from "../cow/cow-snapshot.ts";
import {
  type BackupParams,
  type BackupState,
  initialBackup,
  type VolumeSize,
  writesOf,
} from "./backup-state.ts";
import { takeRanges } from "../consolidation/take-ranges.ts";
import {
  backupChain,
  type BackupIntent,
  backupIntentFile,
  backupVolume,
  type Manifest,
} from "./manifest.ts";
import { backupEnd } from "./report.ts";
import { commits, createsVolumes, repositoryPhases } from "./repository-phases.ts";

type CowBackupState = BackupState & {
  /** Complete backups of this VM at the repository that name their point in time. */
  earlier: Manifest[];
  /** Points in time that go once this backup counts. */
  superseded: string[];
  /** Points in time that are to go now. */
  going: string[];
  /** By disk: the array's snapshot, the one to differ from, the device that leads to the first. */
  snapshots: { [disk: string]: string };
  since: { [disk: string]: string };
  sources: { [disk: string]: EntityId };
  left: { [disk: string]: SectorRange[] };
};

type Op = Operation<BackupParams & PlainObject, CowBackupState & PlainObject>;

type Reads = readonly { readonly runs: readonly ContentRun[] }[];

const diskIds = (op: Op): string[] => op.params.disks.map(({ disk }) => disk);

export const cowBackup = operation<BackupParams & PlainObject, CowBackupState & PlainObject>(
  "cow-backup",
  {
    begin(host: Entity, op: Op) {
      op.edit().startedNs = host.simulatedNs;
      return scan(op.params.repository.array, "readManifests");
    },

    readManifests(_host: Entity, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const own = found.files
        .map(({ name, value }) => (name.endsWith(".backup") ? (value as Manifest) : undefined))
        .filter((each) => each?.vm === op.params.vm && each.point !== undefined)
        .filter((each) => backupChain(files, each!.backup) !== undefined);
      op.edit().earlier = own as never;
      return lookAtArray(op.params.array, "openIntent", "refuse");
    },

    openIntent(_host: Entity, op: Op, answer: ArrayView) {
      const { vm, array, repository, backup: id } = op.params;
      const view = new CowView(answer);
      const configuration = view.configuration(vm);
      if (configuration === undefined) return fail("no-disks", vm);
      const { running } = configuration;
      const names = diskIds(op).map((disk) => running[disk]!);
      const problem = view.problemOf(names);
      if (problem !== undefined) return problem;
      const sizes = diskIds(op).map((disk): [string, VolumeSize] => {
        const { sectors, grainSectors } = view.files.descriptor(running[disk]!)!;
        return [disk, { sectors, grainSectors }];
      });
      const kept = keptPoints(configuration, op.state.earlier);
      const base = op.params.incremental === true ? baseOf(view, configuration, sizes, kept) : null;
      const state = op.edit();
      state.superseded = kept.map(({ backup }) => backup);
      state.manifest = newManifest(op, sizes, base?.backup ?? null) as never;
      state.since = sinceOf(view, base);
      const intent: BackupIntent = {
        kind: "backup",
        operation: op.identity,
        vm,
        pointInTime: id,
        descriptors: [...names, ...Object.values(base?.point ?? {})],
        repository: repository.array,
        volumes: Object.values(op.state.manifest!.disks).map(({ volume }) => volume),
        superseded: op.state.superseded,
      };
      const given = [configurationAsRead(vm, view.version(configurationFile(vm)))];
      return opensIntent(array, backupIntentFile(vm), intent, given, "openManifest");
    },

    ...repositoryPhases,

    takeSnapshot(_host: Entity, op: Op, { version }: { version: number }) {
      op.edit().manifestVersion = version;
      const { vm, instance, array, disks, backup: pointInTime } = op.params;
      const params = { vm, instance, array, disks, pointInTime };
      return perform(cowSnapshot, params as unknown as PlainObject, "createVolumes", "giveUp");
    },

    createVolumes(_host: Entity, op: Op, { stunNs }: { readonly stunNs: number }) {
      op.edit().stunNs = stunNs;
      return createsVolumes(op);
    },

    findPoint: (_host: Entity, op: Op) => lookAtArray(op.params.array, "bind", "giveUp"),

    /** A snapshot of the array is read by a host that it is bound to. */
    bind(host: Entity, op: Op, answer: ArrayView) {
      const view = new CowView(answer);
      const points = view.configuration(op.params.vm)?.pointsInTime ?? [];
      const point = points.find(({ id }) => id === op.params.backup)?.disks;
      if (point === undefined) return go("giveUp");
      const state = op.edit();
      state.point = { ...point };
      for (const disk of diskIds(op)) {
        const { volume, sectors } = view.files.descriptor(point[disk]!)!;
        state.snapshots[disk] = volume;
        if (sectors !== op.state.manifest!.disks[disk]!.sectors) return go("giveUp");
      }
      const asks = Object.values(op.state.snapshots).map((vvol) =>
        askArray(op.params.array, "vasa-bind", { vvol, host: host.name }, ""),
      );
      return together(asks, "askBitmaps", "giveUp");
    },

    askBitmaps(_host: Entity, op: Op) {
      const { snapshots, since } = op.state;
      const asks = diskIds(op).map((disk) => {
        const vvol = snapshots[disk]!;
        const before = since[disk];
        return before === undefined
          ? askArray(op.params.array, "vasa-allocated", { vvol }, "")
          : askArray(op.params.array, "vasa-unshared", { vvol, since: before }, "");
      });
      return together(asks, "openDevices", "giveUp");
    },

    openDevices(host: Entity, op: Op, answers: readonly { ranges: readonly SectorRange[] }[]) {
      if (!isOn(host, op)) return fail("vm-off");
      const { repository } = op.params;
      op.params.disks.forEach(({ disk, access }, i) => {
        const { volume, sectors } = op.state.manifest!.disks[disk]!;
        const within = answers[i]!.ranges.filter(({ sector }) => sector < sectors);
        op.edit().left[disk] = within.map((range) => ({
          sector: range.sector,
          sectors: Math.min(range.sectors, sectors - range.sector),
        }));
        op.edit().sources[disk] = open(host, access, op.state.snapshots[disk]!, sectors);
        op.edit().devices[disk] = open(host, repository, volume, sectors);
      });
      return go("copy");
    },

    copy(host: Entity, op: Op) {
      if (op.state.aborted || !isOn(host, op)) return go("giveUp");
      const disk = diskIds(op).find((each) => op.state.left[each]!.length > 0);
      if (disk === undefined) return go("flush");
      const { copySectors = COPY_SECTORS } = op.params;
      const ranges = takeRanges(op.edit().left[disk]!, copySectors);
      op.edit().copying = { disk, ranges };
      const reads = ranges.map((range) =>
        askDevice(op.state.sources[disk]!, { op: "read", ...range }, "giveUp"),
      );
      return together(reads, "store", "giveUp");
    },

    store(_host: Entity, op: Op, found: Reads) {
      const { disk, ranges } = op.state.copying;
      const device = op.state.devices[disk]!;
      const isFull = op.state.manifest!.base === null;
      op.edit().copiedSectors += ranges.reduce((sum, { sectors }) => sum + sectors, 0);
      const writes = ranges.flatMap((range, i) => writesOf(range, found[i]!.runs, isFull));
      return together(
        writes.map((write) => askDevice(device, write, "giveUp")),
        "copy",
        "giveUp",
      );
    },

    commit: (_host: Entity, op: Op) =>
      commits(op, { ...op.state.manifest!, complete: true, point: { ...op.state.point } }),

    committed(host: Entity, op: Op, { written }: Written & PlainObject) {
      if (!written) return go("giveUp");
      closeAll(host, op);
      op.edit().going = [...op.state.superseded];
      return go("unbind");
    },

    unbind: (_host: Entity, op: Op) => unbind(op, "giveUpPoint", "unbindAgain"),

    /** The point in time stays, and nobody else would unbind it. */
    unbindAgain: () => wait(AGAIN_NS, "unbind"),

    /** One after the other; a point in time that somebody shares stays. */
    giveUpPoint(_host: Entity, op: Op) {
      const [pointInTime] = op.state.going;
      if (pointInTime === undefined) return go("closeIntent");
      const { vm, instance, array, disks } = op.params;
      const params = { vm, instance, array, disks, pointInTime, under: [backupIntentFile(vm)] };
      return perform(giveUpPoint, params as unknown as PlainObject, "gaveUp");
    },

    gaveUp(_host: Entity, op: Op) {
      op.edit().going.shift();
      return go("giveUpPoint");
    },

    /** With the VM gone its next power-on settles what is durable. */
    giveUp(host: Entity, op: Op, why: Refusal | null) {
      op.edit().failure ??= (why ?? { code: "aborted", detail: null }) as never;
      closeAll(host, op);
      if (!isOn(host, op)) return fail("vm-off");
      op.edit().going = [op.params.backup];
      return unbind(op, "drop", "drop");
    },

    report: (host: Entity, op: Op) => backupEnd(op, host.simulatedNs),
  },
  () => ({
    ...(initialBackup() as BackupState & PlainObject),
    earlier: [],
    superseded: [],
    going: [],
    snapshots: {},
    since: {},
    sources: {},
    left: {},
  }),
);

const isOn = (host: Entity, op: Op): boolean =>
  host.world.entityOrNone(op.params.instance) !== undefined;

/** Backups whose points in time the configuration still lists, oldest first. */
function keptPoints({ pointsInTime }: VmConfiguration, earlier: readonly Manifest[]): Manifest[] {
  return pointsInTime.flatMap(({ id, disks }) =>
    earlier.filter(
      ({ backup, point }) =>
        backup === id &&
        Object.entries(point!).every(([disk, descriptor]) => disks[disk] === descriptor),
    ),
  );
}

/** The newest of them that the array can tell differences from, for disks of the same size. */
function baseOf(
  view: CowView,
  { running }: VmConfiguration,
  sizes: readonly (readonly [string, VolumeSize])[],
  kept: readonly Manifest[],
): Manifest | null {
  const newest = kept.at(-1);
  if (newest === undefined) return null;
  const familyOf = (descriptor: string): string | undefined =>
    view.baseOf(view.files.descriptor(descriptor)?.volume ?? "");
  const isUsable = sizes.every(([disk, { sectors }]) => {
    const descriptor = newest.point![disk];
    if (descriptor === undefined || newest.disks[disk]?.sectors !== sectors) return false;
    const family = familyOf(descriptor);
    return family !== undefined && family === familyOf(running[disk]!);
  });
  return isUsable ? newest : null;
}

function sinceOf(view: CowView, base: Manifest | null): { [disk: string]: string } {
  const point: ByDisk = base?.point ?? {};
  return Object.fromEntries(
    Object.entries(point).map(([disk, name]) => [disk, view.files.descriptor(name)!.volume]),
  );
}

function newManifest(
  { params: { backup, vm } }: Op,
  sizes: readonly (readonly [string, VolumeSize])[],
  base: string | null,
): Manifest {
  const disks = sizes.map(([disk, size]) => {
    return [disk, { volume: backupVolume(backup, disk), ...size }] as const;
  });
  return { backup, vm, base, complete: false, disks: Object.fromEntries(disks) };
}

function open(
  host: Entity,
  { array, paths }: { readonly array: EntityId; readonly paths: readonly EntityId[] },
  volume: string,
  sectors: number,
): EntityId {
  const access = { array, paths, cacheMode: "none" as const, pool: -1, writebackNs: 1 };
  return openDevice(host, access, volume, sectors, false);
}

function closeAll(host: Entity, op: Op): void {
  const state = op.edit();
  for (const device of [...Object.values(state.sources), ...Object.values(state.devices)]) {
    closeDevice(host.world, device);
  }
  state.sources = {};
  state.devices = {};
}

function unbind(op: Op, next: string, otherwise: string) {
  const asks = Object.values(op.state.snapshots).map((vvol) =>
    askArray(op.params.array, "vasa-unbind", { vvol }, ""),
  );
  return together(asks, next, otherwise);
}
