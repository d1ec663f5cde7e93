// Columns to bytes. Numbers are split into byte planes (all lowest bytes, then all second ones, ...)
// and each plane is compressed by itself: the planes of noise are stored as they are, the others
// are coded by their own statistics, so a column takes little more than its entropy.
// Runs in the writer's thread, hence plain JavaScript (types in encode-columns.d.mts). columns.ts
// holds the way back; a change here is a change of the file format (README.md, checklist).
import { ByteWriter } from "./byte-writer.mjs";

/** Column types, as written. */
export const columnTypes = Object.freeze({ numbers: 0, u32: 1, bytes: 2, strings: 3, streams: 4 });

/** What was done to numbers before their planes were split. */
export const numberCodes = Object.freeze({ plain: 0, delta: 1, zigzag: 2, float64: 3 });

const two32 = 2 ** 32;
const two53 = 2 ** 53;

/** Bits needed for the integer 0 <= value < 2^53. */
function bitsOf(value) {
  const high = Math.floor(value / two32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value >>> 0);
}

/** Is it an integer in [0, 2^53), and not -0 (which planes would turn into 0)? */
function isCount(value) {
  if (value > 0 && value >>> 0 === value) return true;
  return value >= 0 && value < two53 && Math.floor(value) === value && !Object.is(value, -0);
}

const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);

/** Values below 2^bits, bits in {1, 2, 4}, several to a byte, first value lowest. */
function packed(plane, bits) {
  const perByte = 8 / bits;
  const out = new Uint8Array(Math.ceil(plane.length / perByte));
  for (let index = 0; index < plane.length; index++) {
    out[Math.floor(index / perByte)] |= plane[index] << ((index % perByte) * bits);
  }
  return out;
}

/** Integers below 2^bits as ceil(bits / 8) blocks, lowest byte first. */
function writePlanes(out, values, bits) {
  const planes = Math.ceil(bits / 8);
  const words = new Uint32Array(values.length);
  for (let index = 0; index < values.length; index++) words[index] = values[index];
  for (let plane = 0; plane < planes; plane++) {
    if (plane === 4) {
      for (let i = 0; i < values.length; i++) words[i] = Math.floor(values[i] / two32);
    }
    const bytes = new Uint8Array(values.length);
    const shift = (plane % 4) * 8;
    for (let index = 0; index < bytes.length; index++) bytes[index] = words[index] >>> shift;
    const planeBits = Math.min(8, bits - plane * 8);
    out.block(planeBits > 4 ? bytes : packed(bytes, planeBits === 3 ? 4 : planeBits));
  }
}

/** Any doubles, exactly: their 8 little-endian bytes as 8 planes. */
function writeFloat64(out, values) {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  for (let index = 0; index < values.length; index++) {
    view.setFloat64(index * 8, values[index], true);
  }
  const bytes = new Uint8Array(view.buffer);
  for (let plane = 0; plane < 8; plane++) {
    const part = new Uint8Array(values.length);
    for (let index = 0; index < part.length; index++) part[index] = bytes[index * 8 + plane];
    out.block(part);
  }
}

function deltas(values) {
  const out = new Float64Array(values.length);
  let before = 0;
  for (let index = 0; index < values.length; index++) {
    out[index] = zigzag(values[index] - before);
    before = values[index];
  }
  return out;
}

/** The largest value, or -1 when one of them is no integer in [0, 2^53). */
function largestCount(values) {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (!isCount(value)) return -1;
    if (value > largest) largest = value;
  }
  return largest;
}

/** Values under the first code that holds them exactly. */
function coded(values, delta) {
  const largest = largestCount(values);
  if (delta && largest >= 0) {
    const differences = deltas(values);
    const most = largestCount(differences);
    if (most >= 0) return { code: numberCodes.delta, values: differences, bits: bitsOf(most) };
  }
  if (largest >= 0) return { code: numberCodes.plain, values, bits: bitsOf(largest) };
  if (values.every((value) => Number.isInteger(value) && !Object.is(value, -0))) {
    const folded = Float64Array.from(values, zigzag);
    const most = largestCount(folded);
    if (most >= 0) return { code: numberCodes.zigzag, values: folded, bits: bitsOf(most) };
  }
  return { code: numberCodes.float64, values, bits: 64 };
}

function writeNumbers(out, values, delta) {
  out.varint(values.length);
  const chosen = coded(values, delta);
  out.byte(chosen.code);
  if (chosen.code === numberCodes.float64) return writeFloat64(out, chosen.values);
  out.byte(chosen.bits);
  return writePlanes(out, chosen.values, chosen.bits);
}

