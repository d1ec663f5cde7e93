/**
 * Backup of a running VM: a snapshot is taken, its content copied to a repository while the guest
 * goes on, and the snapshot consolidated away again. All of it is made of what exists: the snapshot
 * and the consolidation are operations of their own, performed here as phases.
 *
 * Must hold: a backup that counts equals its point in time, whatever was lost when. So its manifest
 * is first written as incomplete, then the volumes are filled and flushed, and one atomic write
 * marks it complete. After a crash `finishBackup` drops what is not complete, gives up the point in
 * time, and closes the intent.
 */
import {
  type ContentRun,
  fail,
  go,
  operation,
  perform,
  type PlainObject,
  type SectorRange,
  together,
  type Refusal,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { askArray, type FileValue, readFile } from "../chain/array-requests.ts";
import { configurationAsRead, opensIntent } from "../chain/open-intent.ts";
import { trackSince } from "../chain/changed-blocks.ts";
import { configurationFile, type VmConfiguration } from "../chain/descriptor.ts";
import { askDevice, whileOpen } from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { COPY_DEPTH, COPY_SECTORS, nextRanges } from "../consolidation/copy-plan.ts";
import { giveUpPoint } from "../consolidation/give-up-point.ts";
import { snapshot } from "../snapshot/snapshot.ts";
import {
  type BackupOp,
  type BackupParams,
  type BackupState,
  baseOf,
  closeRepository,
  initialBackup,
  manifestOf,
  openRepository,
  planDisk,
  toBackUp,
  writesOf,
} from "./backup-state.ts";
import { type BackupIntent, backupIntentFile } from "./manifest.ts";
import { backupEnd } from "./report.ts";
import { commits, createsVolumes, repositoryPhases } from "./repository-phases.ts";

export const backup = operation<BackupParams & PlainObject, BackupState & PlainObject>(
  "backup",
  {
    begin(host, op: BackupOp) {
      op.edit().startedNs = host.simulatedNs;
      return scan(op.params.repository.array, "chooseBase");
    },

    chooseBase: whileOpen((_host, op: BackupOp, disks, found: Scan) => {
      const base = baseOf(new ArrayFiles(found), op, disks);
      op.edit().manifest = manifestOf(op, disks, base) as never;
      return scan(op.params.array, "openIntent");
    }),

    /** Names what will be the point in time, so that nobody merges it away. */
    openIntent(_host, op: BackupOp, found: Scan) {
      const { vm, array, repository, backup: id } = op.params;
      const file = new ArrayFiles(found).get(configurationFile(vm));
      if (file === undefined) return fail("no-disks", vm);
      const { running } = file.value as VmConfiguration;
      const intent: BackupIntent = {
        kind: "backup",
        operation: op.identity,
        vm,
        pointInTime: id,
        descriptors: op.params.disks.map(({ disk }) => running[disk]!),
        repository: repository.array,
        volumes: Object.values(op.state.manifest!.disks).map(({ volume }) => volume),
      };
      const given = [configurationAsRead(vm, file.version)];
      return opensIntent(array, backupIntentFile(vm), intent, given, "openManifest");
    },

    ...repositoryPhases,

    takeSnapshot(_host, op: BackupOp, { version }: { version: number }) {
      op.edit().manifestVersion = version;
      const { vm, instance, array, disks, backup: pointInTime } = op.params;
      const params = { vm, instance, array, disks, pointInTime };
      return perform(snapshot, params as unknown as PlainObject, "createVolumes", "giveUp");
    },

    createVolumes(_host, op: BackupOp, { stunNs }: { readonly stunNs: number }) {
      op.edit().stunNs = stunNs;
      return createsVolumes(op);
    },

    findPoint: (_host, op: BackupOp) => scan(op.params.array, "readAllocation", "giveUp"),

    readAllocation: whileOpen((_host, op: BackupOp, disks, found: Scan) => {
      const { vm, backup: id, array } = op.params;
      const { value } = new ArrayFiles(found).get(configurationFile(vm))!;
      const point = (value as VmConfiguration).pointsInTime.find((each) => each.id === id);
      if (point === undefined) return go("giveUp");
      op.edit().point = { ...point.disks };
      const bases = disks.map(({ volatile }) =>
        askArray(array, "allocated-ranges", { name: volatile.layers[0]!.volume }, ""),
      );
      return together(bases, "openRepository", "giveUp");
    }),

    openRepository: whileOpen((_host, op: BackupOp, disks, allocated: readonly Ranges[]) => {
      // Grown since the manifest was made: the point in time is larger than its volume.
      const { disks: parts } = op.state.manifest!;
      const isGrown = disks.some(({ config }) => config.sectors !== parts[config.disk]!.sectors);
      if (isGrown) return go("giveUp");
      disks.forEach((disk, i) => {
        planDisk(op, disk, allocated[i]!.ranges);
        openRepository(op, disk);
      });
      return go("copy");
    }),

    /** Reads the point in time below the guest's layer: the guest and its locks are not concerned. */
    copy: whileOpen((_host, op: BackupOp, disks) => {
      if (op.state.aborted) return go("giveUp");
      const { copySectors = COPY_SECTORS } = op.params;
      for (const disk of disks) {
        const id = disk.config.disk;
        const from = op.state.cursors[id] ?? 0;
        const { ranges, cursor } = nextRanges(toBackUp(disk), from, copySectors, COPY_DEPTH);
        op.edit().cursors[id] = cursor;
        if (ranges.length === 0) continue;
        op.edit().copying = { disk: id, ranges: ranges.map((range) => ({ ...range })) };
        const descriptor = op.state.point[id]!;
        const reads = ranges.map((range) =>
          askDevice(disk.id, { op: "read-below", descriptor, ...range }, "giveUp"),
        );
        return together(reads, "store", "giveUp");
      }
      return go("flush");
    }),

    store(_host, op: BackupOp, found: readonly { readonly runs: readonly ContentRun[] }[]) {
      const { disk, ranges } = op.state.copying;
      const device = op.state.devices[disk]!;
      const isFull = op.state.manifest!.base === null;
      op.edit().copiedSectors += ranges.reduce((sum, { sectors }) => sum + sectors, 0);
      const writes = ranges.flatMap((range: SectorRange, i) =>
        writesOf(range, found[i]!.runs, isFull).map((write) => askDevice(device, write, "giveUp")),
      );
      return together(writes, "copy", "giveUp");
    },

    commit: (_host, op: BackupOp) => commits(op, { ...op.state.manifest!, complete: true }),

    committed: whileOpen((_host, op: BackupOp, disks, { written }: Written & PlainObject) => {
      if (!written) return go("giveUp");
      for (const disk of disks) closeRepository(op, disk);
      return go("lookForTracking");
    }),

    lookForTracking: (_host, op: BackupOp) =>
      readFile(op.params.array, configurationFile(op.params.vm), "nameTracking", "giveUpPoint"),

    /** Nothing is tracked durably that the configuration does not name. */
    nameTracking(_host, op: BackupOp, { value, version }: FileValue) {
      const before = value as VmConfiguration;
      const { vm, array } = op.params;
      op.edit().tracking = before.tracking ?? op.identity;
      if (before.tracking !== undefined) return go("track");
      const named = { ...before, tracking: op.identity };
      const params = { array, name: configurationFile(vm), value: named, before, version };
      return perform(surelyWrite, params as unknown as PlainObject, "named", "lookForTracking");
    },

    named: (_host, _op: BackupOp, { written }: Written & PlainObject) =>
      go(written ? "track" : "lookForTracking"),

    track: whileOpen((_host, op: BackupOp, disks) => {
      const { backup: since, array } = op.params;
      const { tracking } = op.state;
      for (const disk of disks) {
        trackSince(disk, since, op.state.point[disk.config.disk]!, { array, tracking });
      }
      return go("giveUpPoint");
    }),

    /** The reason for consolidation under load. */
    giveUpPoint(_host, op: BackupOp) {
      const { vm, instance, array, disks, backup: pointInTime } = op.params;
      const under = [backupIntentFile(vm)];
      const params = { vm, instance, array, disks, pointInTime, under };
      return perform(giveUpPoint, params as unknown as PlainObject, "noteConsolidation");
    },

    noteConsolidation(_host, op: BackupOp, figures: PlainObject) {
      if (figures["kept"] === "vm-off") return fail("vm-off");
      op.edit().consolidation = figures as never;
      return go("closeIntent");
    },

    giveUp: whileOpen((_host, op: BackupOp, disks, why: Refusal | null) => {
      op.edit().failure ??= (why ?? { code: "aborted", detail: null }) as never;
      for (const disk of disks) closeRepository(op, disk);
      return go("drop");
    }),

    report: (host, op: BackupOp) => backupEnd(op, host.simulatedNs),
  },
  () => initialBackup() as BackupState & PlainObject,
);

type Ranges = { readonly ranges: readonly SectorRange[] };
