/**
 * The volumes of an array: names, sizes, owners, and the space that they take in grains.
 *
 * Must hold: used space is the number of grains that hold a written sector, over all volumes, and
 * never above the capacity (misdirected writes that find no space do not land).
 */
import type { Plain, SectorContent, SectorRange } from "../../kernel/index.ts";
import type { ArrayEntity } from "./array-state.ts";
import { device, volumeLabel } from "./array-state.ts";
import { type BlockOutcome, DONE, refused } from "./block.ts";
import { createMedium, currentContent, removeMedium } from "./device-state.ts";
import { editVolumes } from "./file-journal.ts";
import { changedPremise, type FileVersion } from "./metadata-files.ts";
import { reservedGrains } from "./space-reservation.ts";
import { cloneAllocation, keptGrains } from "./vvols/snapshot-reads.ts";

/** `given`: only if a file is as it was read, in the same atomic step. */
export type CreateVolume = {
  readonly name: string;
  readonly sectors: number;
  readonly given?: FileVersion;
};
export type VolumeName = { readonly name: string };
export type ResizeVolume = VolumeName & {
  readonly sectors: number;
  /** A volume that is as large or larger stays as it is, as `lvextend` leaves it. */
  readonly growsOnly?: true;
};
/** `given` as of {@link CreateVolume}. */
export type DeleteVolume = VolumeName & { readonly given?: FileVersion };
/** From now on only requests of `owner` are taken; null: everybody's. */
export type ClaimVolume = { readonly name: string; readonly owner: string | null };

export type VolumeInfo = {
  readonly name: string;
  readonly sectors: number;
  readonly usedSectors: number;
};

/** Refuses with "exists", and with "version-conflict" when a `given` file has changed. */
export function createVolume(
  self: ArrayEntity,
  { name, sectors, given }: CreateVolume,
): BlockOutcome {
  const conflict = changedPremise(self, given);
  if (conflict !== undefined) return conflict;
  const label = volumeLabel(name);
  if (self.durable.volumes[label] !== undefined) return refused("exists", name);
  createMedium(device(self), label, sectors);
  editVolumes(self).volumes[label] = { sectors, grains: 0, owner: null };
  self.durableStep(`create volume ${name}`);
  return DONE;
}

/** Refuses with "gone", and with "version-conflict" when a `given` file has changed. */
export function deleteVolume(self: ArrayEntity, { name, given }: DeleteVolume): BlockOutcome {
  const conflict = changedPremise(self, given);
  if (conflict !== undefined) return conflict;
  const label = volumeLabel(name);
  const volume = self.durable.volumes[label];
  if (volume === undefined) return refused("gone", name);
  const durable = editVolumes(self);
  durable.usedGrains -= volume.grains;
  delete durable.volumes[label];
  removeMedium(device(self), label);
  self.durableStep(`delete volume ${name}`);
  return DONE;
}

/** Larger, or smaller: what lies past the new end is lost. Refuses with "gone" or "no-space". */
export function resizeVolume(
  self: ArrayEntity,
  { name, sectors, growsOnly }: ResizeVolume,
): BlockOutcome {
  const label = volumeLabel(name);
  const volume = self.durable.volumes[label];
  if (volume === undefined) return refused("gone", name);
  if (growsOnly === true && sectors <= volume.sectors) return DONE;
  if (sectors > self.config.capacitySectors) return refused("no-space", { sectors });
  if (sectors < volume.sectors) releaseSectors(self, label, sectors, volume.sectors - sectors);
  const contents = new Set([device(self).content(label), currentContent(device(self), label)]);
  for (const content of contents) content.resize(sectors);
  self.editDurable().volumes[label]!.sectors = sectors;
  trimCache(self, label, sectors);
  self.durableStep(`resize volume ${name}`);
  return DONE;
}

/** Cached writes past the new end have nowhere to go. */
function trimCache(self: ArrayEntity, label: string, sectors: number): void {
  const isPast = (write: { medium: string; sector: number; sectors: number }): boolean =>
    write.medium === label && write.sector + write.sectors > sectors;
  if (!self.volatile.cache.writes.some(isPast)) return;
  const { cache } = self.edit();
  const kept = cache.writes.filter((write) => !isPast(write));
  cache.writes = kept;
  cache.sectors = kept.reduce((sum, write) => sum + write.sectors, 0);
}

export function claimVolume(self: ArrayEntity, { name, owner }: ClaimVolume): BlockOutcome {
  const volume = self.editDurable().volumes[volumeLabel(name)];
  if (volume === undefined) return refused("gone", name);
  volume.owner = owner;
  self.durableStep(`claim volume ${name}`);
  return DONE;
}

