/**
 * MSR Cambridge block traces (Narayanan et al., FAST 2008; SNIA IOTTA): CSV without a header,
 * `Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime`. Timestamp is a Windows filetime
 * and ResponseTime a duration, both in 100 ns; Offset and Size in bytes. A disk is named
 * `HOSTNAME.DISKNUMBER` (`hm.1`). There are no flushes in this format: replaying such a
 * capture needs `flushEvery`. Lines are logged at completion, so times run backwards now and then.
 */
import { sectorRange } from "./capture-builder.ts";
import type { CaptureBuilder } from "./capture-builder.ts";
import { wholeNumbers } from "./line-reader.ts";
import type { LineReader, SkipCounts } from "./line-reader.ts";

const FIELDS = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime";
export const MSR_HEADER = FIELDS.toLowerCase();

/** The highest filetime: 2^63 - 1. */
const MAX_FILETIME = 2n ** 63n - 1n;

export function msrReader(builder: CaptureBuilder, skips: SkipCounts): LineReader {
  // A filetime is beyond 2^53, so times are kept as the difference to the first one.
  let originUs: bigint | undefined;
  let first = true;
  const read = (text: string): string | undefined => {
    const line = text.trim();
    const isHeader = first && line.replaceAll(" ", "").toLowerCase() === MSR_HEADER;
    first = false;
    if (isHeader) {
      skips.add("header");
      return undefined;
    }
    const fields = line.split(",").map((field) => field.trim());
    if (fields.length !== 7) return `${fields.length} fields, 7 expected (${FIELDS})`;
    const [timestamp, host, disk, type, Offset, Size, ResponseTime] = fields as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    if (!/^\d{1,19}$/.test(timestamp) || BigInt(timestamp) > MAX_FILETIME) {
      return `Timestamp is ${JSON.stringify(timestamp.slice(0, 24))}, a filetime expected`;
    }
    const op = type.toLowerCase();
    if (op !== "read" && op !== "write") {
      return `Type is ${JSON.stringify(type.slice(0, 24))}, Read or Write expected`;
    }
    const row = wholeNumbers({ DiskNumber: disk, Offset, Size, ResponseTime });
    if (typeof row === "string") return row;
    const range = sectorRange(row.Offset, row.Size);
    if (typeof range === "string") return range;
    const us = BigInt(timestamp) / 10n;
    originUs ??= us;
    const atUs = Number(us - originUs);
    if (!Number.isSafeInteger(atUs)) return `Timestamp ${timestamp} is centuries off the first one`;
    const index = builder.add(atUs, op, range.sector, range.sectors, `${host}.${disk}`);
    builder.completed(index, Math.floor(row.ResponseTime / 10));
    return undefined;
  };
  return { read, requests: () => builder.requests, finish: () => builder };
}
