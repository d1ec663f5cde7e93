/**
 * Logs of nbdkit's log filter (`nbdkit --filter=log ... logfile=FILE`; nbdkit-log-filter(1)), which
 * is how the samples of this project were captured. One line when a request arrives, ending in
 * `...`, and one when it completes:
 *
 *     2026-11-21 01:30:58.261919 connection=1 Write id=3 offset=0x0 count=0x1000 fua=0 ...
 *     2026-11-21 01:30:58.261949 connection=1 ...Write id=3 return=0
 *
 * A request counts at its arrival. Zero is a write (its content is defined: zeros), Trim a discard,
 * and fua=1 adds a flush behind the request, which makes at least the same data durable. Times are
 * the local wall clock of the server: run it with TZ=UTC. Connections share one export, one disk.
 */
import type { CapturedOp } from "./capture.ts";
import { sectorRange } from "./capture-builder.ts";
import type { CaptureBuilder } from "./capture-builder.ts";
import { wholeNumber } from "./line-reader.ts";
import type { LineReader, SkipCounts } from "./line-reader.ts";

export const NBDKIT_LINE =
  /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6}) (?:connection=(\d+) )?(\.{3})?(\w+)\b(.*)$/;

const OPS: ReadonlyMap<string, CapturedOp> = new Map([
  ["Read", "read"],
  ["Write", "write"],
  ["Zero", "write"],
  ["Trim", "discard"],
  ["Flush", "flush"],
]);

export function nbdkitReader(builder: CaptureBuilder, skips: SkipCounts): LineReader {
  /** Arrival of each request in flight: bounded by what the client keeps outstanding. */
  const inFlight = new Map<string, { readonly index: number; readonly atUs: number }>();

  const completion = (key: string, atUs: number, rest: string): string | undefined => {
    const arrival = inFlight.get(key);
    if (arrival === undefined) return "completion of a request that did not arrive";
    inFlight.delete(key);
    if (!rest.endsWith(" return=0")) return `the request failed:${rest.slice(0, 40)}`;
    builder.completed(arrival.index, Math.max(0, atUs - arrival.atUs));
    skips.add("completion");
    return undefined;
  };

  const arrival = (key: string, op: CapturedOp, atUs: number, rest: string): string | undefined => {
    let index: number;
    if (op === "flush") index = builder.add(atUs, op, 0, 0, "");
    else {
      const range = rangeOf(rest);
      if (typeof range === "string") return range;
      index = builder.add(atUs, op, range.sector, range.sectors, "");
      if (/ fua=1\b/.test(rest)) builder.add(atUs, "flush", 0, 0, "");
    }
    inFlight.set(key, { index, atUs });
    return undefined;
  };

  const read = (text: string): string | undefined => {
    const match = NBDKIT_LINE.exec(text.trimEnd());
    if (match === null) return "not a line of nbdkit's log filter";
    const [, year, month, day, hour, minute, second, us] = match.map(Number) as number[];
    const [connection, ends, action, rest] = match.slice(8) as (string | undefined)[];
    const ms = Date.UTC(year!, month! - 1, day, hour, minute, second);
    const atUs = ms * 1000 + us!;
    const op = OPS.get(action!);
    if (op === undefined) {
      skips.add(action!.toLowerCase());
      return undefined;
    }
    const id = / id=(\d+)/.exec(rest!);
    if (id === null || connection === undefined) return "a request without connection and id";
    const key = `${connection}/${id[1]}`;
    return ends === undefined
      ? arrival(key, op, atUs, rest!)
      : completion(key, atUs, rest!.trimEnd());
  };
  return { read, requests: () => builder.requests, finish: () => builder };
}

function rangeOf(rest: string): ReturnType<typeof sectorRange> {
  const match = / offset=0x([0-9a-f]+) count=0x([0-9a-f]+) /.exec(rest);
  if (match === null) return "offset=0x... and count=0x... expected";
  const offset = wholeNumber("offset", BigInt(`0x${match[1]}`).toString());
  if (typeof offset === "string") return offset;
  const count = wholeNumber("count", BigInt(`0x${match[2]}`).toString());
  if (typeof count === "string") return count;
  return sectorRange(offset, count);
}
