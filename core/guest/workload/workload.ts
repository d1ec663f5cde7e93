/**
 * A modelled workload: phases of computing, touching memory, block requests and messages.
 *
 * Must hold: a phase lasts its length in the guest's own time; what a phase still had under way when
 * it ended is answered and checked, but starts nothing any more.
 */
import { type Editable, MS, type PlainObject } from "../../kernel/index.ts";
import type { TouchedSet } from "../guest.ts";
import type { Guest } from "../guest-handle.ts";
import { modelledGuest } from "../modelled-guest.ts";
import { beginGuard, type GuardState, type GuardTag, wakeGuard } from "./guarding.ts";
import type { BlockStream, WorkingSetWish, WorkloadConfig } from "./workload-config.ts";

type StreamState = { readonly writes: number; readonly cursor: number };

type State = {
  readonly phase: number;
  /** Counts phases begun: what belongs to an earlier one is stale. */
  readonly turn: number;
  readonly streams: readonly StreamState[];
  /** Page touches owed, in millionths. */
  readonly reads: number;
  readonly writes: number;
  /** Of its integrity driver, if it has one. */
  readonly guard?: GuardState;
  /** The same for further working sets; absent without. */
  readonly further?: readonly Owed[];
};

type Owed = { readonly reads: number; readonly writes: number };

type Journal = { readonly answered: number; readonly failed: number };

/** What a timer, a request or a computation belongs to. */
type Tag = {
  readonly turn: number;
  readonly for: "phase" | "work" | "memory" | "block" | "arrival" | "message" | "event";
  readonly index: number;
};

type Workload = Guest<WorkloadConfig, State, Journal>;

/** Threads compute for their share of this, then rest; touched pages are counted up as often. */
const PERIOD_NS = 10 * MS;
const MILLION = 1_000_000;

export const workloadGuest = modelledGuest<WorkloadConfig, State, Journal>({
  kind: "workload",
  state: () => ({ phase: 0, turn: 0, streams: [], reads: 0, writes: 0 }),
  journal: () => ({ answered: 0, failed: 0 }),
  begin: (guest) => {
    beginPhase(guest, 0);
    beginGuard(guest);
  },
  timer: (guest, tag: Tag | GuardTag) => {
    if ("guard" in tag) return wakeGuard(guest, tag);
    if (tag.turn === guest.state.turn) wake(guest, tag);
  },
  computed: (guest, tag: Tag) => {
    if (tag.turn !== guest.state.turn) return;
    const restNs = PERIOD_NS - workNs(guest);
    if (restNs > 0) guest.timer(restNs, tag);
    else compute(guest, tag);
  },
  done: (guest, done) => {
    guest.journal.answered++;
    if (!done.ok) guest.journal.failed++;
    const tag = done.tag as Tag;
    if (tag.turn !== guest.state.turn || tag.for !== "block") return;
    const { pacing } = phaseOf(guest).block[tag.index]!;
    if (pacing.kind === "open") return;
    if (pacing.thinkNs > 0) guest.timer(pacing.thinkNs, tag);
    else request(guest, tag);
  },
});

const phaseOf = (guest: Workload): WorkloadConfig["phases"][number] =>
  guest.config.phases[guest.state.phase]!;

const workNs = (guest: Workload): number =>
  Math.floor((PERIOD_NS * phaseOf(guest).busyPercent) / 100);

function beginPhase(guest: Workload, index: number): void {
  const { state } = guest;
  state.phase = index;
  const turn = ++state.turn;
  const phase = phaseOf(guest);
  state.streams = phase.block.map(() => ({ writes: 0, cursor: 0 }));
  guest.timer(phase.durationNs, { turn, for: "phase", index });
  if (workNs(guest) > 0) {
    for (let thread = 0; thread < phase.threads; thread++) {
      compute(guest, { turn, for: "work", index: thread });
    }
  }
  if (phase.memory) guest.timer(PERIOD_NS, { turn, for: "memory", index: 0 });
  phase.events.forEach(({ atNs }, at) => guest.timer(atNs, { turn, for: "event", index: at }));
  phase.network.forEach((_, at) => nextMessage(guest, { turn, for: "message", index: at }));
  phase.block.forEach(({ pacing }, at) => {
    const streams = pacing.kind === "closed" ? pacing.outstanding : 0;
    for (let each = 0; each < streams; each++) request(guest, { turn, for: "block", index: at });
    if (pacing.kind === "open") nextArrival(guest, { turn, for: "arrival", index: at });
  });
}

