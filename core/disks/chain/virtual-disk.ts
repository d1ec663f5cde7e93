/**
 * A virtual disk: what the guest sees, over a chain of a flat base and redo logs. Reads go through
 * the chain; writes go to the top layer, and the first write to a grain of a redo log copies the
 * rest of the grain up from below. Must hold: while a grain is copied no other write touches it,
 * else an old sector would land on a newer one.
 */
import {
  answer,
  type BlockOutcome,
  type BlockRequest,
  DONE,
  isInRange,
  type ReadValue,
  refused,
} from "../../platform/index.ts";
import {
  component,
  type ContentRun,
  type Entity,
  type EntityId,
  type Plain,
  type Reply,
  type Request,
  SECTOR_BYTES,
  type SectorContent,
  type SectorRange,
} from "../../kernel/index.ts";
import { absentRanges, locate, markAllocated } from "./layers.ts";

/** A layer as opened on this host. */
export type Layer = {
  readonly descriptor: string;
  readonly volume: string;
  readonly kind: "flat" | "redo";
  /** Block device in this domain that leads to the volume. */
  readonly device: EntityId;
};

type Piece = {
  readonly sector: number;
  readonly sectors: number;
  runs: readonly ContentRun[];
};

/** A guest request on its way through the chain. */
type Flight = {
  readonly request: Request<BlockRequest>;
  /** Pieces read so far, in order: the answer of a read, or what a write copies up. */
  pieces: Piece[];
  /** Lower requests without an answer. */
  outstanding: number;
  /** Grains that this write holds locked: first and last, or -1. */
  firstGrain: number;
  lastGrain: number;
  copying: boolean;
  error: { code: string; detail: Plain } | null;
};

export type VirtualDiskConfig = {
  readonly vm: string;
  readonly disk: string;
  readonly sectors: number;
  readonly grainSectors: number;
};

export type VirtualDiskState = {
  /** Base first. */
  readonly layers: readonly Layer[];
  readonly next: number;
  readonly flights: { readonly [id: string]: Flight };
  /** Writes that wait for a locked grain, in order. */
  readonly waiting: readonly number[];
  /** Sectors copied up because of a first write to their grain. */
  readonly copiedSectors: number;
};

export type VirtualDiskEntity = Entity<VirtualDiskConfig, Record<string, never>, VirtualDiskState>;

export const virtualDisk = component<VirtualDiskConfig, Record<string, never>, VirtualDiskState>({
  kind: "virtual-disk",
  volatile: () => ({ layers: [], next: 1, flights: {}, waiting: [], copiedSectors: 0 }),
  handlers: {
    io: (self, request: Request<BlockRequest>) => accept(self, request),
    "layer-replied": (self, reply: Reply) => onReply(self, reply),
  },
  crashed: (self) => dropMaps(self),
});

/** Puts a layer on top; `held` are the sectors it already holds (a redo log opened again). */
export function pushLayer(
  disk: VirtualDiskEntity,
  layer: Layer,
  held: readonly SectorRange[],
): void {
  const state = disk.edit();
  const index = state.layers.push(layer) - 1;
  if (index === 0) return;
  const map = mapOf(disk, index);
  for (const { sector, sectors } of held) markAllocated(map, sector, sectors);
}

/** No request of the guest is in the chain. */
export function isDrained(disk: VirtualDiskEntity): boolean {
  return Object.keys(disk.volatile.flights).length === 0;
}

function accept(self: VirtualDiskEntity, request: Request<BlockRequest>): void {
  const { layers } = self.volatile;
  if (layers.length === 0) return answer(self, request, refused("gone"));
  if (!isInRange(request.body, self.config.sectors)) {
    return answer(self, request, refused("out-of-range"));
  }
  const state = self.edit();
  const id = state.next++;
  const flight: Flight = {
    request,
    pieces: [],
    outstanding: 0,
    firstGrain: -1,
    lastGrain: -1,
    copying: false,
    error: null,
  };
  (state.flights as { [id: string]: Flight })[id] = flight;
  start(self, id);
}

function start(self: VirtualDiskEntity, id: number): void {
  const { request } = self.volatile.flights[id]!;
  const { body } = request;
  const top = self.volatile.layers.length - 1;
  if (body.op === "read") return startRead(self, id, body.sector, body.sectors);
  if (body.op === "flush" || top === 0) return pass(self, id, top, body);
  startRedoWrite(self, id);
}

/** Asks one layer; the answer comes back with the flight's id and the piece's number. */
function pass(
  self: VirtualDiskEntity,
  id: number,
  layer: number,
  body: BlockRequest,
  piece = 0,
): void {
  flightOf(self, id).outstanding++;
  const { device } = self.volatile.layers[layer]!;
  self.ask(device, "io", body as Plain, { then: "layer-replied", tag: [id, piece] });
}

function startRead(self: VirtualDiskEntity, id: number, sector: number, sectors: number): void {
  const pieces = locate(maps(self), sector, sectors);
  flightOf(self, id).pieces = pieces.map((each) => ({ ...each, runs: [] }));
  pieces.forEach(({ layer, sector: at, sectors: count }, piece) => {
    pass(self, id, layer, { op: "read", sector: at, sectors: count }, piece);
  });
}

