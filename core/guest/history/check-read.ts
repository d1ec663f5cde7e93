/**
 * Holds what a read found against what it may find. Sound: nothing that a register may do, sector by
 * sector, is called wrong, and after a crash a doubtful write counts as there or not there until
 * the first read that tells.
 */
import type { ContentRun } from "../../kernel/index.ts";
import { NEVER, type RecentWrite } from "./recent-write.ts";
import { sliceRuns } from "../../platform/index.ts";
import { covers, cutsOf, FOREIGN, ValueCursor, valueOf } from "./value-runs.ts";

export type ReadSpan = {
  readonly sector: number;
  readonly sectors: number;
  /** Clock when the read was sent. */
  readonly issued: number;
};

export type Mismatch = {
  readonly sector: number;
  readonly sectors: number;
  /** Stamp found; 0 zeros, -1 bytes that nobody wrote. */
  readonly found: number;
  /** Stamps that would have been right. */
  readonly allowed: readonly number[];
  /** What should be there was durable before the last crash. */
  readonly beforeCrash: boolean;
};

export type Verdict = {
  /** The first sectors that are wrong. */
  readonly mismatch: Mismatch | undefined;
  /** Sectors of which this read told, first, what the last crash left. */
  readonly learned: readonly {
    readonly sector: number;
    readonly sectors: number;
    readonly stamp: number;
  }[];
};

export function checkRead(
  span: ReadSpan,
  found: readonly ContentRun[],
  settled: readonly ContentRun[],
  near: readonly RecentWrite[],
  crashedAt: number,
  crashStamp: number,
): Verdict {
  const foundCursor = new ValueCursor(found);
  const settledCursor = new ValueCursor(settled);
  const learned: { sector: number; sectors: number; stamp: number }[] = [];
  let mismatch: Mismatch | undefined;
  let from = 0;
  for (const to of cutsOf(span, [found, settled], near)) {
    const sector = span.sector + from;
    const sectors = to - from;
    const value = foundCursor.valueAt(from);
    const here = near.filter((write) => covers(write, sector));
    const allowed = allowedAt(sector, span.issued, settledCursor.valueAt(from), here);
    const isRight =
      allowed.includes(value) && (value !== FOREIGN || sameBytes(found, settled, from, to));
    if (!isRight) {
      const beforeCrash =
        allowed.some((stamp) => stamp > 0) && allowed.every((stamp) => isOlder(stamp, crashStamp));
      mismatch ??= { sector, sectors, found: value, allowed, beforeCrash };
    } else if (allowed.length > 1 && tells(value, sector, here, crashedAt)) {
      learned.push({ sector, sectors, stamp: value });
    }
    from = to;
  }
  return { mismatch, learned };
}

/** Bytes that were there before the guest, on a disk made of an image, are as they were. */
function sameBytes(
  found: readonly ContentRun[],
  settled: readonly ContentRun[],
  from: number,
  to: number,
): boolean {
  const bytes = (runs: readonly ContentRun[]): Uint8Array[] =>
    sliceRuns(runs, from, to - from).flatMap((run) => (run.kind === "bytes" ? [run.bytes] : []));
  const [a, b] = [bytes(found), bytes(settled)];
  const length = (parts: readonly Uint8Array[]): number =>
    parts.reduce((sum, part) => sum + part.length, 0);
  if (length(a) !== length(b)) return false;
  const joined = (parts: readonly Uint8Array[]): Uint8Array => {
    const whole = new Uint8Array(length(parts));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  const other = joined(b);
  return joined(a).every((byte, index) => byte === other[index]);
}

/** Values that a read sent at `issued` may find; the settled one is older than every write. */
function allowedAt(
  sector: number,
  issued: number,
  settled: number,
  here: readonly RecentWrite[],
): number[] {
  const before = here.filter((write) => write.sure < issued);
  const allowed = before.length === 0 ? [settled] : [];
  for (const write of here) {
    if (before.some((newer) => write.ends < newer.issued)) continue;
    const value = valueOf(write, sector);
    if (!allowed.includes(value)) allowed.push(value);
  }
  return allowed;
}

/** Whether the value settles what a crash left in doubt; one written since then does not. */
function tells(
  value: number,
  sector: number,
  here: readonly RecentWrite[],
  crashedAt: number,
): boolean {
  const before = here.filter((write) => write.ends <= crashedAt);
  const inDoubt = before.length > 1 || before.some((write) => write.sure === NEVER);
  if (!inDoubt) return false;
  return !here.some((write) => write.issued > crashedAt && valueOf(write, sector) === value);
}

const COUNTERS = 2 ** 37;

/** Whether the stamp's counter, disk number aside, is below the one reached at the crash. */
const isOlder = (stamp: number, crashStamp: number): boolean => stamp % COUNTERS < crashStamp;
