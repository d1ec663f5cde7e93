/**
 * One range of a merge: what its source layers hold of it is read and written to the target while
 * the range is locked. Zeros are written, discarded or left out, so that a thin target stays thin.
 */
import { type BlockOutcome, type BlockRequest, refused } from "../../platform/index.ts";
import type { ContentRun, SectorRange } from "../../kernel/index.ts";
import { locateUpTo, markHeld } from "./layers.ts";
import {
  type CopyRequest,
  type Flight,
  flightOf,
  pass,
  readPieces,
  targetTag,
  type VirtualDiskEntity,
} from "./virtual-disk-state.ts";

/** Reads from the sources; with nothing to read the flight is finished by the caller. */
export function startCopy(self: VirtualDiskEntity, id: number): void {
  const { merge } = self.volatile;
  const flight = flightOf(self, id);
  if (merge === null || merge.failed !== null) return;
  const { sector, sectors, whole } = flight.request.body as CopyRequest;
  // A write that the sources refused is in a target that is none of them, over what lies below.
  const from = whole && merge.layer < 0 ? 0 : merge.from;
  const pieces = locateUpTo(self, merge.to, sector, sectors).filter(({ layer }) => layer >= from);
  flight.copying = pieces.length > 0;
  readPieces(self, id, pieces);
}

/** Writes what was read; when nothing has to be, the flight is finished by the caller. */
export function writeCopy(self: VirtualDiskEntity, id: number): void {
  const { merge } = self.volatile;
  const flight = flightOf(self, id);
  flight.copying = false;
  if (merge === null || merge.failed !== null) return;
  const { whole } = flight.request.body as CopyRequest;
  flight.target = "sent";
  for (const { sector, sectors, runs } of flight.pieces) {
    for (const part of parted(sector, runs)) {
      const write: BlockRequest = { op: "write", ...part };
      const discard: BlockRequest = { op: "discard", sector: part.sector, sectors: part.sectors };
      const isZero = part.runs[0]!.kind === "zero";
      if (!isZero || merge.zeros === "write")
        pass(self, id, merge.target, write, targetTag(merge.id));
      else if (whole || merge.zeros === "discard") {
        pass(self, id, merge.target, discard, targetTag(merge.id));
      }
    }
    self.world.addWork(Math.ceil(sectors / 8));
  }
}

/** How it ended; after a failure the merge's `failed` or the code say on which side. */
export function finishCopy(self: VirtualDiskEntity, flight: Flight): BlockOutcome {
  const { merge } = self.volatile;
  const { pieces, error, target } = flight;
  if (error !== null) return refused("source-error", error.code);
  if (merge === null) return refused("no-merge");
  if (merge.failed !== null || target === "failed") {
    return refused("target-error", merge.failed?.code ?? null);
  }
  const copied = pieces.reduce((sum, { sectors }) => sum + sectors, 0);
  if (merge.layer > 0)
    for (const each of pieces) markHeld(self, merge.layer, each.sector, each.sectors);
  self.edit().merge!.copiedSectors += copied;
  return { ok: true, value: { copied } };
}

/** Neighbouring runs that are zeros, or are not. */
function parted(
  from: number,
  runs: readonly ContentRun[],
): (SectorRange & { readonly runs: readonly ContentRun[] })[] {
  const parts: { sector: number; sectors: number; runs: ContentRun[] }[] = [];
  let sector = from;
  for (const run of runs) {
    const last = parts.at(-1);
    const joins = last !== undefined && (last.runs[0]!.kind === "zero") === (run.kind === "zero");
    if (joins) {
      last.sectors += run.sectors;
      last.runs.push(run);
    } else parts.push({ sector, sectors: run.sectors, runs: [run] });
    sector += run.sectors;
  }
  return parts;
}
