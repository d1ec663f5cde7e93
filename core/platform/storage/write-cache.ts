/**
 * The volatile write cache of a device, and what a power loss makes of it.
 *
 * Must hold: cached writes reach the medium in the order of their acknowledgement; a power loss
 * keeps a subset of them that respects barriers, and any sectors of a write that it interrupts. All
 * of that choice is drawn, so it can be steered: `crash-pattern` (0 none, 1 all, 2 a prefix, 3 each
 * by itself), `crash-prefix`, `crash-generation`, `crash-fate` (0 lost, 1 kept, 2 torn) and
 * `crash-torn` (how many leading, or trailing, sectors landed).
 */
import {
  type ContentRun,
  type Distribution,
  type SectorContent,
  uniform,
} from "../../kernel/index.ts";
import { sliceRuns, overlaps } from "./block.ts";
import {
  type CachedWrite,
  currentContent,
  type DeviceEntity,
  type DeviceOp,
  durableContent,
  POWER_LOST,
  refreshCurrent,
  tell,
} from "./device-state.ts";
import { sectorsNs } from "./service-time.ts";

/** Writes that the cache keeps apart; more, and the oldest go to the medium at once. */
const MAX_CACHED_WRITES = 512;
const DESTAGE_BATCH = 64;

const PATTERN: Distribution = uniform(4);
const FATE: Distribution = { kind: "choice", weights: [4, 3, 1] };
const FATE_OF_ONE_SECTOR: Distribution = uniform(2);

type Piece = {
  readonly sector: number;
  readonly sectors: number;
  /** Null: a discard. */
  readonly runs: readonly ContentRun[] | null;
};

export function applyPiece(content: SectorContent, piece: Piece): void {
  if (piece.runs === null) content.discard(piece.sector, piece.sectors);
  else content.write(piece.sector, piece.runs);
}

/** Takes an acknowledged write: durable at once without a cache or with `fua`, else cached. */
export function takeWrite(
  self: DeviceEntity,
  medium: string,
  piece: Piece,
  flags: { readonly fua?: boolean; readonly barrier?: boolean },
): void {
  const { cacheSectors } = self.config;
  if (cacheSectors === 0) {
    applyPiece(durableContent(self, medium), piece);
    return self.durableStep("write");
  }
  applyPiece(currentContent(self, medium), piece);
  if (flags.fua === true || piece.sectors > cacheSectors) {
    writeThrough(self, medium, piece);
    if (flags.barrier === true) self.edit().cache.generation++;
    return;
  }
  const { cache } = self.edit();
  const { sector, sectors, runs } = piece;
  const { generation } = cache;
  const write: CachedWrite = { id: cache.next++, medium, sector, sectors, runs, generation };
  (cache.writes as CachedWrite[]).push(write);
  cache.sectors += sectors;
  if (flags.barrier === true) cache.generation++;
  while (cache.sectors > cacheSectors || cache.writes.length > MAX_CACHED_WRITES) {
    persistOldest(self, 1);
  }
  startDestaging(self);
}

/** A write that passes the cache; an older cached one must not come back over it. */
function writeThrough(self: DeviceEntity, medium: string, piece: Piece): void {
  const { writes, generation } = self.volatile.cache;
  const inTheWay = writes.some(
    (each) => each.medium === medium && (each.generation !== generation || overlaps(each, piece)),
  );
  if (inTheWay) persistMedium(self, medium, Infinity);
  applyPiece(durableContent(self, medium), piece);
  self.durableStep("write-through");
}

/** Puts the cached writes of a medium up to number `through` on it. */
export function persistMedium(self: DeviceEntity, medium: string, through: number): boolean {
  const { writes } = self.volatile.cache;
  if (!writes.some((write) => write.medium === medium && write.id <= through)) return false;
  const { cache } = self.edit();
  const content = durableContent(self, medium);
  const kept: CachedWrite[] = [];
  for (const write of cache.writes as CachedWrite[]) {
    if (write.medium !== medium || write.id > through) {
      kept.push(write);
      continue;
    }
    applyPiece(content, write);
    cache.sectors -= write.sectors;
  }
  cache.writes = kept as never;
  return true;
}

function persistOldest(self: DeviceEntity, count: number): void {
  const { cache } = self.edit();
  for (const write of cache.writes.splice(0, count) as CachedWrite[]) {
    applyPiece(durableContent(self, write.medium), write);
    cache.sectors -= write.sectors;
  }
  self.durableStep("destage");
}

function startDestaging(self: DeviceEntity): void {
  if (self.volatile.cache.destaging) return;
  self.edit().cache.destaging = true;
  self.after(self.config.destageNs, "destage");
}

