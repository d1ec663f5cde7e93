/**
 * A captured block trace as a guest plays it: columns, and what closed pacing needs to know of each
 * request. Immutable, prepared once when a world is built, and never part of a state.
 */
import { assert } from "../../kernel/index.ts";

/** One disk's requests in columns of the same length; `atUs` starts at 0 and never falls. */
export type CaptureColumns = {
  /** SHA-256 (hex) of the source; configurations name a capture by it. */
  readonly sha256: string;
  readonly atUs: Float64Array;
  /** Place in `CAPTURE_OPS`. */
  readonly op: Uint8Array;
  readonly sector: Float64Array;
  readonly sectors: Uint32Array;
  /** Time to completion, -1 where unknown; null where the source has no completions. */
  readonly responseUs: Float64Array | null;
};

export const CAPTURE_OPS = ["read", "write", "flush", "discard"] as const;
const FLUSH = 2;

export type PreparedCapture = CaptureColumns & {
  /** Requests that were under way when this one was sent. */
  readonly depth: Uint32Array;
  /** Microseconds from what this one waited for (the answer, or the request, before) until sent. */
  readonly thinkUs: Float64Array;
  readonly flushes: number;
};

/**
 * Where the source has no completions, one request was under way at a time, and the think time runs
 * from when the request before was sent.
 */
export function prepareCapture(columns: CaptureColumns): PreparedCapture {
  const { atUs, op, responseUs } = columns;
  const length = atUs.length;
  assert(op.length === length && columns.sector.length === length, "capture columns differ");
  const depth = new Uint32Array(length);
  const thinkUs = new Float64Array(length);
  const ends = completions(atUs, responseUs);
  let answered = 0;
  let flushes = 0;
  for (let index = 0; index < length; index++) {
    const now = atUs[index]!;
    while (answered < index && answered < ends.length && ends[answered]! <= now) answered++;
    depth[index] = responseUs === null ? 0 : index - answered;
    const sent = index === 0 ? 0 : atUs[index - 1]!;
    const heard = answered === 0 ? 0 : ends[answered - 1]!;
    thinkUs[index] = now - (responseUs === null ? sent : Math.max(sent, heard));
    if (op[index] === FLUSH) flushes++;
  }
  return { ...columns, depth, thinkUs, flushes };
}

/** Times of all answers, in order. */
function completions(atUs: Float64Array, responseUs: Float64Array | null): Float64Array {
  if (responseUs === null) return new Float64Array(0);
  return atUs.map((at, index) => at + Math.max(0, responseUs[index]!)).sort();
}

export type CaptureProblem =
  | { readonly code: "beyond-disk"; readonly request: number; readonly sector: number }
  | { readonly code: "larger-than-disk"; readonly request: number; readonly sectors: number }
  | { readonly code: "no-flushes" };

/** What keeps a capture from being played on a disk of `diskSectors`; undefined when nothing. */
export function captureProblem(
  capture: CaptureColumns,
  diskSectors: number,
  options: { readonly wrap: boolean; readonly limit?: number; readonly flushEvery?: number },
): CaptureProblem | undefined {
  const end = Math.min(capture.atUs.length, options.limit ?? Infinity);
  let flushes = 0;
  for (let request = 0; request < end; request++) {
    if (capture.op[request] === FLUSH) flushes++;
    const sector = capture.sector[request]!;
    const sectors = capture.sectors[request]!;
    if (sectors > diskSectors) return { code: "larger-than-disk", request, sectors };
    if (sector + sectors > diskSectors && !options.wrap) {
      return { code: "beyond-disk", request, sector: sector + sectors - 1 };
    }
  }
  return flushes === 0 && options.flushEvery === undefined ? { code: "no-flushes" } : undefined;
}
