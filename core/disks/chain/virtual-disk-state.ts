/**
 * The state of a virtual disk on the host that has it open: its layers, the guest's requests on
 * their way through them, and the merge that is at work on it, if any.
 *
 * Contents, all memory of the host: `map-SLOT` (the sectors that a redo log holds), `where` (for
 * each sector the highest redo log that holds it, see layers.ts), `changed` (sectors written since
 * the last backup, while that is tracked).
 */
import type {
  ContentRun,
  Entity,
  EntityId,
  Plain,
  Request,
  SectorRange,
} from "../../kernel/index.ts";
import type { BlockRequest, OwnerStamp } from "../../platform/index.ts";
import type { Tracker } from "./change-tracker.ts";

/** A layer as opened on this host. */
export type Layer = {
  readonly descriptor: string;
  readonly volume: string;
  readonly kind: "flat" | "redo";
  /** Block device in this domain that leads to the volume. */
  readonly device: EntityId;
  /** Number of its map: 0 for the base, else one that no other layer has. */
  readonly slot: number;
};

export type Piece = {
  readonly sector: number;
  readonly sectors: number;
  runs: readonly ContentRun[];
};

/** Copies what the merge's sources hold of a range to its target. */
export type CopyRequest = {
  readonly op: "copy";
  readonly sector: number;
  readonly sectors: number;
  /** Zeros are written too: the target may hold something else. */
  readonly whole: boolean;
};

/** Reads a point in time: the layers up to the one with this descriptor. */
export type ReadBelow = {
  readonly op: "read-below";
  readonly descriptor: string;
  readonly sector: number;
  readonly sectors: number;
};

export type DiskRequest = BlockRequest | CopyRequest | ReadBelow;

/** A request on its way through the chain. */
export type Flight = {
  readonly request: Request<DiskRequest>;
  /** Pieces read so far, in order: the answer of a read, or what is to be written. */
  pieces: Piece[];
  /** Lower requests without an answer. */
  outstanding: number;
  /** Sectors that it holds locked; `lockFrom` -1: none. */
  lockFrom: number;
  lockTo: number;
  /** Reading what will then be written. */
  copying: boolean;
  /** What became of the copy to the target of a merge. */
  target: "none" | "sent" | "failed";
  error: { code: string; detail: Plain } | null;
};

/** How writes are kept apart from a range that is being copied. Only `range` is safe. */
export type LockPolicy = "range" | "start-only" | "none";

/**
 * A merge: the layers `from` up to `to` go over to a target, range by range. While `to` is the top
 * layer the guest's writes go to the target too (the mirror).
 */
export type Merge = {
  readonly id: number;
  /** Block device that leads to the target. */
  readonly target: EntityId;
  /** Index of the target in the chain; -1 when it lies outside. */
  readonly layer: number;
  readonly from: number;
  readonly to: number;
  /** Zeros: written, given back by a discard, or left out because the target starts empty. */
  readonly zeros: "write" | "discard" | "skip";
  readonly lock: LockPolicy;
  /** The first failure of a write to the target; the guest never hears of it. */
  readonly failed: { readonly code: string; readonly detail: Plain } | null;
  /** Ranges where a write failed on the disk itself but not on the target: to be copied again. */
  readonly suspects: readonly SectorRange[];
  readonly copiedSectors: number;
  readonly mirroredSectors: number;
  /** Guest writes that waited for a range that was being copied. */
  readonly conflicts: number;
};

export type VirtualDiskConfig = {
  readonly vm: string;
  readonly disk: string;
  readonly sectors: number;
  readonly grainSectors: number;
  /** The host's right to the disk, as of when it was opened; absent: the disk has no owner. */
  readonly stamp?: OwnerStamp;
};

export type VirtualDiskState = {
  /** Base first. */
  readonly layers: readonly Layer[];
  /** By the lowest number that was free. */
  readonly flights: { readonly [id: string]: Flight };
  readonly inFlight: number;
  /** Flights that hold a range. */
  readonly locked: readonly number[];
  /** Requests that wait for a locked range, in order. */
  readonly waiting: readonly number[];
  /** Sectors copied up because of a first write to their grain. */
  readonly copiedSectors: number;
  readonly merge: Merge | null;
  readonly merges: number;
  /** Point in time since which `changed` is complete; null: nothing is tracked. */
  readonly changedSince: string | null;
  /** How it is made durable; absent: never since the disk was opened. */
  readonly tracker?: Tracker;
};

export type VirtualDiskEntity = Entity<VirtualDiskConfig, Record<string, never>, VirtualDiskState>;

export const initialState = (): VirtualDiskState => ({
  layers: [],
  flights: {},
  inFlight: 0,
  locked: [],
  waiting: [],
  copiedSectors: 0,
  merge: null,
  merges: 0,
  changedSince: null,
});

export function flightOf(self: VirtualDiskEntity, id: number): Flight {
  return (self.edit().flights as { [id: string]: Flight })[id]!;
}

/** The guest's writes go to the target of a merge as well. */
export function isMirrored({ merge, layers }: VirtualDiskState): boolean {
  return merge !== null && merge.failed === null && merge.to === layers.length - 1;
}

/** Asks a block device for a flight; the answer comes back with its id and the piece's number. */
export function pass(
  self: VirtualDiskEntity,
  id: number,
  device: EntityId,
  body: BlockRequest,
  piece: number,
): void {
  flightOf(self, id).outstanding++;
  self.ask(device, "io", body as Plain, { then: "layer-replied", tag: [id, piece] });
}

/** Reads pieces from the layers that answer for them; what is read goes to the flight. */
export function readPieces(
  self: VirtualDiskEntity,
  id: number,
  pieces: readonly { readonly layer: number; readonly sector: number; readonly sectors: number }[],
): void {
  const { layers } = self.volatile;
  const flight = flightOf(self, id);
  flight.pieces = pieces.map(({ sector, sectors }) => ({ sector, sectors, runs: [] }));
  flight.outstanding += pieces.length;
  pieces.forEach(({ layer, sector, sectors }, piece) => {
    const body = { op: "read", sector, sectors };
    self.ask(layers[layer]!.device, "io", body, { then: "layer-replied", tag: [id, piece] });
  });
}

/** Piece number of what went to the target of merge `id`: never that of a piece. */
export const targetTag = (mergeId: number): number => -mergeId;

/** For observers only: given while one listens. */
export function tellDisk(
  self: VirtualDiskEntity,
  kind: string,
  data: () => { [key: string]: Plain },
): void {
  if (self.world.checker.observesNotice(kind)) self.notice(kind, data());
}