/** Locks the grains that the write touches, or queues it behind whoever holds one of them. */
function startRedoWrite(self: VirtualDiskEntity, id: number): void {
  const { body } = self.volatile.flights[id]!.request;
  if (body.op !== "write" && body.op !== "discard") return;
  const { grainSectors } = self.config;
  const firstGrain = Math.floor(body.sector / grainSectors);
  const lastGrain = Math.floor((body.sector + body.sectors - 1) / grainSectors);
  if (isLocked(self, firstGrain, lastGrain)) {
    self.edit().waiting.push(id);
    self.notice("sometimes", { name: "a write waits for a grain that is being copied" });
    return;
  }
  const flight = flightOf(self, id);
  flight.firstGrain = firstGrain;
  flight.lastGrain = lastGrain;
  copyUp(self, id);
}

/** Reads from below what the grains of this write lack, apart from what the write brings. */
function copyUp(self: VirtualDiskEntity, id: number): void {
  const { body } = self.volatile.flights[id]!.request;
  if (body.op !== "write" && body.op !== "discard") return;
  const missing = missingOfGrains(self, body);
  if (missing.length === 0) return writeUp(self, id);
  const below = maps(self).slice(0, -1);
  const pieces = missing.flatMap((range) => locate(below, range.sector, range.sectors));
  const flight = flightOf(self, id);
  flight.copying = true;
  flight.pieces = pieces.map(({ sector, sectors }) => ({ sector, sectors, runs: [] }));
  pieces.forEach(({ layer, sector, sectors }, piece) => {
    pass(self, id, layer, { op: "read", sector, sectors }, piece);
  });
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
function writeUp(self: VirtualDiskEntity, id: number): void {
  const flight = flightOf(self, id);
  const { body } = flight.request;
  if (body.op !== "write" && body.op !== "discard") return;
  const { sector, sectors } = body;
  const runs: readonly ContentRun[] =
    body.op === "write" ? body.runs : [{ kind: "zero", sectors: body.sectors }];
  const copied = flight.pieces.reduce((sum, piece) => sum + piece.sectors, 0);
  if (copied > 0) self.edit().copiedSectors += copied;
  const pieces = [...flight.pieces, { sector, sectors, runs }].sort((a, b) => a.sector - b.sector);
  const writes = joined(pieces);
  const edited = flightOf(self, id);
  edited.copying = false;
  edited.pieces = writes.map((write) => ({
    sector: write.sector,
    sectors: write.sectors,
    runs: [],
  }));
  const fua = body.op === "write" && body.fua === true;
  const top = self.volatile.layers.length - 1;
  writes.forEach((write, piece) => pass(self, id, top, { op: "write", ...write, fua }, piece));
}

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

function onReply(self: VirtualDiskEntity, reply: Reply): void {
  const [id, piece] = reply.tag as [number, number];
  if (self.volatile.flights[id] === undefined) return;
  const flight = flightOf(self, id);
  flight.outstanding--;
  const part = flight.pieces[piece];
  if (!reply.ok) flight.error ??= { code: reply.code, detail: reply.detail };
  else if (part !== undefined && hasRuns(reply.value)) part.runs = reply.value.runs;
  if (flight.outstanding > 0) return;
  if (flight.error === null && flight.copying) return writeUp(self, id);
  finish(self, id);
}

function finish(self: VirtualDiskEntity, id: number): void {
  const { request, pieces, error, firstGrain } = self.volatile.flights[id]!;
  const { body } = request;
  const wrote = body.op === "write" || body.op === "discard";
  if (wrote && error === null && firstGrain >= 0) {
    const map = mapOf(self, self.volatile.layers.length - 1);
    for (const piece of pieces) markAllocated(map, piece.sector, piece.sectors);
  }
  const state = self.edit();
  delete (state.flights as { [id: string]: Flight })[id];
  answer(self, request, outcomeOf(body, pieces, error), dataBytes(body));
  if (firstGrain >= 0) startWaiting(self);
}

function outcomeOf(
  body: BlockRequest,
  pieces: readonly Piece[],
  error: Flight["error"],
): BlockOutcome {
  if (error !== null) return refused(error.code, error.detail);
  if (body.op !== "read") return DONE;
  const value: ReadValue = { runs: pieces.flatMap((piece) => piece.runs) };
  return { ok: true, value: value as unknown as Plain };
}

/** Tries the waiting writes again, in order; those that still meet a lock go on waiting. */
function startWaiting(self: VirtualDiskEntity): void {
  const waiting = self.volatile.waiting;
  if (waiting.length === 0) return;
  self.edit().waiting = [];
  for (const id of waiting) startRedoWrite(self, id);
}

function isLocked(self: VirtualDiskEntity, firstGrain: number, lastGrain: number): boolean {
  return Object.values(self.volatile.flights).some(
    (other) =>
      other.firstGrain >= 0 && other.firstGrain <= lastGrain && firstGrain <= other.lastGrain,
  );
}

function flightOf(self: VirtualDiskEntity, id: number): Flight {
  return (self.edit().flights as { [id: string]: Flight })[id]!;
}

/** Allocation maps of the redo logs, lowest first. */
function maps(self: VirtualDiskEntity): SectorContent[] {
  return self.volatile.layers.slice(1).map((_, i) => mapOf(self, i + 1));
}

function mapOf(self: VirtualDiskEntity, layer: number): SectorContent {
  return self.content(`map-${layer}`, self.config.sectors);
}

/** The maps are memory of the host. */
function dropMaps(self: VirtualDiskEntity): void {
  self.volatile.layers.forEach((_, layer) => {
    self.world.contents.remove(`${self.name}#map-${layer}`);
  });
}

function hasRuns(value: Plain): value is ReadValue & Plain {
  return typeof value === "object" && value !== null && "runs" in value;
}

function dataBytes(body: BlockRequest): number {
  return body.op === "read" ? body.sectors * SECTOR_BYTES : 0;
}
