// Bytes to columns: the way back of encode-columns.mjs, for bytes that may be hostile. Counts and
// lengths are bounded before anything is allocated.
import { ByteReader, DamagedBytes, require } from "./byte-reader.ts";
import { columnTypes, numberCodes } from "./encode-columns.mjs";
import { limits } from "./layout.mjs";

/** One stream's values, in the order of drawing. */
export interface StreamValues {
  readonly stream: number;
  readonly values: Float64Array;
}

export type DecodedColumn =
  | { readonly type: "numbers"; readonly values: Float64Array }
  | { readonly type: "u32"; readonly values: Uint32Array }
  | { readonly type: "bytes"; readonly values: Uint8Array }
  | { readonly type: "strings"; readonly values: readonly string[] }
  /** Ascending by stream id. */
  | { readonly type: "streams"; readonly streams: readonly StreamValues[] };

export type DecodedColumns = ReadonlyMap<string, DecodedColumn>;

export type ColumnsResult =
  | { readonly ok: true; readonly columns: DecodedColumns }
  | { readonly ok: false; readonly message: string };

const two32 = 2 ** 32;

/** Adds `scale` times each byte of a plane, which holds `bits` bits a value. */
function addPlane(reader: ByteReader, into: Float64Array, bits: number, scale: number): void {
  const width = bits > 4 ? 8 : bits === 3 ? 4 : bits;
  const perByte = 8 / width;
  const length = Math.ceil(into.length / perByte);
  const plane = reader.block(length);
  require(plane.length === length, "a plane of another length");
  if (perByte === 1) {
    for (let index = 0; index < into.length; index++) into[index]! += plane[index]! * scale;
    return;
  }
  const mask = (1 << width) - 1;
  for (let index = 0; index < into.length; index++) {
    const byte = plane[Math.floor(index / perByte)]!;
    into[index]! += ((byte >> ((index % perByte) * width)) & mask) * scale;
  }
}

/** `into` holds zeros before, integers below 2^bits after. */
function readPlanes(reader: ByteReader, into: Float64Array, bits: number): void {
  require(bits <= 53, "numbers of more than 53 bits");
  let scale = 1;
  for (let done = 0; done < bits; done += 8) {
    addPlane(reader, into, Math.min(8, bits - done), scale);
    scale *= 256;
  }
}

function readFloat64(reader: ByteReader, into: Float64Array): void {
  reader.spend(into.length * 8);
  const bytes = new Uint8Array(into.length * 8);
  for (let plane = 0; plane < 8; plane++) {
    const part = reader.block(into.length);
    require(part.length === into.length, "a plane of another length");
    for (let index = 0; index < part.length; index++) bytes[index * 8 + plane] = part[index]!;
  }
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < into.length; index++) into[index] = view.getFloat64(index * 8, true);
}

function unzigzag(values: Float64Array): void {
  for (let index = 0; index < values.length; index++) {
    const folded = values[index]!;
    const half = Math.floor(folded / 2);
    values[index] = folded === half * 2 ? half : -half - 1;
  }
}

function readNumbers(reader: ByteReader): Float64Array {
  const count = reader.varint(limits.columnValues);
  reader.spend(count * 8);
  const values = new Float64Array(count);
  const code = reader.byte();
  if (code === numberCodes.float64) {
    readFloat64(reader, values);
    return values;
  }
  require(code <= numberCodes.zigzag, "an unknown number code");
  readPlanes(reader, values, reader.byte());
  if (code !== numberCodes.plain) unzigzag(values);
  if (code === numberCodes.delta) {
    for (let index = 1; index < count; index++) values[index]! += values[index - 1]!;
  }
  return values;
}

function readU32(reader: ByteReader): Uint32Array {
  const values = readNumbers(reader);
  reader.spend(values.length * 4);
  const inRange = values.every((value) => value >= 0 && value < two32 && Number.isInteger(value));
  require(inRange, "a number that is no 32-bit one");
  return Uint32Array.from(values);
}

