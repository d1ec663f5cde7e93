/**
 * A guest that plays a captured block trace.
 *
 * Must hold: closed pacing sends a request when at most as many are under way as were when it was
 * recorded, and after the recorded think time; open pacing at the recorded time, in the guest's own
 * time, so that a stun shifts what follows. After a crash it goes on at the first request that was
 * not acknowledged; that is kept in the journal.
 */
import { US } from "../../kernel/index.ts";
import type { Completed, Guest } from "../guest-handle.ts";
import { modelledGuest } from "../modelled-guest.ts";
import { CAPTURE_OPS, type PreparedCapture } from "./capture-input.ts";

export type CapturedConfig = {
  readonly bootNs: number;
  readonly verifySectors?: number | undefined;
  /** SHA-256 of the capture, a key of `GuestInputs.capture`. */
  readonly capture: string;
  readonly disk: number;
  readonly pacing: "closed" | "open";
  /** Recorded times are multiplied by this. */
  readonly timeScale: number;
  readonly limit?: number | undefined;
  /** A flush after so many writes, where none are recorded; 0 = never. */
  readonly flushEvery: number;
  readonly wrap: boolean;
};

type State = {
  /** Next request to send. */
  readonly next: number;
  /** First request of this run, and the guest's time at which it counts from. */
  readonly first: number;
  readonly sinceNs: number;
  readonly sentNs: number;
  readonly underWay: number;
  readonly waiting: "" | "think" | "flush";
  readonly writes: number;
  /** Acknowledged out of turn: above the journal's `acknowledged`. */
  readonly early: readonly number[];
};

type Journal = {
  /** Requests below this are acknowledged. */
  readonly acknowledged: number;
  /** Given up after the last attempt. */
  readonly failed: number;
  readonly ended: boolean;
};

type Captured = Guest<CapturedConfig, State, Journal>;

const OWN_FLUSH = -1;

export const capturedGuest = modelledGuest<CapturedConfig, State, Journal>({
  kind: "capture",
  state: () => ({
    next: 0,
    first: 0,
    sinceNs: 0,
    sentNs: 0,
    underWay: 0,
    waiting: "",
    writes: 0,
    early: [],
  }),
  journal: () => ({ acknowledged: 0, failed: 0, ended: false }),
  begin: (guest) => {
    const { state, journal } = guest;
    state.next = state.first = journal.acknowledged;
    state.sinceNs = state.sentNs = guest.nowNs;
    sendMore(guest);
  },
  timer: (guest) => {
    guest.state.waiting = "";
    if (guest.config.pacing === "closed") send(guest);
    sendMore(guest);
  },
  done: (guest, done) => {
    const request = done.tag as number;
    if (request === OWN_FLUSH) {
      if (guest.state.waiting === "flush") guest.state.waiting = "";
    } else {
      guest.state.underWay--;
      acknowledge(guest, request, done);
    }
    sendMore(guest);
  },
});

function sendMore(guest: Captured): void {
  const { config, state } = guest;
  const capture = guest.inputs.capture(config.capture);
  const end = Math.min(capture.atUs.length, config.limit ?? Infinity);
  while (state.waiting === "") {
    if (state.next >= end) return endWhenAnswered(guest);
    const flushEvery = capture.flushes === 0 ? config.flushEvery : 0;
    if (flushEvery > 0 && state.writes >= flushEvery) {
      if (!flushOwn(guest)) return;
      continue;
    }
    const delayNs =
      config.pacing === "open" ? untilRecorded(guest, capture) : think(guest, capture);
    if (delayNs === undefined) return;
    if (delayNs > 0) {
      state.waiting = "think";
      return guest.timer(delayNs, state.next);
    }
    send(guest);
  }
}

/** Closed pacing: undefined while more requests are under way than were then. */
function think(guest: Captured, capture: PreparedCapture): number | undefined {
  const { state, config, nowNs } = guest;
  if (state.underWay > capture.depth[state.next]!) return undefined;
  const thinkNs = Math.floor(capture.thinkUs[state.next]! * US * config.timeScale);
  if (capture.responseUs !== null) return thinkNs;
  return Math.max(0, state.sentNs + thinkNs - nowNs);
}

function untilRecorded(guest: Captured, capture: PreparedCapture): number {
  const { state, config, nowNs } = guest;
  const recordedUs = capture.atUs[state.next]! - capture.atUs[state.first]!;
  return Math.max(0, state.sinceNs + Math.floor(recordedUs * US * config.timeScale) - nowNs);
}

function send(guest: Captured): void {
  const { config, state } = guest;
  const capture = guest.inputs.capture(config.capture);
  const request = state.next++;
  const op = CAPTURE_OPS[capture.op[request]!]!;
  state.sentNs = guest.nowNs;
  state.underWay++;
  if (op === "write") state.writes++;
  if (op === "flush") return guest.block({ disk: config.disk, op, sector: 0, sectors: 0 }, request);
  const size = guest.spec.disks[config.disk]!.sectors;
  const sectors = capture.sectors[request]!;
  const wrapped = config.wrap ? capture.sector[request]! % size : capture.sector[request]!;
  const sector = config.wrap ? Math.min(wrapped, size - sectors) : wrapped;
  guest.block({ disk: config.disk, op, sector, sectors }, request);
}

/** A flush covers what is acknowledged, so closed pacing waits for that. True: it was sent. */
function flushOwn(guest: Captured): boolean {
  const { config, state } = guest;
  if (config.pacing === "closed") {
    if (state.underWay > 0) return false;
    state.waiting = "flush";
  }
  state.writes = 0;
  guest.block({ disk: config.disk, op: "flush", sector: 0, sectors: 0 }, OWN_FLUSH);
  return true;
}

function acknowledge(guest: Captured, request: number, done: Completed): void {
  const { state, journal } = guest;
  if (!done.ok) journal.failed++;
  state.early.push(request);
  for (;;) {
    const at = state.early.indexOf(journal.acknowledged);
    if (at < 0) return;
    state.early.splice(at, 1);
    journal.acknowledged++;
  }
}

function endWhenAnswered(guest: Captured): void {
  const { state, journal } = guest;
  if (state.underWay > 0 || journal.ended) return;
  journal.ended = true;
  guest.lifecycle("application-exit");
}
