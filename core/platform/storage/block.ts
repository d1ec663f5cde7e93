/**
 * The contract of every block device: what can be asked of it and how it answers. A device is an
 * entity with a request handler `io`; layers (virtual disk, page cache, initiator, disk) stack by
 * entity id inside one failure domain.
 *
 * Must hold of each of them: a read sees every write acknowledged before it was sent; a write that
 * is not acknowledged may be there in whole, in part (sector by sector) or not at all; what was
 * acknowledged before a flush was sent is durable when that flush is acknowledged.
 */
import {
  type ContentRun,
  type Entity,
  type Plain,
  type Request,
  SECTOR_BYTES,
} from "../../kernel/index.ts";

export type ReadRequest = {
  readonly op: "read";
  readonly sector: number;
  readonly sectors: number;
};

export type WriteRequest = {
  readonly op: "write";
  readonly sector: number;
  readonly sectors: number;
  /** Fill exactly `sectors`. Shared by reference from layer to layer: never changed. */
  readonly runs: readonly ContentRun[];
  /** This write is durable when acknowledged, whatever becomes of those before it. */
  readonly fua?: boolean;
  /** After a crash nothing acknowledged later is there unless this and all before it are. */
  readonly barrier?: boolean;
};

/** Everything acknowledged before this was sent is durable when this is acknowledged. */
export type FlushRequest = { readonly op: "flush" };

/** The sectors read as zeros afterwards and take no space. */
export type DiscardRequest = {
  readonly op: "discard";
  readonly sector: number;
  readonly sectors: number;
};

export type BlockRequest = ReadRequest | WriteRequest | FlushRequest | DiscardRequest;

/** What a read answers; the other requests answer `{}`. */
export type ReadValue = { readonly runs: readonly ContentRun[] };

/**
 * Why a request was refused. `io-error`: the medium cannot deliver; `path-lost`: no way to the
 * device answered in time; `gone`: the volume was deleted or belongs to somebody else by now;
 * `timeout`: the kernel's, when the asker had set one. After any of them the sectors of a write
 * hold its content, the content before it, or some of each.
 */
type BlockError = "io-error" | "no-space" | "out-of-range" | "path-lost" | "gone" | "timeout";

/** How an operation on a device ended. */
export type BlockOutcome =
  | { readonly ok: true; readonly value: Plain }
  | { readonly ok: false; readonly code: string; readonly detail: Plain };

export const DONE: BlockOutcome = { ok: true, value: {} };

export const refused = (code: BlockError | (string & {}), detail: Plain = null): BlockOutcome => ({
  ok: false,
  code,
  detail,
});

/** A message's headers, counted on the wire beside the data. */
export const HEADER_BYTES = 64;

/** Metric series of how long requests took. */
export const LATENCY_SERIES = {
  read: "read-latency-ns",
  write: "write-latency-ns",
  flush: "flush-latency-ns",
  discard: "discard-latency-ns",
} as const;

/** What an answer needs of a request. */
export function withoutBody({ from, askId, delivery, via }: Request): Request {
  return { from, askId, delivery, via, body: null };
}

/** Bytes of data that a request carries to the device. */
export function bytesOut(request: BlockRequest): number {
  return request.op === "write" ? request.sectors * SECTOR_BYTES : 0;
}

/** Bytes of data that its answer carries back. */
export function bytesBack(request: BlockRequest): number {
  return request.op === "read" ? request.sectors * SECTOR_BYTES : 0;
}

/** Whether a request lies inside a device of `deviceSectors` sectors and is well formed. */
export function isInRange(request: BlockRequest, deviceSectors: number): boolean {
  if (request.op === "flush") return true;
  const { sector, sectors } = request;
  if (!Number.isSafeInteger(sector) || !Number.isSafeInteger(sectors)) return false;
  if (sector < 0 || sectors <= 0 || sector + sectors > deviceSectors) return false;
  return request.op !== "write" || runsLength(request.runs) === sectors;
}

/** Sectors that `runs` fill. */
export function runsLength(runs: readonly ContentRun[]): number {
  let sectors = 0;
  for (const run of runs) sectors += run.sectors;
  return sectors;
}

export function overlaps(
  a: { readonly sector: number; readonly sectors: number },
  b: { readonly sector: number; readonly sectors: number },
): boolean {
  return a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;
}

/** Sectors `skip` up to `skip + sectors` of `runs`; bytes are shared, not copied. */
export function sliceRuns(
  runs: readonly ContentRun[],
  skip: number,
  sectors: number,
): ContentRun[] {
  const slice: ContentRun[] = [];
  let at = 0;
  for (const run of runs) {
    const from = Math.max(skip - at, 0);
    const to = Math.min(skip + sectors - at, run.sectors);
    at += run.sectors;
    if (to <= from) continue;
    if (run.kind === "zero") slice.push({ kind: "zero", sectors: to - from });
    else if (run.kind === "stamp")
      slice.push({ kind: "stamp", sectors: to - from, stamp: run.stamp + from });
    else {
      const bytes = run.bytes.subarray(from * SECTOR_BYTES, to * SECTOR_BYTES);
      slice.push({ kind: "bytes", sectors: to - from, bytes });
    }
  }
  return slice;
}

/** Answers a request with an outcome; `dataBytes` is what it carries back on the wire. */
export function answer(
  device: Pick<Entity, "reply" | "refuse">,
  request: Request,
  outcome: BlockOutcome,
  dataBytes = 0,
): void {
  const options = { bytes: HEADER_BYTES + (outcome.ok ? dataBytes : 0) };
  if (outcome.ok) device.reply(request, outcome.value, options);
  else device.refuse(request, outcome.code, outcome.detail, options);
}
