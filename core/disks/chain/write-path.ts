/**
 * Writes of the guest: they lock their grains, copy up what the grains lack, go to the top layer,
 * and to the target of a merge that mirrors the disk.
 */
import type { BlockRequest } from "../../platform/index.ts";
import type { ContentRun, SectorRange } from "../../kernel/index.ts";
import { absentRanges, locateUpTo, mapOf } from "./layers.ts";
import { lockRange, takeLock } from "./range-locks.ts";
import {
  flightOf,
  isMirrored,
  pass,
  type Piece,
  readPieces,
  targetTag,
  type VirtualDiskEntity,
} from "./virtual-disk-state.ts";

export type Written = Extract<BlockRequest, { op: "write" | "discard" }>;

/** Locks what the write touches, or queues it behind whoever holds some of it. */
export function startWrite(self: VirtualDiskEntity, id: number): void {
  const body = self.volatile.flights[id]!.request.body as Written;
  if (!takeLock(self, id, lockRange(self, body))) return;
  noteWritten(self, body.sector, body.sectors);
  copyUp(self, id, body);
}

/** Before the write is sent, so that what was written is never missing among what changed. */
export function noteWritten(self: VirtualDiskEntity, sector: number, sectors: number): void {
  if (self.volatile.changedSince === null) return;
  self.content("changed", self.config.sectors).writeZeros(sector, sectors);
}

/** Reads from below what the grains of this write lack, apart from what the write brings. */
function copyUp(self: VirtualDiskEntity, id: number, body: Written): void {
  const { layers } = self.volatile;
  const top = layers.length - 1;
  const missing = top === 0 ? [] : missingOfGrains(self, body);
  if (missing.length === 0) return writeUp(self, id);
  const pieces = missing.flatMap(({ sector, sectors }) =>
    locateUpTo(self, top - 1, sector, sectors),
  );
  flightOf(self, id).copying = true;
  readPieces(self, id, pieces);
}

function missingOfGrains(self: VirtualDiskEntity, write: SectorRange): SectorRange[] {
  const { grainSectors, sectors: size } = self.config;
  const map = mapOf(self, self.volatile.layers.length - 1);
  const first = write.sector - (write.sector % grainSectors);
  const after = write.sector + write.sectors;
  const last = Math.min(size, Math.ceil(after / grainSectors) * grainSectors);
  return [
    ...absentRanges(map, first, write.sector - first),
    ...absentRanges(map, after, last - after),
  ];
}

/** Writes what was copied and what the guest brings; contiguous sectors go as one request. */
export function writeUp(self: VirtualDiskEntity, id: number): void {
  const { request, pieces: copied } = self.volatile.flights[id]!;
  const body = request.body as Written;
  const { sector, sectors } = body;
  const copiedSectors = copied.reduce((sum, piece) => sum + piece.sectors, 0);
  if (copiedSectors > 0) self.edit().copiedSectors += copiedSectors;
  const { layers } = self.volatile;
  const { device, kind } = layers.at(-1)!;
  const flight = flightOf(self, id);
  flight.copying = false;
  if (kind === "flat") {
    flight.pieces = [];
    pass(self, id, device, body, 0);
  } else {
    const runs: readonly ContentRun[] = body.op === "write" ? body.runs : zeros(sectors);
    const all = [...copied, { sector, sectors, runs }].sort((a, b) => a.sector - b.sector);
    const writes = joined(all);
    flight.pieces = writes.map((write) => ({ ...write, runs: [] }));
    const fua = body.op === "write" && body.fua === true;
    writes.forEach((write, piece) => {
      const { sector: from, sectors: length, runs: content } = write;
      const io = { op: "write", sector: from, sectors: length, runs: content, fua } as const;
      pass(self, id, device, io, piece);
    });
  }
  if (isMirrored(self.volatile)) mirror(self, id, body);
}

/** The same write to the target. Zeros may be a discard there, never a hole that shows the base. */
function mirror(self: VirtualDiskEntity, id: number, body: Written): void {
  const { id: mergeId, target, zeros: zerosBy } = self.volatile.merge!;
  flightOf(self, id).target = "sent";
  const { sector, sectors } = body;
  const asWrite = body.op === "discard" && zerosBy === "write";
  const request: BlockRequest = asWrite
    ? { op: "write", sector, sectors, runs: zeros(sectors) }
    : body;
  pass(self, id, target, request, targetTag(mergeId));
}

const zeros = (sectors: number): readonly ContentRun[] => [{ kind: "zero", sectors }];

function joined(pieces: readonly Piece[]): Piece[] {
  const writes: Piece[] = [];
  for (const piece of pieces) {
    const last = writes.at(-1);
    if (last === undefined || last.sector + last.sectors !== piece.sector) {
      writes.push({ ...piece });
    } else {
      const sectors = last.sectors + piece.sectors;
      writes[writes.length - 1] = {
        sector: last.sector,
        sectors,
        runs: [...last.runs, ...piece.runs],
      };
    }
  }
  return writes;
}
