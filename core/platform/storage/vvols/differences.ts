/** Where vvols hold something, and where two of them differ: bitmaps, told as ranges of sectors. */
import { SectorContent, type SectorRange } from "../../../kernel/index.ts";
import { baseOf, vvolAllocation, vvolSectors } from "./vvol-content.ts";
import { baseContent, chunkMap, ownedMap, type VvolsEntity } from "./vvol-state.ts";

/** Chunks of a vvol that hold a written sector. */
export function allocatedChunks(self: VvolsEntity, vvol: string): readonly SectorRange[] {
  const { bases, snapshots } = self.durable;
  const { chunkSectors } = bases[snapshots[vvol]?.base ?? vvol]!;
  const sectors = vvolSectors(self, vvol);
  const ranges: { sector: number; sectors: number }[] = [];
  for (const run of vvolAllocation(self, vvol, { sector: 0, sectors })) {
    const from = run.sector - (run.sector % chunkSectors);
    const past = Math.ceil((run.sector + run.sectors) / chunkSectors) * chunkSectors;
    const to = Math.min(past, sectors);
    const last = ranges.at(-1);
    if (last !== undefined && from <= last.sector + last.sectors) last.sectors = to - last.sector;
    else ranges.push({ sector: from, sectors: to - from });
  }
  return ranges;
}

/**
 * Chunks in which a vvol may differ from another, as ranges of sectors: in a family all that was
 * overwritten between the two; of a clone and the family that it shares chunks with what the clone
 * owns, and what lies between its origin and the other; of strangers all that either holds. More
 * than what differs where a chunk was rewritten with what it had; never less.
 */
export function unsharedRanges(self: VvolsEntity, a: string, b: string): readonly SectorRange[] {
  const [baseOfA, baseOfB] = [baseOf(self, a), baseOf(self, b)];
  if (baseOfA === baseOfB) return withinFamily(self, a, b);
  for (const [clone, other] of [
    [baseOfA, b],
    [baseOfB, a],
  ] as const) {
    const { origin } = self.durable.bases[clone]!;
    if (origin === undefined || !descendsFrom(self, clone, baseOf(self, other))) continue;
    const own = ownedRanges(self, clone, origin);
    return united(self, [a, b], [...own, ...unsharedRanges(self, origin, other)]);
  }
  return united(self, [a, b], [...allocatedChunks(self, a), ...allocatedChunks(self, b)]);
}

/** Whether a base is a clone, or the clone of a clone, of a snapshot of another. */
function descendsFrom(self: VvolsEntity, base: string, ancestor: string): boolean {
  const { origin } = self.durable.bases[base]!;
  if (origin === undefined) return false;
  const parent = baseOf(self, origin);
  return parent === ancestor || descendsFrom(self, parent, ancestor);
}

/** The base at which the origins of a vvol begin. */
export function rootOf(self: VvolsEntity, vvol: string): string {
  const base = baseOf(self, vvol);
  const { origin } = self.durable.bases[base]!;
  return origin === undefined ? base : rootOf(self, origin);
}

/** What a clone has of its own, with all beyond the end of its origin. */
function ownedRanges(self: VvolsEntity, clone: string, origin: string): readonly SectorRange[] {
  const { chunkSectors } = self.durable.bases[clone]!;
  const owned = ownedMap(self, clone, origin)
    .allocatedRuns()
    .map((run) => ({ sector: run.sector * chunkSectors, sectors: run.sectors * chunkSectors }));
  const size = baseContent(self, clone).sectors;
  const { sectors } = self.durable.snapshots[origin]!;
  const from = sectors - (sectors % chunkSectors);
  return size > sectors ? [...owned, { sector: from, sectors: size - from }] : owned;
}

/** Ranges in order, each chunk once, and none beyond the end of the larger of two vvols. */
function united(
  self: VvolsEntity,
  vvols: readonly string[],
  ranges: readonly SectorRange[],
): readonly SectorRange[] {
  const sizes = vvols.map((vvol) => vvolSectors(self, vvol));
  const size = Math.max(...sizes);
  const all = new SectorContent(size);
  for (const { sector, sectors } of ranges) {
    if (sector < size) all.writeZeros(sector, Math.min(sectors, size - sector));
  }
  return all.allocatedRuns().map(({ sector, sectors }) => ({ sector, sectors }));
}

function withinFamily(self: VvolsEntity, a: string, b: string): readonly SectorRange[] {
  const base = baseOf(self, a);
  const { snapshots, chunkSectors } = self.durable.bases[base]!;
  const place = (vvol: string): number =>
    vvol === base ? snapshots.length : snapshots.indexOf(vvol);
  const [from, to] = [place(a), place(b)].sort((x, y) => x - y) as [number, number];
  const sectors = baseContent(self, base).sectors;
  const changed = new SectorContent(Math.ceil(sectors / chunkSectors));
  for (const snapshot of snapshots.slice(from, to)) {
    for (const run of chunkMap(self, snapshot).allocatedRuns()) {
      changed.writeZeros(run.sector, run.sectors);
    }
  }
  addGrowth(self, changed, [a, b], chunkSectors);
  return changed.allocatedRuns().map(({ sector, sectors: chunks }) => ({
    sector: sector * chunkSectors,
    sectors: Math.min((sector + chunks) * chunkSectors, sectors) - sector * chunkSectors,
  }));
}

/** What only the larger of two has is a difference. */
function addGrowth(
  self: VvolsEntity,
  changed: SectorContent,
  vvols: readonly string[],
  chunkSectors: number,
): void {
  const sizes = vvols.map((each) => vvolSectors(self, each));
  const first = Math.floor(Math.min(...sizes) / chunkSectors);
  const past = Math.ceil(Math.max(...sizes) / chunkSectors);
  if (Math.min(...sizes) < Math.max(...sizes)) changed.writeZeros(first, past - first);
}