function readStrings(reader: ByteReader): readonly string[] {
  const count = reader.varint(limits.columnValues);
  const table = reader.block(limits.rawBytes);
  require(count <= table.length, "more strings than bytes");
  reader.spend(table.length * 2 + count * 32);
  const entries = new ByteReader(table, 0);
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const strings = Array.from({ length: count }, () =>
    decoder.decode(entries.bytes(entries.varint())),
  );
  require(entries.remaining === 0, "bytes after the last string");
  const places = readNumbers(reader);
  reader.spend(places.length * 8);
  return Array.from(places, (place) => {
    const value = strings[place];
    require(value !== undefined, "a string that is not in the table");
    return value;
  });
}

/** One class of streams: ids ascending, counts, then the values of all of them. */
function readStreamClass(reader: ByteReader, left: number): readonly StreamValues[] {
  const bits = reader.byte();
  const groups = reader.varint(left);
  const ids = new ByteReader(reader.block(groups * 5), 0);
  const counts = new ByteReader(reader.block(groups * 4), 0);
  reader.spend(groups * 128);
  let before = -1;
  let total = 0;
  const members = Array.from({ length: groups }, () => {
    const stream = before + 1 + ids.varint(two32);
    require(stream < two32, "a stream id of more than 32 bits");
    const start = total;
    total += counts.varint(left - total);
    before = stream;
    return { stream, start, end: total };
  });
  require(ids.remaining === 0 && counts.remaining === 0, "bytes after the last stream");
  reader.spend(total * 8);
  const values = new Float64Array(total);
  if (bits === 64) readFloat64(reader, values);
  else readPlanes(reader, values, bits);
  return members.map(({ stream, start, end }) => ({
    stream,
    values: values.subarray(start, end),
  }));
}

function readStreams(reader: ByteReader): readonly StreamValues[] {
  const total = reader.varint(limits.streamValues);
  const classes = reader.byte();
  let left = total;
  const streams: StreamValues[] = [];
  for (let index = 0; index < classes; index++) {
    for (const stream of readStreamClass(reader, left)) {
      left -= stream.values.length;
      streams.push(stream);
    }
  }
  require(left === 0, "values without a stream");
  streams.sort((a, b) => a.stream - b.stream);
  const distinct = streams.every((each, index) => each.stream !== streams[index + 1]?.stream);
  require(distinct, "a stream that appears twice");
  return streams;
}

function readColumn(reader: ByteReader): DecodedColumn {
  const type = reader.byte();
  switch (type) {
    case columnTypes.numbers:
      return { type: "numbers", values: readNumbers(reader) };
    case columnTypes.u32:
      return { type: "u32", values: readU32(reader) };
    case columnTypes.bytes:
      return { type: "bytes", values: reader.block(limits.rawBytes).slice() };
    case columnTypes.strings:
      return { type: "strings", values: readStrings(reader) };
    case columnTypes.streams:
      return { type: "streams", streams: readStreams(reader) };
    default:
      throw new DamagedBytes(`column type ${type}`);
  }
}

/** The columns of a chunk's payload, by name; `budget` bounds the bytes they take in memory. */
export function decodeColumns(payload: Uint8Array, budget = limits.columnBytes): ColumnsResult {
  const reader = new ByteReader(payload, budget);
  try {
    const count = reader.varint(limits.columns);
    const columns = new Map<string, DecodedColumn>();
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for (let index = 0; index < count; index++) {
      const name = decoder.decode(reader.bytes(reader.varint(limits.keyBytes)));
      require(!columns.has(name), "two columns of one name");
      columns.set(name, readColumn(reader));
    }
    require(reader.remaining === 0, "bytes after the last column");
    return { ok: true, columns };
  } catch (error) {
    if (error instanceof DamagedBytes) return { ok: false, message: error.message };
    throw error;
  }
}
