/**
 * Copies a frozen layer of each disk to a repository while the guest goes on above it. Must hold: the
 * copy counts only with its commit marker, one atomic write of the manifest after everything of it
 * was flushed; without it whatever was copied is nothing.
 */
import {
  type ContentRun,
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  type SectorRange,
  together,
} from "../../kernel/index.ts";
import {
  type BackupOp,
  closeRepository,
  openRepository,
  toBackUp,
  writesOf,
} from "../backup/backup-state.ts";
import { type Manifest, manifestFile, type Repository } from "../backup/manifest.ts";
import { repositoryVolumes } from "../backup/repository-phases.ts";
import { askArray } from "../chain/array-requests.ts";
import { mapOf } from "../chain/layers.ts";
import { askDevice, openDisks, type OpenDisk, whileOpen } from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { COPY_DEPTH, nextRanges } from "../consolidation/copy-plan.ts";

export type CopyPointParams = {
  readonly vm: string;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly repository: Repository;
  /** What the copy will be, not complete yet; its file is there with `manifestVersion`. */
  readonly manifest: Manifest;
  readonly manifestVersion: number;
  /** Descriptor of the frozen layer, by disk. */
  readonly layers: { readonly [disk: string]: string };
  /** The same of the point in time that the manifest's base is a copy of; nothing without one. */
  readonly baseLayers: { readonly [disk: string]: string };
  readonly copySectors: number;
};

type CopyState = {
  manifest: Manifest;
  devices: { [disk: string]: EntityId };
  cursors: { [disk: string]: number };
  copying: { disk: string; ranges: SectorRange[] };
  copiedSectors: number;
};

type Op = Operation<CopyPointParams & PlainObject, CopyState & PlainObject>;

type Ranges = { readonly ranges: readonly SectorRange[] };

/** A copy opens and closes the repository as a backup does. */
const asBackup = (op: Op): BackupOp => op as unknown as BackupOp;

export const copyPoint = operation<CopyPointParams & PlainObject, CopyState & PlainObject>(
  "copy-point",
  {
    createVolumes(_host, op: Op) {
      const { repository, manifest, manifestVersion } = op.params;
      const volumes = repositoryVolumes(repository.array, manifest, manifestVersion);
      return together(volumes, "readAllocation");
    },

    readAllocation: whileOpen((_host, op: Op, disks) => {
      const bases = disks.map(({ volatile }) =>
        askArray(op.params.array, "allocated-ranges", { name: volatile.layers[0]!.volume }, ""),
      );
      return together(bases, "openRepository");
    }),

    /**
     * What the layers above the base's hold, up to the frozen one: points in time may lie between.
     * Without a base that is all of them, and what is allocated of the lowest.
     */
    openRepository: whileOpen((_host, op: Op, disks, allocated: readonly Ranges[]) => {
      for (const [i, disk] of disks.entries()) {
        const name = op.params.layers[disk.config.disk];
        const layer = disk.volatile.layers.findIndex(({ descriptor }) => descriptor === name);
        if (layer < 0) return fail("layer-gone", name ?? null);
        const base = op.params.baseLayers[disk.config.disk];
        const from = disk.volatile.layers.findIndex(({ descriptor }) => descriptor === base) + 1;
        const todo = toBackUp(disk);
        for (let each = from; each <= layer; each++) {
          const held = each === 0 ? allocated[i]!.ranges : mapOf(disk, each).allocatedRuns();
          for (const { sector, sectors } of held) todo.writeZeros(sector, sectors);
        }
        openRepository(asBackup(op), disk);
      }
      return go("copy");
    }),

    /** Reads below the guest's layer: the guest and its locks are not concerned. */
    copy: whileOpen((_host, op: Op, disks) => {
      for (const disk of disks) {
        const id = disk.config.disk;
        const from = op.state.cursors[id] ?? 0;
        const { copySectors } = op.params;
        const { ranges, cursor } = nextRanges(toBackUp(disk), from, copySectors, COPY_DEPTH);
        op.edit().cursors[id] = cursor;
        if (ranges.length === 0) continue;
        op.edit().copying = { disk: id, ranges: ranges.map((range) => ({ ...range })) };
        const descriptor = op.params.layers[id]!;
        const reads = ranges.map((range) =>
          askDevice(disk.id, { op: "read-below", descriptor, ...range }, "giveUp"),
        );
        return together(reads, "store", "giveUp");
      }
      return go("flush");
    }),

    store(_host, op: Op, found: readonly { readonly runs: readonly ContentRun[] }[]) {
      const { disk, ranges } = op.state.copying;
      const device = op.state.devices[disk]!;
      const isBase = op.params.manifest.base === null;
      op.edit().copiedSectors += ranges.reduce((sum, { sectors }) => sum + sectors, 0);
      const writes = ranges.flatMap((range, i) =>
        writesOf(range, found[i]!.runs, isBase).map((write) => askDevice(device, write, "giveUp")),
      );
      return together(writes, "copy", "giveUp");
    },

    flush(_host, op: Op) {
      const flushes = Object.values(op.state.devices).map((device) =>
        askDevice(device, { op: "flush" }, "giveUp"),
      );
      return together(flushes, "commit", "giveUp");
    },

    /** The commit marker. */
    commit(_host, op: Op) {
      const { manifest: before, manifestVersion: version, repository } = op.params;
      const params = {
        array: repository.array,
        name: manifestFile(before.backup),
        value: { ...before, complete: true },
        before,
        version,
      };
      return perform(surelyWrite, params as unknown as PlainObject, "committed", "giveUp");
    },

    committed(host, op: Op, { written }: Written & PlainObject) {
      closeAll(host.world, op);
      return written ? done({ copiedSectors: op.state.copiedSectors }) : fail("not-committed");
    },

    giveUp(host, op: Op, why: { readonly code: string; readonly detail: Plain }) {
      closeAll(host.world, op);
      return fail(why.code, why.detail);
    },
  },
  ({ manifest }) => ({
    manifest,
    devices: {},
    cursors: {},
    copying: { disk: "", ranges: [] },
    copiedSectors: 0,
  }),
);

function closeAll(world: Parameters<typeof closeRepository>[1]["world"], op: Op): void {
  for (const disk of openDisks(world, op.params) ?? []) closeRepository(asBackup(op), disk);
}
