/**
 * blkparse text in its default form (blkparse(1), `-f "%D %2c %8s %5T.%9t %5p %2a %3d "`):
 *
 *     254,0    0       17     0.000123456   211  D  WS 34816 + 8 [sqlite3]
 *
 * A request shows up several times: queued by the file system (Q), issued to the driver (D),
 * completed (C). Issue events are taken, because they are what the device was asked for: merged,
 * and with a journal commit's FLUSH and FUA already split into real flushes where the device has no
 * FUA. Devices that see no D (dm, md, loop) fall back to Q, then to C. An own choice can be forced.
 *
 * RWBS: R, W, D (DE: secure erase) are the request; an F before it (or alone) asks for a flush
 * before the data, an F behind it for the data to be durable (FUA), taken as a flush behind it,
 * which makes at least the same data durable; A, S, M (ahead, sync, meta) change nothing here.
 * Other actions, SCSI passthrough and the summary at the end are counted as skipped.
 */
import { CaptureBuilder, badRange } from "./capture-builder.ts";
import type { SourceCursor } from "./capture-builder.ts";
import type { CapturedOp } from "./capture.ts";
import { wholeNumbers } from "./line-reader.ts";
import type { LineReader, SkipCounts } from "./line-reader.ts";

export type BlkparseEvent = "D" | "Q" | "C";

/** Best first. */
const EVENTS: readonly BlkparseEvent[] = ["D", "Q", "C"];

export const BLKPARSE_LINE =
  /^\s*(\d+,\d+)\s+\d+\s+\d+\s+(\d+)\.(\d{9})\s+\d+\s+([A-Za-z]{1,2})\s+(\S+)(?:\s+(.*))?$/;

const RWBS = /^(F?)(R|W|DE|D|N|F|)(F?)A?S?M?$/;
const PAYLOAD = /^(?:(\d+)(?: \+ (\d+))?\s+)?(?:\(\s*\d+\)\s+)?\[.*\]$/;
const SUMMARY = [
  /^(?:CPU\s*\d+|Total) \(.*\):$/,
  /^(?:Events \(.*\)|Throughput \(R\/W\)|Skips): /,
  /^\s+(?:PC )?(?:Reads?|Writes?|Discards?|IO unplugs|Timer unplugs|Allocations)\b/,
];

const ACTIONS: Readonly<Record<string, string>> = {
  A: "remap",
  B: "bounce",
  F: "front merge",
  G: "get request",
  I: "insert",
  M: "back merge",
  P: "plug",
  R: "requeue",
  S: "sleep",
  T: "timer",
  U: "unplug",
  UT: "timer unplug",
  X: "split",
  m: "message",
};

const DATA_OPS: ReadonlyMap<string, CapturedOp> = new Map([
  ["R", "read"],
  ["W", "write"],
  ["D", "discard"],
  ["DE", "discard"],
]);

export function blkparseReader(
  cursor: SourceCursor,
  device: string | undefined,
  forced: BlkparseEvent | undefined,
  skips: SkipCounts,
): LineReader {
  const lane = (): CaptureBuilder => new CaptureBuilder(cursor, device);
  const lanes: Record<BlkparseEvent, CaptureBuilder> = { D: lane(), Q: lane(), C: lane() };
  const seen: Record<BlkparseEvent, number> = { D: 0, Q: 0, C: 0 };

  const wanted = (event: BlkparseEvent): boolean => {
    if (forced !== undefined) return event === forced;
    return EVENTS.slice(0, EVENTS.indexOf(event)).every((better) => seen[better] === 0);
  };

  const event = (match: RegExpExecArray, action: BlkparseEvent): string | undefined => {
    const [, from, seconds, nanoseconds, , rwbs, payload] = match as unknown as string[];
    seen[action]++;
    if (!wanted(action)) return undefined;
    const time = wholeNumbers({ seconds: seconds!, nanoseconds: nanoseconds! });
    if (typeof time === "string") return time;
    const atUs = time.seconds * 1e6 + Math.floor(time.nanoseconds / 1000);
    if (!Number.isSafeInteger(atUs)) return `time ${seconds} s is beyond 2^53 microseconds`;
    return addEvent(lanes[action], skips, { atUs, device: from!, rwbs: rwbs!, payload });
  };

  const read = (text: string): string | undefined => {
    const match = BLKPARSE_LINE.exec(text);
    if (match === null) {
      if (!SUMMARY.some((kind) => kind.test(text.trimEnd())))
        return "not a line of blkparse's default output";
      skips.add("summary");
      return undefined;
    }
    const action = match[4]!;
    if (action === "D" || action === "Q" || action === "C") return event(match, action);
    const name = ACTIONS[action];
    if (name === undefined) return `unknown action ${JSON.stringify(action)}`;
    skips.add(name);
    return undefined;
  };

  const finish = (): CaptureBuilder => {
    const chosen = forced ?? EVENTS.find((name) => seen[name] > 0) ?? "D";
    for (const name of EVENTS) {
      if (name !== chosen && seen[name] > 0)
        skips.add(`${name} event, ${chosen} is used`, seen[name]);
    }
    return lanes[chosen];
  };
  const requests = (): number => lanes.D.requests + lanes.Q.requests + lanes.C.requests;
  return { read, requests, finish };
}

interface BlkEvent {
  readonly atUs: number;
  readonly device: string;
  readonly rwbs: string;
  readonly payload: string | undefined;
}

function addEvent(lane: CaptureBuilder, skips: SkipCounts, event: BlkEvent): string | undefined {
  const kind = RWBS.exec(event.rwbs);
  if (kind === null) return `RWBS ${JSON.stringify(event.rwbs.slice(0, 12))} is unknown`;
  const payload = PAYLOAD.exec(event.payload ?? "");
  if (payload === null) {
    if (!/^\d+ \((?:[0-9a-f]{2} ?)+(?:\.\. ?)?\)/.test(event.payload ?? "")) {
      return "SECTOR + COUNT [PROCESS] expected after RWBS";
    }
    skips.add("scsi passthrough");
    return undefined;
  }
  const flushBefore = kind[1] === "F" || kind[2] === "F";
  const op = DATA_OPS.get(kind[2]!);
  const hasData = payload[2] !== undefined && op !== undefined;
  const range = wholeNumbers({ sector: payload[1] ?? "0", sectors: payload[2] ?? "0" });
  if (typeof range === "string") return range;
  if (hasData) {
    const wrong = badRange(range.sector, range.sectors);
    if (wrong !== undefined) return wrong;
  } else if (!flushBefore) {
    if (op !== undefined) return "a request without SECTOR + COUNT that is no flush";
    skips.add("no data");
    return undefined;
  }
  if (flushBefore) lane.add(event.atUs, "flush", 0, 0, event.device);
  if (hasData) lane.add(event.atUs, op, range.sector, range.sectors, event.device);
  if (hasData && kind[3] === "F") lane.add(event.atUs, "flush", 0, 0, event.device);
  return undefined;
}
