/**
 * VMware vscsiStats command traces as CSV: `serial,length,segments,type,lbn,timestampUs`.
 *
 * Accepted: that header (any case, optional), and `#` comment lines such as vscsiStats's own
 * header; `length` in bytes, `lbn` in 512-byte blocks, `timestampUs` of any origin. `type` is a
 * word (read, write, flush, sync, discard, unmap; READ(10), write_16 and the like), or a SCSI
 * opcode (SBC-4): plain digits are decimal (40 = READ(10)), hexadecimal is written 0x28 or with a
 * letter in it (2A). The commands that move no data and survive no crash (INQUIRY, TEST UNIT READY, ...)
 * are counted as skipped. Extensions, so that every capture can be written in this form:
 * SYNCHRONIZE CACHE (0x35, 0x91) is a flush whatever range it names, UNMAP (0x42) with a length
 * discards `length` bytes from `lbn`.
 */
import type { CapturedOp } from "./capture.ts";
import { badRange, sectorRange } from "./capture-builder.ts";
import type { CaptureBuilder } from "./capture-builder.ts";
import { wholeNumbers } from "./line-reader.ts";
import type { LineReader, SkipCounts } from "./line-reader.ts";

export const VSCSI_HEADER = "serial,length,segments,type,lbn,timestampUs";

/** SCSI operation codes of block commands (SBC-4 table 35). */
const OP_OF_OPCODE: ReadonlyMap<number, CapturedOp> = new Map([
  ...[0x08, 0x28, 0xa8, 0x88].map((code) => [code, "read"] as const),
  ...[0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0x8e].map((code) => [code, "write"] as const),
  ...[0x35, 0x91].map((code) => [code, "flush"] as const),
  [0x42, "discard"] as const,
]);

/** Commands without block data: sense, inquiry, mode, reservations, capacity, start/stop. */
const CONTROL_OPCODES: ReadonlySet<number> = new Set([
  0x00, 0x03, 0x12, 0x15, 0x16, 0x17, 0x1a, 0x1b, 0x1e, 0x25, 0x4d, 0x55, 0x5a, 0x5e, 0x5f, 0x9e,
  0xa0, 0xa3,
]);

const WORDS: ReadonlyMap<string, CapturedOp> = new Map([
  ["read", "read"],
  ["write", "write"],
  ["flush", "flush"],
  ["sync", "flush"],
  ["synchronize cache", "flush"],
  ["discard", "discard"],
  ["unmap", "discard"],
]);

type VscsiType = CapturedOp | "control" | undefined;

/** The operation of a `type` field; undefined if it is none that can be replayed. */
export function vscsiOp(type: string): VscsiType {
  const text = type.trim().toLowerCase();
  if (/^(0x[0-9a-f]{1,2}|\d{1,3}|[0-9a-f]{2})$/.test(text)) {
    const code = /^\d+$/.test(text) ? Number(text) : Number.parseInt(text.replace("0x", ""), 16);
    return OP_OF_OPCODE.get(code) ?? (CONTROL_OPCODES.has(code) ? "control" : undefined);
  }
  const word = text.replace(/[_ ]?\(?(6|10|12|16)\)?$/, "").replaceAll("_", " ");
  return WORDS.get(word);
}

export function vscsiReader(builder: CaptureBuilder, skips: SkipCounts): LineReader {
  let first = true;
  const read = (text: string): string | undefined => {
    const line = text.trim();
    if (line.startsWith("#")) {
      skips.add("comment");
      return undefined;
    }
    const isHeader = first && line.replaceAll(" ", "").toLowerCase() === VSCSI_HEADER.toLowerCase();
    first = false;
    if (isHeader) {
      skips.add("header");
      return undefined;
    }
    return readRow(line, builder, skips);
  };
  return { read, requests: () => builder.requests, finish: () => builder };
}

function readRow(line: string, builder: CaptureBuilder, skips: SkipCounts): string | undefined {
  const fields = line.split(",").map((field) => field.trim());
  if (fields.length !== 6) return `${fields.length} fields, 6 expected (${VSCSI_HEADER})`;
  const [serial, length, segments, type, lbn, timestampUs] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const row = wholeNumbers({ serial, length, segments, lbn, timestampUs });
  if (typeof row === "string") return row;
  const op = vscsiOp(type);
  if (op === undefined) {
    return `type ${JSON.stringify(type.slice(0, 24))} is no read, write, flush or discard command`;
  }
  if (op === "control") {
    skips.add("scsi control command");
    return undefined;
  }
  if (op === "flush") {
    builder.add(row.timestampUs, op, 0, 0, "");
    return undefined;
  }
  const range = sectorRange(0, row.length);
  if (typeof range === "string") return range;
  const wrong = badRange(row.lbn, range.sectors);
  if (wrong !== undefined) return wrong;
  builder.add(row.timestampUs, op, row.lbn, range.sectors, "");
  return undefined;
}
