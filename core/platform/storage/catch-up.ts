/**
 * An initiator (a host's, or a guest's own) whose array was restarted: what the array may have forgotten is written again, and
 * only then what was asked of it meanwhile goes on. At the first contact a flush comes first, so that
 * what others left in the array's cache cannot be found now and be gone later.
 *
 * Must hold: no request of the initiator's users reaches a run of the array before all that they were
 * answered is there; each is on its way once at a time. When the array does not take what is sent
 * again, those who wait are refused, and the next request tries anew.
 */
import { assert, type Editable, type Reply } from "../../kernel/index.ts";
import { answer, type BlockOutcome, refused } from "./block.ts";
import {
  enter,
  type InitiatorEntity,
  type Outstanding,
  placeOf,
  transmit,
} from "./initiator-state.ts";
import {
  firstContact,
  forget,
  MOST_KEPT,
  noteFlushed,
  noteWritten,
  runIn,
  type Unflushed,
} from "./unflushed.ts";

/** These say that the volume is not the host's any more, or has no place for it. */
const OVER = new Set(["gone", "not-owner", "out-of-range"]);

const unflushedOf = (self: InitiatorEntity): Unflushed => {
  const { unflushed } = self.volatile;
  assert(unflushed, () => `${self.name} keeps nothing`);
  return unflushed;
};

/** Whether this answer counts. If not, its request is sent again when the array is level. */
export function isTaken(self: InitiatorEntity, at: number, reply: Reply): boolean {
  const run = runIn(reply);
  if (run === undefined) return true;
  const { outstanding, unflushed } = self.volatile;
  const entry = outstanding[at]!;
  if (unflushed === undefined) {
    self.edit().unflushed = firstContact(run) as Editable<Unflushed>;
    if (entry.io.op === "flush") self.edit().unflushed!.state = "level";
    else catchUp(self);
  }
  const { run: known, state } = unflushedOf(self);
  if (run === known && reply.ok) {
    // What others left may be gone yet; what is written in the meantime comes after it.
    if (entry.io.op === "read" && state !== "level") return wait(self, at);
    note(self, entry);
    return true;
  }
  if (run > known) fallBehind(self, run);
  // Its own, for the former run, is not among those outstanding any more.
  return wait(self, placeOf(self, entry.number));
}

/** The array is another by now: what was being sent to the former one is to be sent to this. */
function fallBehind(self: InitiatorEntity, run: number): void {
  const { unflushed } = self.edit();
  unflushed!.run = run;
  unflushed!.state = unflushed!.kept.length === 0 ? "level" : "behind";
  self.notice("sometimes", { name: "writes are sent again to an array that forgot them" });
  dropOwn(self);
  if (unflushed!.state === "level") sendWaiting(self);
  else catchUp(self);
}

function dropOwn(self: InitiatorEntity): void {
  const state = self.edit();
  state.outstanding = state.outstanding.filter(({ again }) => again === undefined);
}

/** False: it is not answered yet. */
function wait(self: InitiatorEntity, at: number): false {
  if (at < 0) return false;
  sendOnceLevel(self, at);
  return false;
}

/** At once, as far as is known that the array is level; else it waits for that. */
export function sendOnceLevel(self: InitiatorEntity, at: number): void {
  const { unflushed } = self.volatile;
  if (unflushed === undefined || unflushed.state === "level") return transmit(self, at);
  self.edit().outstanding[at]!.waits = true;
  if (unflushed.state === "behind") catchUp(self);
}

function note(self: InitiatorEntity, { io, through = 0, again }: Outstanding): void {
  if (io.op === "read") return;
  const unflushed = self.edit().unflushed!;
  if (io.op === "flush") return noteFlushed(unflushed, through);
  if (again !== undefined) return;
  noteWritten(unflushed, io);
  if (unflushed.kept.length < MOST_KEPT) return;
  const isFlushing = ({ request, io: { op } }: Outstanding): boolean =>
    request === null && op === "flush";
  if (self.volatile.outstanding.some(isFlushing)) return;
  transmit(self, enter(self, null, { op: "flush" }));
}

/** Sends again what is kept; at the first contact, when nothing is, a flush. */
function catchUp(self: InitiatorEntity): void {
  const { kept } = unflushedOf(self);
  self.edit().unflushed!.state = "catching-up";
  const sent = kept.map(({ number, io }) => ({ number, at: enter(self, null, io) }));
  if (kept.length === 0) sent.push({ number: 0, at: enter(self, null, { op: "flush" }) });
  for (const { number, at } of sent) {
    self.edit().outstanding[at]!.again = number;
    transmit(self, at);
  }
}

/** A request of the initiator itself has ended and is not outstanding any more. */
export function noteEnded(self: InitiatorEntity, own: Outstanding, outcome: Reply | BlockOutcome) {
  const { again } = own;
  if (again === undefined) return;
  if (!outcome.ok) {
    if (again === 0 || !OVER.has(outcome.code)) return giveUp(self, outcome.code);
    forget(self.edit().unflushed!, again);
  }
  const { outstanding } = self.volatile;
  if (outstanding.some((each) => each.again !== undefined)) return;
  self.edit().unflushed!.state = "level";
  sendWaiting(self);
}

/** Sends what waited. */
export function sendWaiting(self: InitiatorEntity): void {
  self.volatile.outstanding.forEach(({ waits }, at) => {
    if (waits !== true) return;
    self.edit().outstanding[at]!.waits = false;
    transmit(self, at);
  });
}

/** The array does not take what it forgot: nobody may go on as if it had. */
function giveUp(self: InitiatorEntity, code: string): void {
  dropOwn(self);
  const waiting = self.volatile.outstanding.filter(({ waits }) => waits === true);
  const state = self.edit();
  state.unflushed!.state = "behind";
  state.outstanding = state.outstanding.filter(({ waits }) => waits !== true);
  for (const { request } of waiting) {
    if (request !== null) answer(self, request, refused(code));
  }
}
