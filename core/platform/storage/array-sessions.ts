/**
 * Requests that were sent more than once. An initiator numbers its requests and says which is the
 * oldest that it still waits for; the array remembers the numbers from there on.
 *
 * Must hold: a write takes effect once per number, and never after it was answered, its sender was
 * restarted, or another request told that the sender waits for it no more; so a copy that was held up
 * on a slow path, or in the queue, cannot come back over later writes. What is remembered dies with the array, and so do, by their incarnation, all copies on their way.
 */
import type { Request } from "../../kernel/index.ts";
import type { ArrayEntity, Session } from "./array-state.ts";
import { type BlockOutcome, type BlockRequest, DONE, withoutBody } from "./block.ts";
import { activeOf, type DeviceOp } from "./device-state.ts";
import type { OwnerStamp } from "./ownership.ts";

/** A block request as an initiator sends it. */
export type VolumeIo = {
  readonly volume: string;
  readonly request: BlockRequest;
  /** Name of the initiator; rises in `session` each time its host restarts. */
  readonly sender: string;
  readonly session: number;
  readonly number: number;
  /** The lowest number that the sender still waits for. */
  readonly oldest: number;
  /** Claimed volumes take requests of their owner only. */
  readonly owner: string;
  /** The sender's right to the disk; null or absent: the disk has no owner. */
  readonly stamp?: OwnerStamp | null;
  /** Of the array, as the sender knows it; another one refuses this. Absent: it does not care. */
  readonly run?: number;
};

/**
 * What to do with a request that arrived: serve it, answer as before, or nothing (a copy of it is
 * in the queue and will answer, or nobody waits for it any more).
 */
export type Admission =
  | { readonly do: "serve" }
  | { readonly do: "answer"; readonly outcome: BlockOutcome }
  | { readonly do: "nothing" };

const NOTHING: Admission = { do: "nothing" };
const SERVE: Admission = { do: "serve" };

export function admit(self: ArrayEntity, io: VolumeIo, request: Request): Admission {
  const known = self.volatile.sessions[io.sender];
  if (known !== undefined && io.session < known.session) {
    self.notice("sometimes", { name: "a request of an earlier session is dropped" });
    return NOTHING;
  }
  const session = enter(self, io, known);
  if (io.number < session.oldest) return NOTHING;
  const at = placeOf(session.seen, io.number);
  if (at < 0) return SERVE;
  const { id } = session.seen[at]!;
  if (id === 0) return io.request.op === "read" ? SERVE : { do: "answer", outcome: DONE };
  redirectAnswer(self, id, request);
  return NOTHING;
}

/** From the end: the newest are asked for most. -1: not seen. */
function placeOf(seen: Session["seen"], number: number): number {
  let at = seen.length - 1;
  while (at >= 0 && seen[at]!.number !== number) at--;
  return at;
}

/** Notes the sender's session and window; what is below the window is forgotten. */
function enter(self: ArrayEntity, io: VolumeIo, known: Session | undefined): Session {
  if (known === undefined || io.session > known.session) {
    const fresh = { session: io.session, oldest: io.oldest, seen: [] };
    self.edit().sessions[io.sender] = fresh;
    return fresh;
  }
  if (io.oldest <= known.oldest) return known;
  const edited = self.edit().sessions[io.sender]!;
  while (edited.seen.length > 0 && edited.seen[0]!.number < io.oldest) edited.seen.shift();
  edited.oldest = io.oldest;
  return edited;
}

/** The answer goes to the latest copy: the path of an earlier one may be lost. */
function redirectAnswer(self: ArrayEntity, id: number, request: Request): void {
  const state = self.edit();
  const op = activeOf(state.active, id) ?? state.waiting.find((each) => each.id === id);
  if (op !== undefined) op.request = withoutBody(request) as typeof op.request;
}

/** Notes that the request with this number is queued as `id`. */
export function noteQueued(self: ArrayEntity, io: VolumeIo, id: number): void {
  const { seen } = self.edit().sessions[io.sender]!;
  const { number } = io;
  const at = placeOf(seen, number);
  if (at >= 0) return void (seen[at]!.id = id);
  // Late copies come in between.
  let past = seen.length;
  while (past > 0 && seen[past - 1]!.number > number) past--;
  if (past === seen.length) seen.push({ number, id });
  else seen.splice(past, 0, { number, id });
}

/** Notes how a request ended: a refused one may be sent again and is then served again. */
export function noteEnded(self: ArrayEntity, op: DeviceOp, outcome: BlockOutcome): void {
  const known = self.volatile.sessions[op.sender];
  if (known === undefined) return;
  const at = placeOf(known.seen, op.number);
  if (at < 0 || known.seen[at]!.id !== op.id) return;
  const { seen } = self.edit().sessions[op.sender]!;
  if (outcome.ok) seen[at]!.id = 0;
  else seen.splice(at, 1);
}

/** Whether the sender has neither restarted since it sent this nor given it up. */
export function isCurrent(self: ArrayEntity, op: DeviceOp): boolean {
  if (op.sender === "") return true;
  const known = self.volatile.sessions[op.sender];
  if (known === undefined) return true;
  return known.session === op.session && op.number >= known.oldest;
}
