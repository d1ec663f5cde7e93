/**
 * A virtual disk: what the guest sees, over a chain of a flat base and redo logs. Reads go through
 * the chain; writes go to the top layer, and the first write to a grain of a redo log copies the
 * rest of the grain up from below. While a merge mirrors the disk, writes go to its target as well
 * and are answered when both have them.
 *
 * Must hold: while a range is copied no other write touches it, else an old sector would land on a
 * newer one; what the guest reads never depends on how far a merge has come; a failure of the
 * target alone never reaches the guest.
 */
import {
  answer,
  type BlockOutcome,
  dirtyPagesOf,
  DONE,
  isInRange,
  keepsUnflushed,
  type PageCacheEntity,
  type ReadValue,
  refused,
} from "../../platform/index.ts";
import {
  component,
  type ContentRun,
  type EntityId,
  type Plain,
  type Reply,
  type Request,
  SECTOR_BYTES,
} from "../../kernel/index.ts";
import { isMarked, onChangesReply } from "./change-tracker.ts";
import { finishCopy, startCopy, writeCopy } from "./copy-range.ts";
import { dropAllMaps, locate, locateUpTo, markHeld } from "./layers.ts";
import { takeLock } from "./range-locks.ts";
import {
  type DiskRequest,
  type Flight,
  flightOf,
  initialState,
  isMirrored,
  pass,
  readPieces,
  tellDisk,
  type VirtualDiskConfig,
  type VirtualDiskEntity,
  type VirtualDiskState,
} from "./virtual-disk-state.ts";
import { noteWritten, startWrite, writeUp, type Written } from "./write-path.ts";

export const virtualDisk = component<VirtualDiskConfig, Record<string, never>, VirtualDiskState>({
  kind: "virtual-disk",
  volatile: initialState,
  handlers: {
    io: (self, request: Request<DiskRequest>) => accept(self, request),
    "changes-replied": (self, reply: Reply) => onChanges(self, reply),
    "layer-replied": (self, reply: Reply) => onReply(self, reply),
  },
  direct: ["io", "layer-replied"],
  crashed: (self) => dropAllMaps(self),
});

/** No request of the guest is in the chain, and nothing is being copied. */
export function isDrained(disk: VirtualDiskEntity): boolean {
  const { inFlight, flights } = disk.volatile;
  if (inFlight === 0) return true;
  return Object.values(flights).every(({ request }) => request.body.op === "read-below");
}

/**
 * The host's memory has writes that were answered and are nowhere else; or it, or the guest's own
 * initiator, has some that an array may forget.
 */
export function isUnwritten({ world, volatile }: VirtualDiskEntity): boolean {
  const isAhead = (device: EntityId): boolean => {
    const entity = world.entityOrNone(device);
    if (entity === undefined) return false;
    if (entity.kind !== "page-cache") return keepsUnflushed(entity.volatile);
    const cache = entity as never as PageCacheEntity;
    return dirtyPagesOf(cache) > 0 || isAhead(cache.config.lower);
  };
  return volatile.layers.some(({ device }) => isAhead(device));
}

/** Nothing at all is on its way through the layers, so that they can be changed. */
export function isIdle(disk: VirtualDiskEntity): boolean {
  return disk.volatile.inFlight === 0;
}

function accept(self: VirtualDiskEntity, request: Request<DiskRequest>): void {
  const { layers } = self.volatile;
  const { body } = request;
  if (layers.length === 0) return answer(self, request, refused("gone"));
  const span = body.op === "copy" || body.op === "read-below" ? { ...body, op: "read" } : body;
  if (!isInRange(span as never, self.config.sectors)) {
    return answer(self, request, refused("out-of-range"));
  }
  const state = self.edit();
  let id = 1;
  while (state.flights[id] !== undefined) id++;
  const flight: Flight = {
    request,
    pieces: [],
    outstanding: 0,
    lockFrom: -1,
    lockTo: -1,
    copying: false,
    target: "none",
    error: null,
  };
  (state.flights as { [id: string]: Flight })[id] = flight;
  state.inFlight++;
  start(self, id);
}

