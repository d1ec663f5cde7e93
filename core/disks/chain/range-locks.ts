/**
 * Ranges of a virtual disk that are being written or copied. Must hold: no two requests that touch
 * a common sector are at work at once, and one that waits is not passed by a later one that
 * overlaps it; so an older copy never lands on a newer write, and a copy is never starved.
 */
import type { Editable } from "../../kernel/index.ts";
import type { BlockRequest } from "../../platform/index.ts";
import { type VirtualDiskEntity, type VirtualDiskState } from "./virtual-disk-state.ts";

type Range = { readonly from: number; readonly to: number };

/** Takes the lock for a flight, or queues it; true when it has it. */
export function takeLock(self: VirtualDiskEntity, id: number, range: Range): boolean {
  const { flights, waiting, merge } = self.volatile;
  for (const other of self.volatile.locked) {
    const { lockFrom, lockTo, request } = flights[other]!;
    const copies = request.body.op === "copy" || flights[id]!.request.body.op === "copy";
    if (copies && merge !== null && merge.lock !== "range") {
      if (merge.lock === "none" || !startsIn(self, id, { from: lockFrom, to: lockTo })) continue;
    }
    if (meet(range, { from: lockFrom, to: lockTo })) return wait(self, id, copies);
  }
  for (const earlier of waiting) {
    const { request } = flights[earlier]!;
    if (meet(range, lockRange(self, request.body as BlockRequest))) return wait(self, id, false);
  }
  const state = self.edit();
  const flight = state.flights[id]!;
  flight.lockFrom = range.from;
  flight.lockTo = range.to;
  state.locked.push(id);
  return true;
}

/** The sectors that a request must have for itself: whole grains, where it may copy them up. */
export function lockRange(self: VirtualDiskEntity, body: { op: string }): Range {
  const { sector, sectors } = body as unknown as { sector: number; sectors: number };
  if (self.volatile.layers.length === 1 || body.op === "copy") {
    return { from: sector, to: sector + sectors };
  }
  const { grainSectors } = self.config;
  const from = sector - (sector % grainSectors);
  return { from, to: Math.ceil((sector + sectors) / grainSectors) * grainSectors };
}

function wait(self: VirtualDiskEntity, id: number, copies: boolean): false {
  const state = self.edit() as Editable<VirtualDiskState>;
  state.waiting.push(id);
  const hits = copies && state.flights[id]!.request.body.op !== "copy";
  if (hits && state.merge !== null) state.merge.conflicts++;
  const name = hits
    ? "a guest write hits the range that is being copied"
    : "a write waits for a grain that is being copied";
  self.notice("sometimes", { name });
  return false;
}

/** The mistake of comparing only where a write starts. */
function startsIn(self: VirtualDiskEntity, id: number, held: Range): boolean {
  const { sector } = self.volatile.flights[id]!.request.body as { sector: number };
  return sector >= held.from && sector < held.to;
}

const meet = (a: Range, b: Range): boolean => a.from < b.to && b.from < a.to;
