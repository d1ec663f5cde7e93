/**
 * What one image holds that another does not, as bytes for a trace, and back.
 *
 * A delta is a list of parts of about a megabyte, so that no single block of a trace grows with the
 * disk. A part is spans of changed chunks; a span is: chunks skipped since the last span, chunks,
 * then runs up to its end. A run is one number (length * 4 + kind), then for stamps the distance to
 * the stamp that the run before would go on with (zigzag), for bytes the bytes. Numbers are LEB128.
 * Reading trusts nothing: a length, stamp or span out of bounds throws.
 */
import { assert } from "../assert.ts";
import { ABSENT, BYTES, CHUNK_SECTORS, STAMP, ZERO } from "./chunk.ts";
import { forEachDifference, type Inner } from "./chunk-tree.ts";
import { SECTOR_BYTES } from "./content-run.ts";
import { gatherBytes } from "./pages.ts";
import { STAMP_LIMIT } from "./stamp.ts";
import { ByteReader, ByteWriter } from "./varint.ts";
import { walkRuns } from "./walk.ts";

const PART_BYTES = 1 << 20;
/** Chunks per span, so that a part of literal bytes stays near its size. */
const SPAN_CHUNKS = 2 ** 16;

/** What `decodeParts` writes into; sizes are checked against `sectors`. */
export interface DeltaTarget {
  readonly sectors: number;
  writeStamps(sector: number, sectors: number, stamp: number): void;
  writeZeros(sector: number, sectors: number): void;
  writeBytes(sector: number, bytes: Uint8Array): void;
  discard(sector: number, sectors: number): void;
}

/** Parts that turn the content of `from` into that of `to`, a disk of `sectors` sectors. */
export function encodeParts(from: Inner, to: Inner, sectors: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const writer = new ByteWriter();
  let spanStart = 0;
  let spanChunks = 0;
  let spanHasBytes = false;
  let lastEnd = 0;
  const closeSpan = (): void => {
    if (spanChunks === 0) return;
    writer.number(spanStart - lastEnd);
    writer.number(spanChunks);
    lastEnd = spanStart + spanChunks;
    const sector = spanStart * CHUNK_SECTORS;
    encodeRuns(to, sector, Math.min(spanChunks * CHUNK_SECTORS, sectors - sector), writer);
    spanChunks = 0;
    spanHasBytes = false;
    if (writer.length < PART_BYTES) return;
    parts.push(writer.take());
    lastEnd = 0;
  };
  const past = Math.ceil(sectors / CHUNK_SECTORS);
  forEachDifference(from, to, 0, past, (chunk, _before, slot) => {
    const hasBytes = typeof slot === "object" && slot.pages !== null;
    const joins = chunk === spanStart + spanChunks && spanChunks < SPAN_CHUNKS;
    if (!joins || hasBytes || spanHasBytes) closeSpan();
    if (spanChunks === 0) spanStart = chunk;
    spanChunks++;
    spanHasBytes = hasBytes;
  });
  closeSpan();
  if (writer.length > 0) parts.push(writer.take());
  return parts;
}

function encodeRuns(root: Inner, sector: number, sectors: number, writer: ByteWriter): void {
  let kindOf = -1;
  let length = 0;
  let first = 0;
  let expected = 0;
  const flush = (): void => {
    if (length === 0) return;
    writer.number(length * 4 + kindOf);
    if (kindOf !== STAMP) return;
    writer.signed(first - expected);
    expected = first + length;
  };
  walkRuns(root, sector, sectors, (kind, start, count, stamp, chunk) => {
    const joins = kind === kindOf && kind !== BYTES && (kind !== STAMP || first + length === stamp);
    if (joins) {
      length += count;
      return;
    }
    flush();
    kindOf = kind;
    length = count;
    first = stamp;
    if (kind !== BYTES) return;
    flush();
    length = 0;
    assert(chunk?.pages, "bytes without pages");
    const from = start % CHUNK_SECTORS;
    gatherBytes(chunk.pages, from, from + count, writer.reserve(count * SECTOR_BYTES), 0);
  });
  flush();
}

/** Applies what `encodeParts` made. Throws on anything that it could not have made. */
export function decodeParts(parts: unknown, target: DeltaTarget): void {
  assert(Array.isArray(parts), "content delta: no parts");
  for (const part of parts as unknown[]) {
    assert(part instanceof Uint8Array, "content delta: a part that is not bytes");
    decodePart(new ByteReader(part, "content delta"), target);
  }
}

function decodePart(reader: ByteReader, target: DeltaTarget): void {
  let chunk = 0;
  while (!reader.done) {
    chunk += reader.number();
    const chunks = reader.number();
    const sector = chunk * CHUNK_SECTORS;
    assert(chunks > 0 && sector < target.sectors, "content delta: span outside of the disk");
    const past = (chunk + chunks - 1) * CHUNK_SECTORS;
    assert(past < target.sectors, "content delta: span outside of the disk");
    chunk += chunks;
    decodeRuns(reader, target, sector, Math.min(past + CHUNK_SECTORS, target.sectors));
  }
}

function decodeRuns(reader: ByteReader, target: DeltaTarget, sector: number, past: number): void {
  let expected = 0;
  for (let at = sector; at < past;) {
    const head = reader.number();
    const kind = head % 4;
    const sectors = Math.floor(head / 4);
    assert(sectors > 0 && sectors <= past - at, "content delta: run outside of its span");
    if (kind === ABSENT) target.discard(at, sectors);
    else if (kind === ZERO) target.writeZeros(at, sectors);
    else if (kind === BYTES) target.writeBytes(at, reader.bytes(sectors * SECTOR_BYTES));
    else {
      const stamp = expected + reader.signed();
      expected = stamp + sectors;
      assert(stamp > 0 && stamp <= STAMP_LIMIT - sectors, "content delta: not a stamp");
      target.writeStamps(at, sectors, stamp);
    }
    at += sectors;
  }
}
