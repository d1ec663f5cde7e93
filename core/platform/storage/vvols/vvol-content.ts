/**
 * What a vvol holds: a snapshot is read through those after it, down to its base; and of a clone's
 * base what it shares is read in the snapshot that it is a clone of.
 */
import {
  type ContentRun,
  DerivedContents,
  type SectorContent,
  type SectorRange,
  WhileSame,
} from "../../../kernel/index.ts";
import {
  baseContent,
  chunkMap,
  keptContent,
  ownedMap,
  type VvolsEntity,
  type VvolSnapshot,
} from "./vvol-state.ts";

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

const keptOf = (self: VvolsEntity, by: string): SectorContent =>
  keptContent(self, by, self.durable.snapshots[by]!.sectors);

/** A piece of a base that lies in it, or that a clone shares with its origin. */
export type OwnPiece = SectorRange & { readonly shared: boolean };

/** Who answers for each piece of a range of a base, in order. */
export function ownPieces(self: VvolsEntity, base: string, range: SectorRange): OwnPiece[] {
  const { origin, chunkSectors } = self.durable.bases[base]!;
  if (origin === undefined) return [{ ...range, shared: false }];
  const { sectors: size } = self.durable.snapshots[origin]!;
  const map = ownedMap(self, base, origin);
  const past = range.sector + range.sectors;
  const end = Math.min(past, size);
  const pieces: OwnPiece[] = [];
  let at = range.sector;
  const upTo = (to: number, shared: boolean): void => {
    if (to > at) pieces.push({ sector: at, sectors: to - at, shared });
    at = Math.max(at, to);
  };
  const first = Math.floor(at / chunkSectors);
  const pastChunk = Math.ceil(end / chunkSectors);
  for (const run of first < pastChunk ? map.allocatedRuns(first, pastChunk - first) : []) {
    upTo(Math.min(run.sector * chunkSectors, end), true);
    upTo(Math.min((run.sector + run.sectors) * chunkSectors, end), false);
  }
  upTo(end, true);
  upTo(past, false);
  return pieces;
}

function readBase(self: VvolsEntity, base: string, range: SectorRange): ContentRun[] {
  const origin = self.durable.bases[base]!.origin!;
  return ownPieces(self, base, range).flatMap(({ shared, ...piece }) =>
    shared
      ? readVvol(self, origin, piece)
      : baseContent(self, base).read(piece.sector, piece.sectors),
  );
}

function baseAllocation(self: VvolsEntity, base: string, range: SectorRange): SectorRange[] {
  const origin = self.durable.bases[base]!.origin!;
  return ownPieces(self, base, range).flatMap(({ shared, ...piece }) =>
    shared
      ? vvolAllocation(self, origin, piece)
      : baseContent(self, base).allocatedRuns(piece.sector, piece.sectors),
  );
}

/** Content of a range of a taken snapshot or a base. */
export function readVvol(self: VvolsEntity, vvol: string, range: SectorRange): ContentRun[] {
  if (self.durable.snapshots[vvol] === undefined) return readBase(self, vvol, range);
  return piecesOf(self, vvol, range).flatMap(({ sector, sectors, by }) =>
    by === null
      ? readBase(self, baseOf(self, vvol), { sector, sectors })
      : keptOf(self, by).read(sector, sectors),
  );
}

/** Sectors of a range that are written, in order. */
export function vvolAllocation(
  self: VvolsEntity,
  vvol: string,
  range: SectorRange,
): readonly SectorRange[] {
  if (self.durable.snapshots[vvol] === undefined) return baseAllocation(self, vvol, range);
  return piecesOf(self, vvol, range).flatMap(({ sector, sectors, by }) =>
    by === null
      ? baseAllocation(self, baseOf(self, vvol), { sector, sectors })
      : keptOf(self, by).allocatedRuns(sector, sectors),
  );
}

const wholes = new DerivedContents();

/** All of a base, with what it shares. Not to be changed. */
function wholeBase(self: VvolsEntity, base: string): SectorContent {
  const { origin } = self.durable.bases[base]!;
  const own = baseContent(self, base);
  if (origin === undefined) return own;
  const from = wholeVvol(self, origin);
  return wholes.of([from, ownedMap(self, base, origin), own], () =>
    withShared(self, base, own, from),
  );
}

function withShared(
  self: VvolsEntity,
  base: string,
  own: SectorContent,
  from: SectorContent,
): SectorContent {
  const whole = own.fork();
  for (const { shared, sector, sectors } of ownPieces(self, base, {
    sector: 0,
    sectors: own.sectors,
  })) {
    if (!shared) continue;
    for (const run of from.allocatedRuns(sector, sectors)) {
      whole.write(run.sector, from.read(run.sector, run.sectors));
    }
  }
  return whole;
}

/**
 * All of a vvol as one content, the base's with what is kept over it. Not to be changed. For
 * observers, exports.
 */
export function wholeVvol(self: VvolsEntity, vvol: string): SectorContent {
  const snapshot = self.durable.snapshots[vvol];
  if (snapshot === undefined) return wholeBase(self, vvol);
  const parts = partsOf(self, vvol, snapshot.base);
  return wholes.of(parts, () =>
    withKept(self, snapshot, parts[0]!, readOrder(self, vvol).toReversed()),
  );
}

/** The contents that a snapshot is put together of: its base first. */
function partsOf(self: VvolsEntity, vvol: string, base: string): readonly SectorContent[] {
  const known = knownParts.at(self, self.durableEdits, self.world.contents.generation);
  const before = known.get(vvol);
  if (before !== undefined) return before;
  const below = wholeBase(self, base);
  const order = readOrder(self, vvol).toReversed();
  const parts = [below, ...order.flatMap((by) => [chunkMap(self, by), keptOf(self, by)])];
  // What a clone shares is put together too, and is another one once that has changed.
  if (self.durable.bases[base]!.origin === undefined) known.set(vvol, parts);
  return parts;
}

/** Parts as they were found: they are the same while neither snapshots nor contents come or go. */
const knownParts = new WhileSame<VvolsEntity, readonly SectorContent[]>();

function withKept(
  self: VvolsEntity,
  { sectors, base }: VvolSnapshot,
  below: SectorContent,
  order: readonly string[],
): SectorContent {
  const { chunkSectors } = self.durable.bases[base]!;
  const whole = below.fork();
  for (const by of order) {
    const kept = keptOf(self, by);
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

export const vvolSectors = (self: VvolsEntity, vvol: string): number =>
  self.durable.snapshots[vvol]?.sectors ?? baseContent(self, vvol).sectors;
