/**
 * Collects the requests of one disk into growing typed columns, in the order of the source, and
 * makes the finished capture of them.
 *
 * What must hold: memory is the columns (29 bytes a request) and nothing that grows with the text;
 * the finished capture is ordered by time, and requests of equal time keep the source's order.
 * Timestamps that run backwards (MSR traces are logged at completion; several CPUs write one
 * blktrace) are counted and then sorted away, so that every consumer sees time going forward.
 */
import { strict as assert } from "node:assert";
import { CAPTURED_OPS, MAX_SECTORS, SECTOR_BYTES } from "./capture.ts";
import type { BlockCapture, CapturedOp, CaptureFormat } from "./capture.ts";

/** Where in the source the readers are; shared so that a builder can say where time fell back. */
export interface SourceCursor {
  line: number;
}

const FIRST_CAPACITY = 1024;

export class CaptureBuilder {
  requests = 0;
  outOfOrder = 0;
  firstOutOfOrderLine = 0;
  /** Requests of disks other than the chosen one, by disk; only the first sixteen are named. */
  readonly otherDevices = new Map<string, number>();
  device: string | undefined;

  private atUs = new Float64Array(FIRST_CAPACITY);
  private op = new Uint8Array(FIRST_CAPACITY);
  private sector = new Float64Array(FIRST_CAPACITY);
  private sectors = new Uint32Array(FIRST_CAPACITY);
  private responseUs = new Float64Array(FIRST_CAPACITY);
  private hasResponses = false;
  private readonly cursor: SourceCursor;

  /** `device` undefined: the first disk seen is the one that is captured. */
  constructor(cursor: SourceCursor, device: string | undefined) {
    this.cursor = cursor;
    this.device = device;
  }

  /**
   * Adds a request and returns its index in arrival order, or -1 if it belongs to another disk.
   * Times may have any origin and must be whole microseconds; ranges were checked by the reader.
   */
  add(atUs: number, op: CapturedOp, sector: number, sectors: number, device: string): number {
    assert(Number.isSafeInteger(atUs), "whole microseconds");
    assert(op === "flush" ? sector === 0 && sectors === 0 : sectors > 0, "a range unless flush");
    assert(sector >= 0 && sector + sectors <= MAX_SECTORS, "sector range");
    this.device ??= device;
    if (device !== this.device) {
      const name = this.otherDevices.size < 16 ? device : "others";
      this.otherDevices.set(name, (this.otherDevices.get(name) ?? 0) + 1);
      return -1;
    }
    const index = this.requests++;
    if (index === this.op.length) this.grow();
    if (index > 0 && atUs < this.atUs[index - 1]!) {
      if (this.outOfOrder++ === 0) this.firstOutOfOrderLine = this.cursor.line;
    }
    this.atUs[index] = atUs;
    this.op[index] = CAPTURED_OPS.indexOf(op);
    this.sector[index] = sector;
    this.sectors[index] = sectors;
    this.responseUs[index] = -1;
    return index;
  }

  /** Notes how long the request at `index` (from `add`) took; -1 is ignored. */
  completed(index: number, responseUs: number): void {
    if (index < 0) return;
    assert(index < this.requests && responseUs >= 0, "completion of a known request");
    this.responseUs[index] = responseUs;
    this.hasResponses = true;
  }

  atUsOf(index: number): number {
    return this.atUs[index]!;
  }

  /** The capture; needs at least one request. The builder must not be used afterwards. */
  finish(
    format: CaptureFormat,
    skipped: Readonly<Record<string, number>>,
    sha256: string,
  ): BlockCapture {
    assert(this.requests > 0, "a capture has requests");
    this.resize(this.requests);
    if (this.outOfOrder > 0) this.sortByTime();
    const originUs = this.atUs[0]!;
    for (let i = 0; i < this.requests; i++) this.atUs[i] = this.atUs[i]! - originUs;
    const counts = [0, 0, 0, 0];
    let end = 0;
    for (let i = 0; i < this.requests; i++) {
      counts[this.op[i]!]! += 1;
      end = Math.max(end, this.sector[i]! + this.sectors[i]!);
    }
    const responseUs = this.hasResponses ? this.responseUs : null;
    return {
      meta: {
        format,
        requests: this.requests,
        reads: counts[0]!,
        writes: counts[1]!,
        flushes: counts[2]!,
        discards: counts[3]!,
        spanUs: this.atUs[this.requests - 1]!,
        sectorsTouchedMax: end,
        maxOutstanding: responseUs === null ? null : maxOutstanding(this.atUs, responseUs),
        device: this.device ?? "",
        skipped,
        sha256,
      },
      atUs: this.atUs,
      op: this.op,
      sector: this.sector,
      sectors: this.sectors,
      responseUs,
    };
  }

  private grow(): void {
    this.resize(this.op.length * 2);
  }

  private resize(capacity: number): void {
    this.atUs = resized(new Float64Array(capacity), this.atUs);
    this.op = resized(new Uint8Array(capacity), this.op);
    this.sector = resized(new Float64Array(capacity), this.sector);
    this.sectors = resized(new Uint32Array(capacity), this.sectors);
    this.responseUs = resized(new Float64Array(capacity), this.responseUs);
  }

  private sortByTime(): void {
    const at = this.atUs;
    const order = new Uint32Array(this.requests).map((_, i) => i);
    order.sort((a, b) => at[a]! - at[b]! || a - b);
    this.atUs = this.atUs.map((_, i) => at[order[i]!]!);
    const { op, sector, sectors, responseUs } = this;
    this.op = op.map((_, i) => op[order[i]!]!);
    this.sector = sector.map((_, i) => sector[order[i]!]!);
    this.sectors = sectors.map((_, i) => sectors[order[i]!]!);
    this.responseUs = responseUs.map((_, i) => responseUs[order[i]!]!);
  }
}

function resized<T extends Float64Array | Uint32Array | Uint8Array>(into: T, from: T): T {
  into.set(from.length > into.length ? from.subarray(0, into.length) : from);
  return into;
}

/** Requests whose completion is unknown count as done at once: the result is a lower bound. */
function maxOutstanding(atUs: Float64Array, responseUs: Float64Array): number {
  const ends = atUs.map((at, i) => at + Math.max(0, responseUs[i]!)).sort();
  let most = 0;
  let done = 0;
  for (let i = 0; i < atUs.length; i++) {
    while (done < i && ends[done]! <= atUs[i]!) done++;
    most = Math.max(most, i + 1 - done);
  }
  return most;
}

/** Turns a byte range into sectors (both multiples of 512), or says what is wrong with it. */
export function sectorRange(
  offsetBytes: number,
  lengthBytes: number,
): { readonly sector: number; readonly sectors: number } | string {
  if (offsetBytes % SECTOR_BYTES !== 0) {
    return `offset ${offsetBytes} is not a multiple of ${SECTOR_BYTES}`;
  }
  if (lengthBytes % SECTOR_BYTES !== 0) {
    return `length ${lengthBytes} is not a multiple of ${SECTOR_BYTES}`;
  }
  const range = { sector: offsetBytes / SECTOR_BYTES, sectors: lengthBytes / SECTOR_BYTES };
  return badRange(range.sector, range.sectors) ?? range;
}

/** What is wrong with a sector range of a request that is no flush, if anything. */
export function badRange(sector: number, sectors: number): string | undefined {
  if (sectors === 0) return "a request of length 0";
  if (sectors > 0xffff_ffff) return `length of ${sectors} sectors, at most 2^32 - 1 expected`;
  if (sector + sectors > MAX_SECTORS) return `sector ${sector} lies beyond 2^44`;
  return undefined;
}