function writeStrings(out, values) {
  const places = new Map();
  const table = new ByteWriter();
  const encoder = new TextEncoder();
  const indexes = Float64Array.from(values, (value) => {
    let place = places.get(value);
    if (place === undefined) {
      place = places.size;
      places.set(value, place);
      const bytes = encoder.encode(value);
      table.varint(bytes.length);
      table.bytes(bytes);
    }
    return place;
  });
  out.varint(places.size);
  out.block(table.done());
  writeNumbers(out, indexes, false);
}

/** Distinct stream ids, ascending, and for each draw the place of its stream among them. */
function distinctStreams(streams) {
  const places = new Uint32Array(streams.length);
  let largest = 0;
  for (let i = 0; i < streams.length; i++) if (streams[i] > largest) largest = streams[i];
  if (largest > 4 * streams.length + 65_536) {
    const ids = Array.from(new Set(streams)).sort((a, b) => a - b);
    const table = new Map(ids.map((id, place) => [id, place]));
    for (let i = 0; i < streams.length; i++) places[i] = table.get(streams[i]);
    return { ids, places };
  }
  const table = new Uint32Array(largest + 1);
  for (let i = 0; i < streams.length; i++) table[streams[i]] = 1;
  const ids = [];
  for (let id = 0; id <= largest; id++) {
    if (table[id] === 1) table[id] = ids.push(id) - 1;
  }
  for (let i = 0; i < streams.length; i++) places[i] = table[streams[i]];
  return { ids, places };
}

const float64Class = 8;

/** Per stream: how many draws, and its class: bytes of its largest value, 8 for other doubles. */
function measureStreams(ids, places, values) {
  const counts = new Uint32Array(ids.length);
  const largest = new Float64Array(ids.length);
  for (let index = 0; index < values.length; index++) {
    const place = places[index];
    const value = values[index];
    counts[place]++;
    if (!isCount(value)) largest[place] = Infinity;
    else if (value > largest[place]) largest[place] = value;
  }
  const classes = Uint8Array.from(largest, (most) =>
    most === Infinity ? float64Class : Math.ceil(bitsOf(most) / 8),
  );
  return { counts, largest, classes };
}

/** A stable counting sort: the draws of each stream side by side, streams in the order given. */
function scattered(order, counts, places, values) {
  const next = new Uint32Array(counts.length);
  let start = 0;
  for (const place of order) {
    next[place] = start;
    start += counts[place];
  }
  const sorted = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) sorted[next[places[i]]++] = values[i];
  return sorted;
}

/** Streams grouped by class, so that a stream of coin tosses does not spoil one of wide numbers. */
function writeStreams(out, streams, values) {
  const { ids, places } = distinctStreams(streams);
  const { counts, largest, classes } = measureStreams(ids, places, values);
  const members = Array.from({ length: float64Class + 1 }, () => []);
  for (let place = 0; place < ids.length; place++) members[classes[place]].push(place);
  const sorted = scattered(members.flat(), counts, places, values);
  out.varint(values.length);
  out.byte(members.filter((group) => group.length > 0).length);
  let start = 0;
  for (const [width, group] of members.entries()) {
    if (group.length === 0) continue;
    const idList = new ByteWriter();
    const countList = new ByteWriter();
    let before = -1;
    let end = start;
    let most = 0;
    for (const place of group) {
      idList.varint(ids[place] - before - 1);
      countList.varint(counts[place]);
      before = ids[place];
      end += counts[place];
      most = Math.max(most, largest[place]);
    }
    out.byte(width === float64Class ? 64 : bitsOf(most));
    out.varint(group.length);
    out.block(idList.done());
    out.block(countList.done());
    const part = sorted.subarray(start, end);
    if (width === float64Class) writeFloat64(out, part);
    else writePlanes(out, part, bitsOf(most));
    start = end;
  }
}

function writeColumn(out, column) {
  out.byte(columnTypes[column.type]);
  switch (column.type) {
    case "numbers":
    case "u32":
      return writeNumbers(out, column.values, column.delta === true);
    case "bytes":
      return out.block(column.values);
    case "strings":
      return writeStrings(out, column.values);
    case "streams":
      return writeStreams(out, column.streams, column.values);
    default:
      throw new TypeError(`no column type ${column.type}`);
  }
}

/** All columns of a chunk, in the order given. */
export function encodeColumns(columns) {
  const out = new ByteWriter();
  const entries = Object.entries(columns);
  out.varint(entries.length);
  const encoder = new TextEncoder();
  for (const [name, column] of entries) {
    const bytes = encoder.encode(name);
    out.varint(bytes.length);
    out.bytes(bytes);
    writeColumn(out, column);
  }
  return out.done();
}