/** Timer: a batch of the oldest writes goes to the medium, and the next one takes its time. */
export function destage(self: DeviceEntity): void {
  if (self.volatile.cache.writes.length > 0) persistOldest(self, DESTAGE_BATCH);
  const { cache } = self.edit();
  if (cache.writes.length === 0) {
    cache.destaging = false;
    return;
  }
  const { timing } = self.config;
  let batchNs = 0;
  for (const write of cache.writes.slice(0, DESTAGE_BATCH)) {
    batchNs += timing.seekNs + sectorsNs(timing, write.sectors);
  }
  self.after(Math.max(batchNs, self.config.destageNs), "destage");
}

// --- power loss ---------------------------------------------------------------------------------

/** Decides what survives of everything that was not durable, and forgets the rest. */
export function losePower(
  self: DeviceEntity,
  media: readonly string[],
  mayLand: (op: DeviceOp) => boolean = () => true,
): void {
  const { active, cache } = self.volatile;
  for (const medium of media) {
    const writes = cache.writes.filter((write) => write.medium === medium);
    const acknowledged = writes.length;
    for (const op of active) {
      if (op.medium === medium && mayLand(op)) writes.push(...interrupted(op, cache.generation));
    }
    if (writes.length > 0) keepSome(self, medium, writes, acknowledged);
    tell(self, POWER_LOST, () => ({ medium, unacknowledged: writes.slice(acknowledged) }));
  }
}

/** A write in service may have reached the medium, in whole or in part. */
function interrupted({ io, medium }: DeviceOp, generation: number): CachedWrite[] {
  if (io.op !== "write" && io.op !== "discard") return [];
  const { sector, sectors } = io;
  const runs = io.op === "write" ? io.runs : null;
  return [{ id: 0, medium, sector, sectors, runs, generation }];
}

function keepSome(
  self: DeviceEntity,
  medium: string,
  writes: readonly CachedWrite[],
  acknowledged: number,
): void {
  const content = durableContent(self, medium);
  let lostWrites = 0;
  let lostSectors = 0;
  const ordered = writes[0]!.generation !== writes.at(-1)!.generation;
  drawSurvivors(self, writes).forEach((kept, index) => {
    const write = writes[index]!;
    const survivor =
      kept.sectors === write.sectors && !ordered ? tearAtRate(self, write, kept) : kept;
    if (survivor.sectors > 0) applyPiece(content, survivor);
    if (index >= acknowledged || survivor.sectors === write.sectors) return;
    lostWrites++;
    lostSectors += write.sectors - survivor.sectors;
  });
  refreshCurrent(self, medium);
  if (lostWrites === 0) return;
  self.notice("lost-writes", {
    device: self.name,
    medium,
    writes: lostWrites,
    sectors: lostSectors,
  });
}

/** What lands of each write, in order. */
function drawSurvivors(self: DeviceEntity, writes: readonly CachedWrite[]): Piece[] {
  switch (self.draw("crash-pattern", PATTERN)) {
    case 0:
      return writes.map(nothingOf);
    case 1:
      return [...writes];
    case 2: {
      const whole = self.draw("crash-prefix", uniform(writes.length + 1));
      return writes.map((write, index) => {
        if (index < whole) return write;
        return index === whole && write.sectors > 1 ? drawTorn(self, write) : nothingOf(write);
      });
    }
    default:
      return drawEach(self, writes);
  }
}

/** All before the drawn generation, nothing after it, each write of it by itself. */
function drawEach(self: DeviceEntity, writes: readonly CachedWrite[]): Piece[] {
  const generations = [...new Set(writes.map((write) => write.generation))];
  const last = generations.length - 1;
  const cut = last === 0 ? 0 : self.draw("crash-generation", uniform(last + 1));
  return writes.map((write) => {
    const generation = generations.indexOf(write.generation);
    if (generation !== cut) return generation < cut ? write : nothingOf(write);
    const fate = self.draw("crash-fate", write.sectors > 1 ? FATE : FATE_OF_ONE_SECTOR);
    if (fate === 2) return drawTorn(self, write);
    return fate === 1 ? write : nothingOf(write);
  });
}

const nothingOf = ({ sector }: CachedWrite): Piece => ({ sector, sectors: 0, runs: null });

/** Some of the first, or some of the last, sectors of a write. */
export function drawTorn(self: DeviceEntity, write: Piece, purpose = "crash-torn"): Piece {
  const most = write.sectors - 1;
  const drawn = self.draw(purpose, uniform(2 * most)) + 1;
  const sectors = drawn > most ? drawn - most : drawn;
  const skip = drawn > most ? write.sectors - sectors : 0;
  const runs = write.runs === null ? null : sliceRuns(write.runs, skip, sectors);
  return { sector: write.sector + skip, sectors, runs };
}

function tearAtRate(self: DeviceEntity, write: CachedWrite, kept: Piece): Piece {
  const { tornWrite } = self.config.rates;
  if (tornWrite === undefined || write.sectors === 1) return kept;
  return self.draw("torn-write", tornWrite) === 1 ? drawTorn(self, write) : kept;
}
