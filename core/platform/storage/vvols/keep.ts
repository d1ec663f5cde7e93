/**
 * Copy on write: before a chunk of a base changes for the first time since its newest snapshot, what
 * it holds is copied to that snapshot. A first touch costs the array a read and two writes where any
 * other write costs one.
 *
 * Must hold: no sector of a base changes, by whatever way, unless its chunk is kept, and is the base's
 * own; what is kept and copied up is durable before the change is.
 */
import type { SectorRange } from "../../../kernel/index.ts";
import { type ArrayEntity, device, volumeLabel } from "../array-state.ts";
import { drawServiceNs, sectorsNs } from "../service-time.ts";
import { addUsedGrains, grainsOfRuns } from "../volumes.ts";
import { hasGrains, type Kept, NOTHING_KEPT, ownChunks } from "./clone-base.ts";
import { readVvol, vvolAllocation } from "./vvol-content.ts";
import { arrayOf, chunkMap, keptContent, type VvolsEntity, vvolsOf } from "./vvol-state.ts";

const NO_SPACE: Kept = { fits: false, chunks: 0, sectors: 0 };

/** Keeps, for the newest snapshot of `base`, the chunks of a range that are about to change. */
export function keepOld(self: VvolsEntity, base: string, range: SectorRange): Kept {
  const { snapshots, chunkSectors } = self.durable.bases[base]!;
  const newest = snapshots.at(-1);
  if (newest === undefined) return NOTHING_KEPT;
  const spans = missingChunks(self, newest, chunkSectors, range);
  if (spans.length === 0) return NOTHING_KEPT;
  const array = arrayOf(self);
  const { sectors: size } = self.durable.snapshots[newest]!;
  const allocated = spans.flatMap(({ sector, sectors }) => {
    const from = sector * chunkSectors;
    const to = Math.min((sector + sectors) * chunkSectors, size);
    return vvolAllocation(self, base, { sector: from, sectors: to - from });
  });
  const grains = grainsOfRuns(allocated, array.config.grainSectors);
  if (!hasGrains(array, grains)) return NO_SPACE;
  const kept = keptContent(self, newest, size);
  let copied = 0;
  for (const { sector, sectors } of allocated) {
    kept.write(sector, readVvol(self, base, { sector, sectors }));
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
  if (found === undefined) return true;
  const { vvols, base } = found;
  return keepOld(vvols, base, range).fits && ownChunks(vvols, base, range).fits;
}

/**
 * Keeps what a write is about to change and tells how long that took; 0 when nothing was to be
 * kept. The write itself lands in a later event.
 */
export function copyFirst(array: ArrayEntity, medium: string, range: SectorRange): number {
  const found = baseUnder(array, medium);
  if (found === undefined) return 0;
  const { vvols, base } = found;
  const keptNs = copyNs(array, keepOld(vvols, base, range));
  return keptNs + copyNs(array, ownChunks(vvols, base, range));
}

/** Time to read and write what was copied; nothing was: none. */
function copyNs(array: ArrayEntity, { sectors }: Kept): number {
  if (sectors === 0) return 0;
  const { timing } = array.config;
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