export function listVolumes(self: ArrayEntity): BlockOutcome {
  const { grainSectors } = self.config;
  const volumes = Object.entries(self.durable.volumes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, { sectors, grains }]): VolumeInfo => {
      return {
        name: label.slice(volumeLabel("").length),
        sectors,
        usedSectors: grains * grainSectors,
      };
    });
  return { ok: true, value: { volumes } };
}

/** Written sectors of a volume, as the allocated bitmap of VASA 2.0 tells them. Refuses: "gone". */
export function allocatedRanges(self: ArrayEntity, { name }: VolumeName): BlockOutcome {
  const label = volumeLabel(name);
  if (self.durable.volumes[label] === undefined) return refused("gone", name);
  const ranges = cloneAllocation(self, name) ?? currentContent(device(self), label).allocatedRuns();
  return { ok: true, value: { ranges: ranges as unknown as Plain } };
}

// --- space ----------------------------------------------------------------------------------------

/** Takes the grains that a write needs and does not have; false when there are not enough. */
export function reserveSectors(
  self: ArrayEntity,
  label: string,
  sector: number,
  sectors: number,
): boolean {
  const content = currentContent(device(self), label);
  const { grainSectors, capacitySectors } = self.config;
  const first = Math.floor(sector / grainSectors);
  const past = Math.ceil((sector + sectors) / grainSectors);
  const missing = past - first - grainsIn(content, first, past, grainSectors);
  if (missing === 0) return true;
  const { reserved = 0 } = self.durable.volumes[label]!;
  const fromReserve = Math.min(missing, reserved);
  const taken = self.durable.usedGrains + reservedGrains(self) - fromReserve;
  if ((taken + missing) * grainSectors > capacitySectors) return false;
  if (fromReserve > 0) self.editDurable().volumes[label]!.reserved = reserved - fromReserve;
  addGrains(self, label, missing);
  return true;
}

/** Gives back the grains that hold nothing once these sectors are discarded. */
export function releaseSectors(
  self: ArrayEntity,
  label: string,
  sector: number,
  sectors: number,
): void {
  const content = currentContent(device(self), label);
  const { grainSectors } = self.config;
  const past = sector + sectors;
  const lastGrain = Math.ceil(past / grainSectors);
  const firstGrain = Math.floor(sector / grainSectors);
  let freed = grainsIn(content, firstGrain, lastGrain, grainSectors);
  // Of the grains that hold something now, those at the two ends may hold more than is discarded.
  const head = firstGrain * grainSectors;
  const tail = Math.min(lastGrain * grainSectors, content.sectors);
  const keepsHead = holdsAny(content, head, sector);
  const keepsTail = holdsAny(content, past, tail);
  if (keepsHead) freed--;
  if (keepsTail && !(keepsHead && lastGrain - firstGrain === 1)) freed--;
  if (freed > 0) addGrains(self, label, -freed);
}

function holdsAny(content: SectorContent, from: number, to: number): boolean {
  return to > from && content.allocatedRuns(from, to - from).length > 0;
}

function addGrains(self: ArrayEntity, label: string, grains: number): void {
  const durable = editVolumes(self);
  durable.usedGrains += grains;
  durable.volumes[label]!.grains += grains;
}

/** Grains from `first` up to `past` that hold a written sector. */
function grainsIn(
  content: SectorContent,
  first: number,
  past: number,
  grainSectors: number,
): number {
  const from = first * grainSectors;
  const to = Math.min(past * grainSectors, content.sectors);
  return grainsOfRuns(content.allocatedRuns(from, to - from), grainSectors);
}

/** Grains that ranges, in order, touch. */
export function grainsOfRuns(runs: readonly SectorRange[], grainSectors: number): number {
  let grains = 0;
  let counted = -1;
  for (const range of runs) {
    const low = Math.max(Math.floor(range.sector / grainSectors), counted + 1);
    const high = Math.floor((range.sector + range.sectors - 1) / grainSectors);
    grains += Math.max(0, high - low + 1);
    counted = Math.max(counted, high);
  }
  return grains;
}

/** Space that something other than a volume's sectors takes: what snapshots keep. */
export function addUsedGrains(self: ArrayEntity, grains: number): void {
  editVolumes(self).usedGrains += grains;
}

/** Counts from the contents: after a crash, and for the audit of the count that is kept. */
export function countGrains(self: ArrayEntity, label: string): number {
  const content = currentContent(device(self), label);
  const { grainSectors } = self.config;
  return grainsIn(content, 0, Math.ceil(content.sectors / grainSectors), grainSectors);
}

/** After a power loss: writes that did not survive take no space. */
export function recountSpace(self: ArrayEntity): void {
  const durable = self.editDurable();
  durable.usedGrains = keptGrains(self);
  for (const label of Object.keys(durable.volumes)) {
    const grains = countGrains(self, label);
    durable.volumes[label]!.grains = grains;
    durable.usedGrains += grains;
  }
}
