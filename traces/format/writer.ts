// What a recorder writes to: chunks of bytes, plain data or columns, appended one after the other.
// Appending is synchronous, because the simulation is.
import assert from "node:assert";
import type { Column, ColumnSet } from "./encode-columns.mjs";
import { FrameSink, type WriteCodec } from "./frame-sink.mjs";
import { encodeHeader, type TraceHeader } from "./header.ts";
import { chunkKinds, limits, type ChunkKind } from "./layout.mjs";
import { encodePlain, type Plain, type PlainMap } from "./plain.ts";

export interface TraceWriter {
  /**
   * One chunk of bytes. The payload passes to the writer: a buffer of its own is moved to the
   * thread and is empty afterwards, a view of a larger buffer is copied. `codec` is `fast` (brotli
   * quality 1) when absent.
   */
  readonly append: (
    kind: ChunkKind,
    meta: PlainMap,
    payload: Uint8Array,
    codec?: WriteCodec,
  ) => void;
  /** One chunk of plain data, as msgpack. */
  readonly appendPlain: (kind: ChunkKind, meta: PlainMap, value: Plain, codec?: WriteCodec) => void;
  /** One chunk of columns. The arrays pass to the writer, as in `append`. */
  readonly appendColumns: (kind: ChunkKind, meta: PlainMap, columns: ColumnSet) => void;
  /** A buffer of `LENT_BYTES` for `appendLent`; what is in it means nothing. */
  readonly lend: () => Uint8Array;
  /** One chunk of bytes as they are: the first ones of a lent buffer, which goes back to the writer. */
  readonly appendLent: (kind: ChunkKind, meta: PlainMap, lent: Uint8Array, length: number) => void;
  /** Bytes in the file so far; what is still in flight is not counted. */
  readonly bytesWritten: number;
  /** Appends the `end` chunk with {outcome, ...meta}, then index and footer. */
  readonly close: (outcome: string, meta?: PlainMap) => Promise<void>;
  readonly closeSync: (outcome: string, meta?: PlainMap) => void;
}

/** Size of a buffer that a writer lends. */
export const LENT_BYTES = 1 << 20;

/** The file could not be written (no space, a lost disk): the environment's fault, not the run's. */
export class TraceWriteError extends Error {
  override readonly name = "TraceWriteError";
}

const containerKinds: ReadonlySet<string> = new Set([
  chunkKinds.header,
  chunkKinds.index,
  chunkKinds.footer,
]);

/** Asserts what the container asks of an appended chunk; returns the encoded meta. */
export function checkedMeta(kind: ChunkKind, meta: PlainMap): Uint8Array {
  assert(!containerKinds.has(kind), `${kind} is written by the container itself`);
  const named = /^[a-z][a-z0-9-]*$/.test(kind) && kind.length <= limits.kindBytes;
  assert(named, `"${kind}" is no chunk kind`);
  const bytes = encodePlain(meta);
  assert(bytes.length <= limits.metaBytes, `${kind}: meta of ${bytes.length} bytes`);
  return bytes;
}

export function checkPayload(kind: ChunkKind, payload: Uint8Array): void {
  assert(payload.length <= limits.rawBytes, `${kind}: a payload of ${payload.length} bytes`);
}

/** About how many bytes a column takes in memory. */
function columnBytes(column: Column): number {
  const { values } = column;
  if (column.type === "bytes") return values.length;
  if (column.type === "strings") {
    return column.values.reduce((sum, { length }) => sum + length + 8, 0);
  }
  return values.length * (column.type === "streams" ? 12 : 8);
}

/** Asserts that a reader will accept the columns; returns about how many bytes they hold. */
export function checkColumns(kind: ChunkKind, columns: ColumnSet): number {
  const entries = Object.entries(columns);
  assert(entries.length <= limits.columns, `${kind}: ${entries.length} columns`);
  let bytes = 64;
  for (const [name, column] of entries) {
    const count = column.values.length;
    const most = column.type === "bytes" ? limits.rawBytes : limits.columnValues;
    assert(count <= most, `${kind}: ${name} has ${count} values`);
    if (column.type === "streams") {
      assert(column.streams.length === count, `${kind}: ${name} has values without a stream`);
      assert(count <= limits.streamValues, `${kind}: ${name} has ${count} values`);
    }
    bytes += columnBytes(column);
  }
  assert(bytes <= limits.rawBytes, `${kind}: columns of about ${bytes} bytes`);
  return bytes;
}

/** Writes to memory; the same bytes as a file gets. For tests, tools and small traces. */
export class MemoryTraceWriter implements TraceWriter {
  readonly #frames: Uint8Array[] = [];
  readonly #sink = new FrameSink((pieces) => {
    for (const piece of pieces) this.#frames.push(piece.slice());
  });
  readonly #lent = new Uint8Array(LENT_BYTES);

  constructor(header: TraceHeader) {
    this.#sink.begin(encodeHeader(header));
  }

  append(kind: ChunkKind, meta: PlainMap, payload: Uint8Array, codec: WriteCodec = "fast"): void {
    const metaBytes = checkedMeta(kind, meta);
    checkPayload(kind, payload);
    this.#sink.append(kind, metaBytes, payload, codec);
  }

  appendPlain(kind: ChunkKind, meta: PlainMap, value: Plain, codec: WriteCodec = "fast"): void {
    this.append(kind, meta, encodePlain(value), codec);
  }

  appendColumns(kind: ChunkKind, meta: PlainMap, columns: ColumnSet): void {
    const metaBytes = checkedMeta(kind, meta);
    checkColumns(kind, columns);
    this.#sink.appendColumns(kind, metaBytes, columns);
  }

  lend(): Uint8Array {
    return this.#lent;
  }

  appendLent(kind: ChunkKind, meta: PlainMap, lent: Uint8Array, length: number): void {
    this.append(kind, meta, lent.subarray(0, length), "raw");
  }

  get bytesWritten(): number {
    return this.#sink.state.offset;
  }

  closeSync(outcome: string, meta: PlainMap = {}): void {
    this.append(chunkKinds.end, { ...meta, outcome }, new Uint8Array(0));
    this.#sink.finish();
  }

  close(outcome: string, meta: PlainMap = {}): Promise<void> {
    this.closeSync(outcome, meta);
    return Promise.resolve();
  }

  /** The file so far; whole after `close`. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.bytesWritten);
    let at = 0;
    for (const frame of this.#frames) {
      all.set(frame, at);
      at += frame.length;
    }
    return all;
  }
}

/** A whole trace in memory, of what `fill` appends. */
export function writeTraceInMemory(
  header: TraceHeader,
  fill: (writer: TraceWriter) => void,
  outcome = "complete",
): Uint8Array {
  const writer = new MemoryTraceWriter(header);
  fill(writer);
  writer.closeSync(outcome);
  return writer.bytes();
}
