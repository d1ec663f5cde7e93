/** What a snapshot holds, read through those after it; and where two points in time differ. */
import { type ContentRun, SectorContent, type SectorRange } from "../../../kernel/index.ts";
import { baseContent, chunkMap, keptContent, type VvolsEntity } from "./vvol-state.ts";

/** A piece of a read and the snapshot that keeps it; null: the base. */
type KeptPiece = SectorRange & { readonly by: string | null };

/** The snapshots whose kept chunks a vvol reads, itself first; none for a base. */
function readOrder(self: VvolsEntity, vvol: string): readonly string[] {
  const { base } = self.durable.snapshots[vvol]!;
  const { snapshots } = self.durable.bases[base]!;
  return snapshots.slice(snapshots.indexOf(vvol));
}

function locate(
  self: VvolsEntity,
  order: readonly string[],
  chunkSectors: number,
  { sector, sectors }: SectorRange,
  pieces: KeptPiece[],
): void {
  if (sectors === 0) return;
  const [first, ...later] = order;
  if (first === undefined) {
    pieces.push({ sector, sectors, by: null });
    return;
  }
  const map = chunkMap(self, first);
  const firstChunk = Math.floor(sector / chunkSectors);
  const pastChunk = Math.min(Math.ceil((sector + sectors) / chunkSectors), map.sectors);
  const past = sector + sectors;
  let at = sector;
  for (const run of map.allocatedRuns(firstChunk, Math.max(0, pastChunk - firstChunk))) {
    const from = Math.max(run.sector * chunkSectors, sector);
    const to = Math.min((run.sector + run.sectors) * chunkSectors, past);
    locate(self, later, chunkSectors, { sector: at, sectors: from - at }, pieces);
    pieces.push({ sector: from, sectors: to - from, by: first });
    at = to;
  }
  locate(self, later, chunkSectors, { sector: at, sectors: past - at }, pieces);
}

/** Who answers for each piece of a range of a snapshot, in order. */
function piecesOf(self: VvolsEntity, vvol: string, range: SectorRange): KeptPiece[] {
  const { base } = self.durable.snapshots[vvol]!;
  const pieces: KeptPiece[] = [];
  const { chunkSectors } = self.durable.bases[base]!;
  locate(self, readOrder(self, vvol), chunkSectors, range, pieces);
  return pieces;
}

function contentOf(self: VvolsEntity, vvol: string, by: string | null): SectorContent {
  if (by !== null) return keptContent(self, by, self.durable.snapshots[by]!.sectors);
  return baseContent(self, self.durable.snapshots[vvol]!.base);
}

/** Content of a range of a taken snapshot or a base. */
export function readVvol(self: VvolsEntity, vvol: string, range: SectorRange): ContentRun[] {
  if (self.durable.snapshots[vvol] === undefined) {
    return baseContent(self, vvol).read(range.sector, range.sectors);
  }
  return piecesOf(self, vvol, range).flatMap(({ sector, sectors, by }) =>
    contentOf(self, vvol, by).read(sector, sectors),
  );
}

/** Sectors of a range that are written, in order. */
export function vvolAllocation(
  self: VvolsEntity,
  vvol: string,
  range: SectorRange,
): readonly SectorRange[] {
  if (self.durable.snapshots[vvol] === undefined) {
    return baseContent(self, vvol).allocatedRuns(range.sector, range.sectors);
  }
  return piecesOf(self, vvol, range).flatMap(({ sector, sectors, by }) =>
    contentOf(self, vvol, by).allocatedRuns(sector, sectors),
  );
}

/** All of a snapshot as one content, the base's with what is kept over it. For observers, exports. */
export function wholeVvol(self: VvolsEntity, vvol: string): SectorContent {
  const { sectors, base } = self.durable.snapshots[vvol]!;
  const { chunkSectors } = self.durable.bases[base]!;
  const whole = baseContent(self, base).fork();
  for (const by of readOrder(self, vvol).toReversed()) {
    const kept = contentOf(self, vvol, by);
    for (const chunks of chunkMap(self, by).allocatedRuns()) {
      const from = chunks.sector * chunkSectors;
      const to = Math.min((chunks.sector + chunks.sectors) * chunkSectors, kept.sectors);
      whole.discard(from, to - from);
      for (const run of kept.allocatedRuns(from, to - from)) {
        whole.write(run.sector, kept.read(run.sector, run.sectors));
      }
    }
  }
  whole.resize(sectors);
  return whole;
}

/** The base of a vvol, which may be that base. */
export const baseOf = (self: VvolsEntity, vvol: string): string =>
  self.durable.snapshots[vvol]?.base ?? vvol;

/**
 * Chunks in which a vvol may differ from another of its family, as ranges of sectors: all that was
 * overwritten between the two. More than what differs where a chunk was rewritten with what it had;
 * never less.
 */
export function unsharedRanges(self: VvolsEntity, a: string, b: string): readonly SectorRange[] {
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

export const vvolSectors = (self: VvolsEntity, vvol: string): number =>
  self.durable.snapshots[vvol]?.sectors ?? baseContent(self, vvol).sectors;
