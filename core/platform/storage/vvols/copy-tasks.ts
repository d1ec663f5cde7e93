/**
 * Tasks that move content inside the array, some chunks at a time: revert of a base to one of its
 * snapshots, and copying of differences to another volume.
 *
 * Must hold: each step is one event; a crash between two leaves a base, or a target, torn, and it is
 * the host that must have kept a way back (a safety snapshot, a target that nothing leads to yet).
 */
import type { SectorRange } from "../../../kernel/index.ts";
import { device, volumeLabel } from "../array-state.ts";
import { currentContent } from "../device-state.ts";
import { drawServiceNs, sectorsNs } from "../service-time.ts";
import { persistMedium } from "../write-cache.ts";
import { nextShared, ownChunks } from "./clone-base.ts";
import { detachClone } from "./hierarchy.ts";
import { gapsOf, writeVolume } from "./base-writes.ts";
import type { Piece } from "./land-piece.ts";
import { allocatedChunks, unsharedRanges } from "./differences.ts";
import { readVvol, vvolAllocation, vvolSectors } from "./vvol-content.ts";
import { arrayOf, type VvolsEntity } from "./vvol-state.ts";

export type RevertBody = {
  readonly base: string;
  readonly snapshot: string;
  /** Reverts with a lower number come too late from then on. */
  readonly fence: number;
};

/** Copies what `from` has and `since` has not to the volume or base `to`. */
export type CopyBody = {
  /** A snapshot or base, or a plain volume. */
  readonly from: string;
  /** What `to` holds already; null: all that is written in `from`. */
  readonly since: string | null;
  readonly to: string;
};

/** What a step did: how far it came, what it moved, and why it stopped. */
export type CopyStep = {
  readonly cursor: number;
  readonly sectors: number;
  readonly done: boolean;
  readonly code: string;
};

/** Chunks that one step moves. */
const STEP_CHUNKS = 16;

const stopped = (cursor: number, code: string): CopyStep => ({
  cursor,
  sectors: 0,
  done: true,
  code,
});

/** Undefined: the revert may begin or go on. */
export function revertProblem(self: VvolsEntity, body: RevertBody): string | undefined {
  const { bases, snapshots } = self.durable;
  const base = bases[body.base];
  if (base === undefined || snapshots[body.snapshot]?.state !== "taken") return "gone";
  if (self.durable.bindings[body.base] !== undefined) return "bound";
  return body.fence < base.fence ? "superseded" : undefined;
}

/** From now on earlier reverts are too late; and no cached write may land on what is reverted. */
export function beginRevert(self: VvolsEntity, { base, fence }: RevertBody): void {
  self.editDurable().bases[base]!.fence = fence;
  persistMedium(device(arrayOf(self)), volumeLabel(base), Infinity);
  self.durableStep(`fence ${base}`);
}

export function revertStep(self: VvolsEntity, body: RevertBody, cursor: number): CopyStep {
  const problem = revertProblem(self, body);
  if (problem !== undefined) return stopped(cursor, problem);
  const { base, snapshot } = body;
  const { chunkSectors } = self.durable.bases[base]!;
  const size = vvolSectors(self, snapshot);
  const batch = nextBatch(unsharedRanges(self, snapshot, base), cursor, chunkSectors);
  const pieces = batch.flatMap(({ sector, sectors }): Piece[] => {
    const range = { sector, sectors: Math.max(0, Math.min(sector + sectors, size) - sector) };
    const beyond = { sector: sector + range.sectors, sectors: sectors - range.sectors };
    return [
      ...piecesOf(self, snapshot, range, null),
      ...(beyond.sectors > 0 ? [{ ...beyond, runs: null }] : []),
    ];
  });
  return moved(self, base, batch, pieces, cursor);
}

export type SplitBody = {
  /** A clone. */
  readonly vvol: string;
};

export const splitProblem = (self: VvolsEntity, { vvol }: SplitBody): string | undefined =>
  self.durable.bases[vvol] === undefined ? "gone" : undefined;

/** Copies up what the clone still shares, and lets its origin go; what shares nothing is done. */
export function splitStep(self: VvolsEntity, body: SplitBody, cursor: number): CopyStep {
  const problem = splitProblem(self, body);
  if (problem !== undefined) return stopped(cursor, problem);
  const next = nextShared(self, body.vvol, cursor, STEP_CHUNKS);
  if (next === null) {
    detachClone(self, body.vvol);
    return stopped(cursor, "");
  }
  const { fits, sectors } = ownChunks(self, body.vvol, next);
  if (!fits) return stopped(cursor, "no-space");
  return { cursor: next.sector + next.sectors, sectors, done: false, code: "" };
}

export function copyProblem(self: VvolsEntity, { from, since, to }: CopyBody): string | undefined {
  const array = arrayOf(self);
  const exists = (name: string): boolean =>
    self.durable.snapshots[name]?.state === "taken" ||
    array.durable.volumes[volumeLabel(name)] !== undefined;
  if (![from, to, ...(since === null ? [] : [since])].every(exists)) return "gone";
  if (sizeOf(self, from) > sizeOf(self, to)) return "too-small";
  return undefined;
}

