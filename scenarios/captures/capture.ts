/**
 * The neutral form of a captured block trace: one disk's requests, in columns.
 *
 * What must hold: all columns have the same length, `atUs` starts at 0 and never falls, a flush
 * covers no sectors, every other request covers at least one, and `sector + sectors` stays within
 * `MAX_SECTORS`. Columns are never written after the capture was built.
 */
import { strict as assert } from "node:assert";

export const SECTOR_BYTES = 512;

/** The exclusive upper bound of a sector address: byte addresses stay below 2^53. */
export const MAX_SECTORS = 2 ** 44;

export type CapturedOp = "read" | "write" | "flush" | "discard";

/** The code of an operation in the `op` column is its place in this list. */
export const CAPTURED_OPS: readonly CapturedOp[] = ["read", "write", "flush", "discard"];

export type CaptureFormat = "vscsi" | "blkparse" | "fio-iolog" | "msr" | "nbdkit-log";

export const CAPTURE_FORMATS: readonly CaptureFormat[] = [
  "vscsi",
  "blkparse",
  "fio-iolog",
  "msr",
  "nbdkit-log",
];

/** One request. `sector` and `sectors` count 512-byte units; both are 0 for a flush. */
export interface CapturedRequest {
  /** Microseconds since the first request of the capture. */
  readonly atUs: number;
  readonly op: CapturedOp;
  readonly sector: number;
  readonly sectors: number;
}

export interface CaptureMeta {
  readonly format: CaptureFormat;
  readonly requests: number;
  readonly reads: number;
  readonly writes: number;
  readonly flushes: number;
  readonly discards: number;
  /** Time from the first to the last request. */
  readonly spanUs: number;
  /** One more than the highest sector touched: a disk of so many sectors holds the capture. */
  readonly sectorsTouchedMax: number;
  /** Most requests in flight at once; null where the source has no completions. */
  readonly maxOutstanding: number | null;
  /** The one disk that was taken, in the words of the source; "" where the source names none. */
  readonly device: string;
  /** Well-formed lines that are no request of this disk, counted by what they were. */
  readonly skipped: Readonly<Record<string, number>>;
  /** SHA-256 (hex) of the source's bytes as they were given, compressed or not. */
  readonly sha256: string;
}

export interface BlockCapture {
  readonly meta: CaptureMeta;
  readonly atUs: Float64Array;
  readonly op: Uint8Array;
  readonly sector: Float64Array;
  readonly sectors: Uint32Array;
  /** Time to completion, -1 where unknown; null where the source has no completions. */
  readonly responseUs: Float64Array | null;
}

/** The request at `index` (0-based) as a value; throws on an index outside the capture. */
export function requestAt(capture: BlockCapture, index: number): CapturedRequest {
  assert(Number.isInteger(index) && index >= 0 && index < capture.op.length, "request index");
  return {
    atUs: capture.atUs[index]!,
    op: CAPTURED_OPS[capture.op[index]!]!,
    sector: capture.sector[index]!,
    sectors: capture.sectors[index]!,
  };
}

/** Every request in order; for tests and small captures, the columns are faster. */
export function* requestsOf(capture: BlockCapture): Generator<CapturedRequest> {
  for (let index = 0; index < capture.op.length; index++) yield requestAt(capture, index);
}
