/** Parameters, state and small steps of a backup. */
import type {
  ContentRun,
  Entity,
  EntityId,
  Operation,
  Plain,
  PlainObject,
  SectorContent,
  SectorRange,
} from "../../kernel/index.ts";
import type { ArrayFiles } from "../chain/array-files.ts";
import { changedSince } from "../chain/changed-blocks.ts";
import { mapOf } from "../chain/layers.ts";
import { closeDevice, openDevice } from "../chain/open-device.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { backupChain, backupVolume, type Manifest, type Repository } from "./manifest.ts";

export type BackupParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  /** Entity of the array that keeps the VM's files and volumes. */
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly repository: Repository;
  /** Id of the backup, and of the point in time that it is of. */
  readonly backup: string;
  /** Only what changed since the VM's last complete backup, where that is known; else everything. */
  readonly incremental?: boolean;
  /** Sectors that are copied at a time. Default: 1,024. */
  readonly copySectors?: number;
};

export type BackupState = {
  manifest: Manifest | null;
  manifestVersion: number;
  intentVersion: number;
  /** Descriptor of the point in time, by disk. */
  point: { [disk: string]: string };
  /** Device of each volume at the repository, and the next sector to look at. */
  devices: { [disk: string]: EntityId };
  cursors: { [disk: string]: number };
  /** Ranges that are being copied, and of which disk. */
  copying: { disk: string; ranges: SectorRange[] };
  copiedSectors: number;
  aborted: boolean;
  failure: { code: string; detail: Plain } | null;
  startedNs: number;
  stunNs: number;
  consolidation: PlainObject | null;
  /** Tracking of changes that the configuration names. */
  tracking: string;
};

export type BackupOp = Operation<BackupParams & PlainObject, BackupState & PlainObject>;

export const initialBackup = (): BackupState => ({
  manifest: null,
  manifestVersion: 0,
  intentVersion: 0,
  point: {},
  devices: {},
  cursors: {},
  copying: { disk: "", ranges: [] },
  copiedSectors: 0,
  aborted: false,
  failure: null,
  startedNs: 0,
  stunNs: 0,
  consolidation: null,
  tracking: "",
});

/** The last complete backup of the VM to which changes are known for every disk; null: none. */
export function baseOf(
  files: ArrayFiles,
  { params }: BackupOp,
  disks: readonly VirtualDiskEntity[],
): string | null {
  if (params.incremental !== true) return null;
  const since = disks[0]?.volatile.changedSince ?? null;
  if (since === null || disks.some(({ volatile }) => volatile.changedSince !== since)) return null;
  const chain = backupChain(files, since);
  return chain !== undefined && chain.at(-1)!.vm === params.vm ? since : null;
}

/** What a backup's volume is made with. */
export type VolumeSize = { readonly sectors: number; readonly grainSectors: number };

export function manifestOf(
  { params }: BackupOp,
  disks: readonly VirtualDiskEntity[],
  base: string | null,
): Manifest {
  const { backup, vm } = params;
  const volumes = disks.map(({ config }): [string, Manifest["disks"][string]] => {
    const { disk, sectors, grainSectors } = config;
    return [disk, { volume: backupVolume(backup, disk), sectors, grainSectors }];
  });
  return { backup, vm, base, complete: false, disks: Object.fromEntries(volumes) };
}

/** Sectors to copy of a disk: filled by `planDisk`, part of the disk's memory on this host. */
export function toBackUp(disk: VirtualDiskEntity): SectorContent {
  return disk.content("to-back-up", disk.config.sectors);
}

/** What changed since the base, or all that the point in time's layers hold. */
export function planDisk(
  op: BackupOp,
  disk: VirtualDiskEntity,
  allocatedInBase: readonly SectorRange[],
): void {
  const todo = toBackUp(disk);
  const { base } = op.state.manifest!;
  const changed = base === null ? undefined : changedSince(disk, base);
  for (const { sector, sectors } of changed?.allocatedRuns() ?? [])
    todo.writeZeros(sector, sectors);
  if (changed !== undefined) return;
  const point = op.state.point[disk.config.disk];
  const top = disk.volatile.layers.findIndex(({ descriptor }) => descriptor === point);
  for (const { sector, sectors } of allocatedInBase) todo.writeZeros(sector, sectors);
  for (let layer = 1; layer <= top; layer++) {
    for (const { sector, sectors } of mapOf(disk, layer).allocatedRuns()) {
      todo.writeZeros(sector, sectors);
    }
  }
}

export function openRepository(op: BackupOp, disk: VirtualDiskEntity): void {
  const { repository } = op.params;
  const { volume, sectors } = op.state.manifest!.disks[disk.config.disk]!;
  const access = { ...repository, cacheMode: "none" as const, pool: -1, writebackNs: 1 };
  const device = openDevice(disk as unknown as Entity, access, volume, sectors, false);
  op.edit().devices[disk.config.disk] = device;
}

export function closeRepository(op: BackupOp, disk: VirtualDiskEntity): void {
  const device = op.state.devices[disk.config.disk];
  disk.world.contents.remove(`${disk.name}#to-back-up`);
  if (device === undefined) return;
  closeDevice(disk.world, device);
  delete op.edit().devices[disk.config.disk];
}

/** A full backup leaves zeros out; an incremental one must say that something became zeros. */
export function writesOf(
  range: SectorRange,
  runs: readonly ContentRun[],
  skipsZeros: boolean,
): object[] {
  if (!skipsZeros) return [{ op: "write", ...range, runs }];
  const writes: object[] = [];
  let sector = range.sector;
  for (const run of runs) {
    if (run.kind !== "zero")
      writes.push({ op: "write", sector, sectors: run.sectors, runs: [run] });
    sector += run.sectors;
  }
  return writes;
}