function start(self: VirtualDiskEntity, id: number): void {
  const { body } = self.volatile.flights[id]!.request;
  const top = self.volatile.layers.length - 1;
  switch (body.op) {
    case "read":
      return startRead(self, id, locate(self, body.sector, body.sectors));
    case "read-below":
      return startReadBelow(self, id, body);
    case "flush":
      tellDisk(self, "disk-flush", () => ({ id }));
      return pass(self, id, self.volatile.layers[top]!.device, body, 0);
    case "copy":
      if (takeLock(self, id, { from: body.sector, to: body.sector + body.sectors })) {
        startCopy(self, id);
      }
      if (self.volatile.flights[id] !== undefined) settle(self, id);
      return;
    default: {
      const { sector, sectors } = body;
      const runs = body.op === "write" ? body.runs : null;
      tellDisk(self, "disk-write", () => ({ id, sector, sectors, runs: runs as Plain }));
      if (isMarked(self, id, body)) sendWrite(self, id);
    }
  }
}

/** What it changes is on record, where that is kept. */
function sendWrite(self: VirtualDiskEntity, id: number): void {
  const body = self.volatile.flights[id]!.request.body as Written;
  const { sector, sectors } = body;
  const top = self.volatile.layers.length - 1;
  if (top > 0 || isMirrored(self.volatile)) return startWrite(self, id);
  noteWritten(self, sector, sectors);
  pass(self, id, self.volatile.layers[top]!.device, body, 0);
}

function onChanges(self: VirtualDiskEntity, reply: Reply): void {
  const marked = onChangesReply(self, reply);
  if ("lost" in marked) {
    for (const id of marked.lost) {
      flightOf(self, id).error = { code: "gone", detail: self.config.disk };
      finish(self, id);
    }
    return;
  }
  for (const id of marked.go) {
    const body = self.volatile.flights[id]!.request.body as Written;
    if (isMarked(self, id, body)) sendWrite(self, id);
  }
}

function startRead(
  self: VirtualDiskEntity,
  id: number,
  pieces: readonly { layer: number; sector: number; sectors: number }[],
): void {
  readPieces(self, id, pieces);
}

function startReadBelow(
  self: VirtualDiskEntity,
  id: number,
  body: Extract<DiskRequest, { op: "read-below" }>,
): void {
  const { descriptor, sector, sectors } = body;
  const layer = self.volatile.layers.findIndex((each) => each.descriptor === descriptor);
  if (layer >= 0) return startRead(self, id, locateUpTo(self, layer, sector, sectors));
  flightOf(self, id).error = { code: "gone", detail: descriptor };
  finish(self, id);
}

function onReply(self: VirtualDiskEntity, reply: Reply): void {
  const [id, piece] = reply.tag as [number, number];
  if (self.volatile.flights[id] === undefined) return;
  const flight = flightOf(self, id);
  flight.outstanding--;
  if (piece < 0) onTargetReply(self, flight, piece, reply);
  else if (!reply.ok) flight.error ??= { code: reply.code, detail: reply.detail };
  else if (hasRuns(reply.value)) flight.pieces[piece]!.runs = reply.value.runs;
  settle(self, id);
}

/** A target that fails takes itself out of the merge; the guest's request goes on without it. */
function onTargetReply(self: VirtualDiskEntity, flight: Flight, piece: number, reply: Reply): void {
  if (reply.ok) return;
  flight.target = "failed";
  const { merge } = self.edit();
  if (merge?.id === -piece) merge.failed ??= { code: reply.code, detail: reply.detail as never };
}

/** Goes on when every answer of this step is there. */
function settle(self: VirtualDiskEntity, id: number): void {
  const { outstanding, error, copying, request, lockFrom } = self.volatile.flights[id]!;
  const isCopy = request.body.op === "copy";
  if (outstanding > 0 || (isCopy && lockFrom < 0)) return;
  if (copying && error === null) {
    if (!isCopy) return writeUp(self, id);
    writeCopy(self, id);
    if (self.volatile.flights[id]!.outstanding > 0) return;
  }
  finish(self, id);
}