function wake(guest: Workload, tag: Tag): void {
  const phase = phaseOf(guest);
  switch (tag.for) {
    case "phase":
      return endPhase(guest);
    case "work":
      return compute(guest, tag);
    case "memory":
      return touch(guest, tag);
    case "block":
      return request(guest, tag);
    case "arrival":
      request(guest, { ...tag, for: "block" });
      return nextArrival(guest, tag);
    case "message": {
      const { to, bytes, delivery } = phase.network[tag.index]!;
      guest.send(to, bytes, delivery);
      return nextMessage(guest, tag);
    }
    case "event":
      return guest.lifecycle(`application:${phase.events[tag.index]!.name}`);
  }
}

function endPhase(guest: Workload): void {
  const { state, config } = guest;
  const next = state.phase + 1;
  if (next < config.phases.length) return beginPhase(guest, next);
  if (config.repeat) return beginPhase(guest, 0);
  state.turn++;
  guest.lifecycle("application-exit");
}

function compute(guest: Workload, tag: Tag): void {
  guest.cpu(tag.index, workNs(guest), tag as PlainObject);
}

function touch(guest: Workload, tag: Tag): void {
  const { state } = guest;
  const { further, fragmentationPercent, ...first } = phaseOf(guest).memory!;
  const scattered = fragmentationPercent === undefined ? {} : { fragmentationPercent };
  const touched = { ...touchedSet(first, state), ...scattered };
  if (further !== undefined) guest.touch({ ...touched, further: furtherTouched(guest, further) });
  else if (touched.reads + touched.writes > 0) guest.touch(touched);
  guest.timer(PERIOD_NS, tag);
}

function furtherTouched(guest: Workload, further: readonly WorkingSetWish[]): TouchedSet[] {
  const { state } = guest;
  if (state.further?.length !== further.length) {
    state.further = further.map(() => ({ reads: 0, writes: 0 }));
  }
  const owed = state.further!;
  return further.map((set, at) => touchedSet(set, owed[at]!));
}

/** What is touched in a period. Rates need not divide into it: what is left over is owed. */
function touchedSet(set: WorkingSetWish, owed: Editable<Owed>): TouchedSet {
  const { workingSetPages, distribution } = set;
  owed.reads += Math.floor((set.readsPerSecond * MILLION * PERIOD_NS) / (1000 * MS));
  owed.writes += Math.floor((set.writesPerSecond * MILLION * PERIOD_NS) / (1000 * MS));
  const reads = Math.floor(owed.reads / MILLION);
  const writes = Math.floor(owed.writes / MILLION);
  owed.reads -= reads * MILLION;
  owed.writes -= writes * MILLION;
  return { workingSetPages, distribution, reads, writes };
}

function nextArrival(guest: Workload, tag: Tag): void {
  const { gap } = phaseOf(guest).block[tag.index]!;
  guest.timer(guest.draw("arrival", gap!), tag);
}

function nextMessage(guest: Workload, tag: Tag): void {
  guest.timer(guest.draw("message", phaseOf(guest).network[tag.index]!.gap), tag);
}

function request(guest: Workload, tag: Tag): void {
  const stream = phaseOf(guest).block[tag.index]!;
  const own = guest.state.streams[tag.index]!;
  const { disk, sectors, flushEvery } = stream;
  if (flushEvery > 0 && own.writes >= flushEvery) {
    own.writes = 0;
    return guest.block({ disk, op: "flush", sector: 0, sectors: 0 }, tag);
  }
  const op = guest.draw("read-or-write", stream.reads) === 1 ? "read" : "write";
  if (op === "write") own.writes++;
  guest.block({ disk, op, sector: place(guest, stream, own) * sectors, sectors }, tag);
}

function place(guest: Workload, stream: BlockStream, own: { cursor: number }): number {
  if (stream.place !== null) return guest.draw("place", stream.place);
  const at = own.cursor;
  own.cursor = (at + 1) % stream.slots;
  return at;
}
