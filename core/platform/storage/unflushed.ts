/**
 * What a host, or a guest that mounts a volume itself, keeps of the writes to a volume whose array
 * forgets: those that were answered and not yet flushed. An array with a volatile cache says with each
 * answer which run of it that was. When that changes the host writes them again before anything else,
 * as a client of NFS 3 sends its unstable writes again when the server's verifier changed (RFC 1813,
 * 3.3.7 and 3.3.21).
 *
 * Must hold: whatever was answered and not flushed is in the array's cache, or here. So while the
 * host lives a power loss of the array is no more to its guests than a pause, and a flush that is
 * answered covers what was written before the loss. No two writes in here overlap, so the order in
 * which they are written again is free, and an old one never lands on a newer that is durable.
 */
import type { ContentRun, Editable } from "../../kernel/index.ts";
import { type BlockOutcome, type BlockRequest, overlaps, sliceRuns } from "./block.ts";

type Written = Extract<BlockRequest, { op: "write" | "discard" }>;

type Kept = {
  /** In the order of their answers; pieces of one write share it. */
  readonly number: number;
  readonly io: Written;
};

export type Unflushed = {
  /** The array's run that the writes were made in, or are to be made in again. */
  readonly run: number;
  /** Number of the next write. */
  readonly next: number;
  readonly kept: readonly Kept[];
  /**
   * `level`: the array has all of it; `behind`: it may not have, and the next request has to wait;
   * `catching-up`: it is just being sent.
   */
  readonly state: "level" | "behind" | "catching-up";
};

/** More, and the host flushes by itself: it keeps no more than an array's cache does. */
export const MOST_KEPT = 512;

/** The code of an array that was asked as the one that it was before its restart; detail {run}. */
export const RESTARTED = "restarted";

/** Nothing is known yet of what the array's cache holds from others. */
export const firstContact = (run: number): Unflushed => ({
  run,
  next: 1,
  kept: [],
  state: "behind",
});

/** Of an initiator: it keeps writes that nobody may send again once it is gone. */
export const keepsUnflushed = (state: { readonly unflushed?: Unflushed }): boolean =>
  state.unflushed !== undefined && state.unflushed.kept.length > 0;

/** Takes note of a write or discard that was answered. */
export function noteWritten(self: Editable<Unflushed>, io: Written): void {
  const others: Kept[] = [];
  for (const each of self.kept as Kept[]) {
    if (!overlaps(each.io, io)) others.push(each);
    else for (const part of outside(each.io, io)) others.push({ number: each.number, io: part });
  }
  const isDurable = io.op === "write" && io.fua === true;
  if (!isDurable) others.push({ number: self.next, io });
  self.next++;
  self.kept = others as never;
}

/** A flush was answered that was sent when `through` was the last write answered. */
export function noteFlushed(self: Editable<Unflushed>, through: number): void {
  self.kept = self.kept.filter(({ number }) => number > through);
}

/** The volume is not the host's any more, or the write has no place in it. */
export function forget(self: Editable<Unflushed>, number: number): void {
  self.kept = self.kept.filter((each) => each.number !== number);
}

/** What is left of an older write that a newer one came over. */
function outside(older: Written, newer: Written): Written[] {
  const end = older.sector + older.sectors;
  const past = newer.sector + newer.sectors;
  const parts: Written[] = [];
  if (older.sector < newer.sector) parts.push(cut(older, older.sector, newer.sector));
  if (end > past) parts.push(cut(older, past, end));
  return parts;
}

function cut(io: Written, sector: number, end: number): Written {
  const sectors = end - sector;
  if (io.op === "discard") return { op: "discard", sector, sectors };
  const runs: readonly ContentRun[] = sliceRuns(io.runs, sector - io.sector, sectors);
  return { ...io, sector, sectors, runs };
}

/** The array's run that an answer tells; undefined: its cache does not forget. */
export function runIn(outcome: { readonly ok: boolean } & object): number | undefined {
  const { value, code, detail } = outcome as {
    readonly value?: { readonly run?: number };
    readonly code?: string;
    readonly detail?: { readonly run: number };
  };
  return outcome.ok ? value?.run : code === RESTARTED ? detail?.run : undefined;
}

/** For the array: the answer with its run. */
export function withRun(outcome: BlockOutcome, run: number): BlockOutcome {
  return outcome.ok ? { ok: true, value: { ...(outcome.value as object), run } } : outcome;
}