function finish(self: VirtualDiskEntity, id: number): void {
  const flight = self.volatile.flights[id]!;
  const { request, pieces, error, lockFrom } = flight;
  const { body } = request;
  let outcome = outcomeOf(body, pieces, error);
  if (body.op === "copy") outcome = finishCopy(self, flight);
  else if (body.op === "write" || body.op === "discard") markWritten(self, flight);
  const state = self.edit();
  delete (state.flights as { [id: string]: Flight })[id];
  state.inFlight--;
  if (lockFrom >= 0) state.locked = state.locked.filter((each) => each !== id);
  tellAnswered(self, id, body, outcome, pieces);
  if (lockFrom >= 0) startWaiting(self);
  // Last: the answer may bring the next request, or the end of the machine.
  answer(self, request, outcome, dataBytes(body));
}

function markWritten(
  self: VirtualDiskEntity,
  { pieces, request, error, target, lockFrom }: Flight,
) {
  if (lockFrom < 0) return;
  const { merge, layers } = self.volatile;
  const { sector, sectors } = request.body as { sector: number; sectors: number };
  if (target === "sent" && merge !== null) {
    if (merge.layer > 0) markHeld(self, merge.layer, sector, sectors);
    const edited = self.edit().merge!;
    edited.mirroredSectors += sectors;
    if (error !== null) edited.suspects.push({ sector, sectors });
  }
  if (error !== null) return;
  for (const piece of pieces) markHeld(self, layers.length - 1, piece.sector, piece.sectors);
}

function outcomeOf(
  body: DiskRequest,
  pieces: readonly { readonly runs: readonly ContentRun[] }[],
  error: Flight["error"],
): BlockOutcome {
  if (error !== null) return refused(error.code, error.detail);
  if (body.op !== "read" && body.op !== "read-below") return DONE;
  const value: ReadValue = { runs: runsOf(pieces) };
  return { ok: true, value: value as unknown as Plain };
}

function runsOf(pieces: readonly { readonly runs: readonly ContentRun[] }[]) {
  if (pieces.length === 1) return pieces[0]!.runs;
  const runs: ContentRun[] = [];
  for (const piece of pieces) for (const run of piece.runs) runs.push(run);
  return runs;
}

function tellAnswered(
  self: VirtualDiskEntity,
  id: number,
  body: DiskRequest,
  outcome: BlockOutcome,
  pieces: Flight["pieces"],
): void {
  if (body.op === "read-below") return;
  tellDisk(self, "disk-answered", () => {
    const { sector = 0, sectors = 0 } = body as { sector?: number; sectors?: number };
    const runs = body.op === "read" && outcome.ok ? (outcome.value as never)["runs"] : null;
    const isWrite = body.op === "write" || body.op === "discard";
    const copied = isWrite ? copiedUp(pieces, sectors) : null;
    return { id, op: body.op, sector, sectors, ok: outcome.ok, runs: runs as Plain, copied };
  });
}

/** Where a write went that brought more than its own sectors; null where none did. */
function copiedUp(pieces: Flight["pieces"], sectors: number): Plain {
  const written = pieces.reduce((sum, piece) => sum + piece.sectors, 0);
  if (written <= sectors) return null;
  return pieces.map((piece) => ({ sector: piece.sector, sectors: piece.sectors }));
}

/** Tries the waiting requests again, in order; those that still meet a lock go on waiting. */
function startWaiting(self: VirtualDiskEntity): void {
  const waiting = self.volatile.waiting;
  if (waiting.length === 0) return;
  self.edit().waiting = [];
  for (const id of waiting) {
    const { body } = self.volatile.flights[id]!.request;
    if (body.op === "copy") start(self, id);
    else startWrite(self, id);
  }
}

function hasRuns(value: Plain): value is ReadValue & Plain {
  return typeof value === "object" && value !== null && "runs" in value;
}

function dataBytes(body: DiskRequest): number {
  return body.op === "read" || body.op === "read-below" ? body.sectors * SECTOR_BYTES : 0;
}
