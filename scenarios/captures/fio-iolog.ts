/**
 * fio I/O logs, versions 2 and 3 (fio's documentation, "Trace file format").
 *
 * Version 3 lines are `timestamp filename action [offset length]`, the timestamp in microseconds
 * since the job began (fio's code writes microseconds). Version 2 lines have no timestamp; `wait N`
 * lets N microseconds pass since the previous wait, and a log without waits has all requests at 0.
 * read and write are themselves, sync and datasync are flushes, trim is a discard; add, open and
 * close are counted as skipped, and sync_file_range too, since it makes no device flush. A file
 * name is a disk.
 */
import type { CapturedOp } from "./capture.ts";
import { sectorRange } from "./capture-builder.ts";
import type { CaptureBuilder } from "./capture-builder.ts";
import { wholeNumber, wholeNumbers } from "./line-reader.ts";
import type { LineReader, SkipCounts } from "./line-reader.ts";

export const FIO_HEADER = /^fio version ([23]) iolog$/;

const OPS: ReadonlyMap<string, CapturedOp> = new Map([
  ["read", "read"],
  ["write", "write"],
  ["trim", "discard"],
  ["sync", "flush"],
  ["datasync", "flush"],
]);

const FILE_ACTIONS: ReadonlySet<string> = new Set(["add", "open", "close", "sync_file_range"]);

export function fioReader(builder: CaptureBuilder, skips: SkipCounts): LineReader {
  let version = 0;
  let clockUs = 0;

  const wait = (offset: string | undefined): string | undefined => {
    if (version === 3) return "wait is not part of a version 3 log";
    const us = wholeNumber("wait", offset ?? "");
    if (typeof us === "string") return us;
    if (!Number.isSafeInteger(clockUs + us)) return "the sum of all waits is beyond 2^53";
    clockUs += us;
    skips.add("wait");
    return undefined;
  };

  const request = (words: readonly string[]): string | undefined => {
    const [file, action, offset, length] = words;
    if (file === undefined || action === undefined) return "a file name and an action expected";
    if (action === "wait") return wait(offset);
    if (FILE_ACTIONS.has(action)) {
      skips.add(action);
      return undefined;
    }
    const op = OPS.get(action);
    if (op === undefined) return `unknown action ${JSON.stringify(action.slice(0, 24))}`;
    if (op === "flush") {
      builder.add(clockUs, op, 0, 0, file);
      return undefined;
    }
    if (offset === undefined || length === undefined) return `${action} needs offset and length`;
    if (words.length > 4) return `${words.length - 4} more words than offset and length`;
    const row = wholeNumbers({ offset, length });
    if (typeof row === "string") return row;
    const range = sectorRange(row.offset, row.length);
    if (typeof range === "string") return range;
    builder.add(clockUs, op, range.sector, range.sectors, file);
    return undefined;
  };

  const read = (text: string): string | undefined => {
    if (version === 0) {
      const header = FIO_HEADER.exec(text.trim());
      if (header === null) return "'fio version 2 iolog' or 'fio version 3 iolog' expected";
      version = Number(header[1]);
      skips.add("header");
      return undefined;
    }
    const words = text.trim().split(/\s+/);
    if (version === 2) return request(words);
    const at = wholeNumber("timestamp", words[0]!);
    if (typeof at === "string") return at;
    clockUs = at;
    return request(words.slice(1));
  };
  return { read, requests: () => builder.requests, finish: () => builder };
}