export function copyStep(self: VvolsEntity, body: CopyBody, cursor: number): CopyStep {
  const problem = copyProblem(self, body);
  if (problem !== undefined) return stopped(cursor, problem);
  const { from, since, to } = body;
  const chunkSectors = self.durable.bases[to]?.chunkSectors ?? self.config.chunkSectors;
  const batch = nextBatch(differencesOf(self, from, since), cursor, chunkSectors);
  const target = self.durable.bases[to] === undefined ? "volume" : "base";
  const pieces = batch.flatMap((range) =>
    piecesOf(self, from, within(range, sizeOf(self, from)), since, target),
  );
  return moved(self, to, batch, pieces, cursor);
}

/** What is to be copied: chunks of a family, or exactly what a plain volume holds. */
export function differencesOf(
  self: VvolsEntity,
  from: string,
  since: string | null,
): readonly SectorRange[] {
  if (since !== null) return unsharedRanges(self, from, since);
  if (!isVvol(self, from)) return volumeContentOf(self, from).allocatedRuns();
  return allocatedChunks(self, from);
}

const within = ({ sector, sectors }: SectorRange, size: number): SectorRange => ({
  sector,
  sectors: Math.max(0, Math.min(sector + sectors, size) - sector),
});

function nextBatch(
  ranges: readonly SectorRange[],
  cursor: number,
  chunkSectors: number,
): readonly SectorRange[] {
  const batch: SectorRange[] = [];
  let room = STEP_CHUNKS * chunkSectors;
  for (const { sector, sectors } of ranges) {
    const from = Math.max(sector, cursor);
    const take = Math.min(sector + sectors - from, room);
    if (take <= 0) continue;
    batch.push({ sector: from, sectors: take });
    room -= take;
  }
  return batch;
}

function moved(
  self: VvolsEntity,
  to: string,
  batch: readonly SectorRange[],
  pieces: readonly Piece[],
  cursor: number,
): CopyStep {
  const last = batch.at(-1);
  if (last === undefined) return { cursor, sectors: 0, done: true, code: "" };
  if (!writeVolume(arrayOf(self), to, pieces)) return stopped(cursor, "no-space");
  const sectors = batch.reduce((sum, range) => sum + range.sectors, 0);
  self.world.addWork(Math.ceil(sectors / 8));
  return { cursor: last.sector + last.sectors, sectors, done: false, code: "" };
}

/**
 * A range of `from` as it is to be written. Where it holds nothing the target is to read as zeros:
 * a base forgets the sectors; a volume, which may hide what is below it, takes zeros, and only
 * where `since` held something.
 */
function piecesOf(
  self: VvolsEntity,
  from: string,
  range: SectorRange,
  since: string | null,
  target: "base" | "volume" = "base",
): Piece[] {
  if (range.sectors === 0) return [];
  const held = allocationOf(self, from, range);
  const pieces: Piece[] = held.map((each) => ({ ...each, runs: readOf(self, from, each) }));
  const gaps = gapsOf(range, held);
  if (target === "base") return [...pieces, ...gaps.map((gap) => ({ ...gap, runs: null }))];
  if (since === null) return pieces;
  const size = vvolSectors(self, since);
  const hidden = gaps.flatMap((gap) => {
    const inside = within(gap, size);
    return inside.sectors === 0 ? [] : vvolAllocation(self, since, inside);
  });
  return [
    ...pieces,
    ...hidden.map((each): Piece => {
      return { ...each, runs: [{ kind: "zero", sectors: each.sectors }] };
    }),
  ];
}

const isVvol = (self: VvolsEntity, name: string): boolean =>
  self.durable.snapshots[name] !== undefined || self.durable.bases[name] !== undefined;

const volumeContentOf = (self: VvolsEntity, name: string) =>
  currentContent(device(arrayOf(self)), volumeLabel(name));

function allocationOf(self: VvolsEntity, name: string, range: SectorRange): readonly SectorRange[] {
  if (isVvol(self, name)) return vvolAllocation(self, name, range);
  return volumeContentOf(self, name).allocatedRuns(range.sector, range.sectors);
}

function readOf(self: VvolsEntity, name: string, range: SectorRange) {
  if (isVvol(self, name)) return readVvol(self, name, range);
  return volumeContentOf(self, name).read(range.sector, range.sectors);
}

const sizeOf = (self: VvolsEntity, name: string): number =>
  isVvol(self, name) ? vvolSectors(self, name) : volumeContentOf(self, name).sectors;

/** Time that a step of so many sectors takes: read and written once. */
export function copyNs(self: VvolsEntity, sectors: number): number {
  const array = arrayOf(self);
  const { timing } = array.config;
  const readNs = drawServiceNs(array, "copy-read-ns", timing.read);
  const writeNs = drawServiceNs(array, "copy-write-ns", timing.write);
  return readNs + writeNs + 2 * sectorsNs(timing, sectors);
}
