/**
 * Copy on write: before a chunk of a base changes for the first time since its newest snapshot, what
 * it holds is copied to that snapshot. A first touch costs the array a read and two writes where any
 * other write costs one.
 *
 * Must hold: no sector of a base changes, by whatever way, unless its chunk is kept; what is kept is
 * durable before the change is.
 */
import type { SectorRange } from "../../../kernel/index.ts";
import { type ArrayEntity, device, volumeLabel } from "../array-state.ts";
import { drawServiceNs, sectorsNs } from "../service-time.ts";
import { addUsedGrains, grainsOfRuns } from "../volumes.ts";
import {
  arrayOf,
  baseContent,
  chunkMap,
  keptContent,
  type VvolsEntity,
  vvolsOf,
} from "./vvol-state.ts";
import { reservedGrains } from "../space-reservation.ts";

/** What keeping cost; `fits` false: there is no space, and nothing was done. */
export type Kept = { readonly fits: boolean; readonly chunks: number; readonly sectors: number };

const NOTHING: Kept = { fits: true, chunks: 0, sectors: 0 };
const NO_SPACE: Kept = { fits: false, chunks: 0, sectors: 0 };

/** Keeps, for the newest snapshot of `base`, the chunks of a range that are about to change. */
export function keepOld(self: VvolsEntity, base: string, range: SectorRange): Kept {
  const { snapshots, chunkSectors } = self.durable.bases[base]!;
  const newest = snapshots.at(-1);
  if (newest === undefined) return NOTHING;
  const spans = missingChunks(self, newest, chunkSectors, range);
  if (spans.length === 0) return NOTHING;
  const content = baseContent(self, base);
  const array = arrayOf(self);
  const { grainSectors, capacitySectors } = array.config;
  const { sectors: size } = self.durable.snapshots[newest]!;
  const allocated = spans.flatMap(({ sector, sectors }) => {
    const from = sector * chunkSectors;
    const to = Math.min((sector + sectors) * chunkSectors, size);
    return content.allocatedRuns(from, to - from);
  });
  const grains = grainsOfRuns(allocated, grainSectors);
  const taken = array.durable.usedGrains + reservedGrains(array);
  const full = (taken + grains) * grainSectors > capacitySectors;
  if (grains > 0 && (full || array.durable.armed.noSpace)) return NO_SPACE;
  const kept = keptContent(self, newest, size);
  let copied = 0;
  for (const { sector, sectors } of allocated) {
    kept.write(sector, content.read(sector, sectors));
    copied += sectors;
  }
  const map = chunkMap(self, newest);
  let chunks = 0;
  for (const { sector, sectors } of spans) {
    map.writeZeros(sector, sectors);
    chunks += sectors;
  }
  if (grains > 0) {
    self.editDurable().snapshots[newest]!.grains += grains;
    addUsedGrains(array, grains);
  }
  count(self, base, chunks, copied);
  return { fits: true, chunks, sectors: copied };
}

function count(self: VvolsEntity, base: string, chunks: number, sectors: number): void {
  self.measure("cow-chunks", chunks);
  self.measure("cow-copied-sectors", sectors);
  self.durableStep(`keep ${chunks} chunks of ${base}`);
}

/** Ranges of chunk numbers that a range touches and the snapshot, as far as it goes, lacks. */
function missingChunks(
  self: VvolsEntity,
  snapshot: string,
  chunkSectors: number,
  { sector, sectors }: SectorRange,
): SectorRange[] {
  const map = chunkMap(self, snapshot);
  const first = Math.floor(sector / chunkSectors);
  const past = Math.min(Math.ceil((sector + sectors) / chunkSectors), map.sectors);
  const missing: SectorRange[] = [];
  let at = first;
  for (const run of first < past ? map.allocatedRuns(first, past - first) : []) {
    if (run.sector > at) missing.push({ sector: at, sectors: run.sector - at });
    at = run.sector + run.sectors;
  }
  if (at < past) missing.push({ sector: at, sectors: past - at });
  return missing;
}

/** For the array: before sectors of one of its media change. False: refuse, there is no space. */
export function mayOverwrite(array: ArrayEntity, medium: string, range: SectorRange): boolean {
  const found = baseUnder(array, medium);
  return found === undefined || keepOld(found.vvols, found.base, range).fits;
}

/**
 * Keeps what a write is about to change and tells how long that took; 0 when nothing was to be
 * kept. The write itself lands in a later event.
 */
export function copyFirst(array: ArrayEntity, medium: string, range: SectorRange): number {
  const found = baseUnder(array, medium);
  if (found === undefined) return 0;
  const { chunks, sectors } = keepOld(found.vvols, found.base, range);
  if (chunks === 0) return 0;
  const { timing } = array.config;
  if (sectors === 0) return 0;
  const readNs = drawServiceNs(array, "cow-read-ns", timing.read);
  const writeNs = drawServiceNs(array, "cow-write-ns", timing.write);
  return readNs + writeNs + 2 * (timing.seekNs + sectorsNs(timing, sectors));
}

function baseUnder(
  array: ArrayEntity,
  medium: string,
): { readonly vvols: VvolsEntity; readonly base: string } | undefined {
  const vvols = vvolsOf(array);
  if (vvols === undefined) return undefined;
  const base = medium.slice(volumeLabel("").length);
  return vvols.durable.bases[base] === undefined ? undefined : { vvols, base };
}

/**
 * A write that a power loss interrupts may have reached the medium, and then what it came over was
 * kept before. One that found no space for that has reached nothing.
 */
export function keepBeforePowerLoss(array: ArrayEntity): void {
  for (const { id, io, medium } of device(array).volatile.active) {
    if (io.op !== "write" && io.op !== "discard") continue;
    if (mayOverwrite(array, medium, io)) continue;
    const state = array.edit();
    state.active = state.active.filter((each) => each.id !== id);
  }
}
