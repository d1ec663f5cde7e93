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

/** The four lowest bytes of each value. One pass: half the time of a pass for each. */
function lowPlanes(values) {
  const count = values.length;
  const lowest = new Uint8Array(count);
  const second = new Uint8Array(count);
  const third = new Uint8Array(count);
  const fourth = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const word = values[index] >>> 0;
    lowest[index] = word;
    second[index] = word >>> 8;
    third[index] = word >>> 16;
    fourth[index] = word >>> 24;
  }
  return [lowest, second, third, fourth];
}

/** All bytes of each value that `bits` bits need. */
function planesOf(values, bits) {
  if (bits === 0) return [];
  if (bits <= 8) return [new Uint8Array(values)];
  const low = lowPlanes(values);
  if (bits <= 32) return low.slice(0, Math.ceil(bits / 8));
  const high = new Float64Array(values.length);
  for (let index = 0; index < high.length; index++) high[index] = Math.floor(values[index] / two32);
  return [...low, ...planesOf(high, bits - 32)];
}

/** Integers below 2^bits as ceil(bits / 8) blocks, lowest byte first. */
function writePlanes(out, values, bits) {
  for (const [place, bytes] of planesOf(values, bits).entries()) {
    const planeBits = Math.min(8, bits - place * 8);
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

const float64Class = 8;

/**
 * Small numbers for the streams, in the order of their ids: the ids themselves when they are
 * small, else their places among the distinct ones. `idOf` leads back.
 */
function smallStreams(streams) {
  let largest = 0;
  for (let i = 0; i < streams.length; i++) if (streams[i] > largest) largest = streams[i];
  if (largest <= 4 * streams.length + 65_536) {
    return { small: streams, size: largest + 1, idOf: (stream) => stream };
  }
  const ids = Array.from(new Set(streams)).sort((a, b) => a - b);
  const places = new Map(ids.map((id, place) => [id, place]));
  const small = streams.map((stream) => places.get(stream));
  return { small, size: ids.length, idOf: (place) => ids[place] };
}

/** Per stream: how many draws, and its largest value, Infinity when one is no count. */
function measureStreams(small, size, values) {
  const counts = new Uint32Array(size);
  const largest = new Float64Array(size);
  for (let index = 0; index < values.length; index++) {
    const stream = small[index];
    const value = values[index];
    counts[stream]++;
    if (!isCount(value)) largest[stream] = Infinity;
    else if (value > largest[stream]) largest[stream] = value;
  }
  return { counts, largest };
}

/** Streams by class: bytes of the largest value, or `float64Class`. Ascending within a class. */
function classesOf(counts, largest) {
  const members = Array.from({ length: float64Class + 1 }, () => []);
  for (let stream = 0; stream < counts.length; stream++) {
    if (counts[stream] === 0) continue;
    const most = largest[stream];
    members[most === Infinity ? float64Class : Math.ceil(bitsOf(most) / 8)].push(stream);
  }
  return members;
}

/** A stable counting sort: the draws of each stream side by side, streams in the order given. */
function scattered(order, counts, small, values) {
  const next = new Uint32Array(counts.length);
  let start = 0;
  for (const stream of order) {
    next[stream] = start;
    start += counts[stream];
  }
  const sorted = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) sorted[next[small[i]]++] = values[i];
  return sorted;
}

/** Ids and counts of one class; returns its largest value and how many draws it has. */
function writeMembers(out, group, { counts, largest, idOf }) {
  const idList = new ByteWriter();
  const countList = new ByteWriter();
  let before = -1;
  let draws = 0;
  let most = 0;
  for (const stream of group) {
    idList.varint(idOf(stream) - before - 1);
    countList.varint(counts[stream]);
    before = idOf(stream);
    draws += counts[stream];
    most = Math.max(most, largest[stream]);
  }
  const bits = most === Infinity ? 64 : bitsOf(most);
  out.byte(bits);
  out.varint(group.length);
  out.block(idList.done());
  out.block(countList.done());
  return { bits, draws };
}

/** Streams grouped by class, so that a stream of coin tosses does not spoil one of wide numbers. */
function writeStreams(out, streams, values) {
  const { small, size, idOf } = smallStreams(streams);
  const { counts, largest } = measureStreams(small, size, values);
  const classes = classesOf(counts, largest).filter((group) => group.length > 0);
  const sorted = scattered(classes.flat(), counts, small, values);
  out.varint(values.length);
  out.byte(classes.length);
  let start = 0;
  for (const group of classes) {
    const { bits, draws } = writeMembers(out, group, { counts, largest, idOf });
    const part = sorted.subarray(start, start + draws);
    if (bits === 64) writeFloat64(out, part);
    else writePlanes(out, part, bits);
    start += draws;
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
